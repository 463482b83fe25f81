/** What a sign-in by passkey ends with: tokens, words, limits and the journal. Lies are in test/factors. */
import { expect } from 'chai';
import type { AccountState } from '../../src/accounts/accounts.ts';
import { addMember, createSharedAccount, endMember } from '../../src/accounts/members.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Authenticator, passkeyOptionsOf } from '../support/authenticator.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { accountOf, forgetFactors } from '../support/factors.ts';
import { linkEmail } from '../support/links.ts';
import { addPasskey, atThePassword, type Begun, goesOn, PASSWORD, sendAlone } from '../support/passkeys.ts';
import { leaveAttempts } from '../support/throttle.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const ANGE = 'ange@example.test';
const ANNE = 'anne@example.test';
const BASILE = 'basile@example.test';
const THIRD_PARTY = 'http://localhost:4009/callback';

describe('a sign-in by passkey', () => {
  let app: TestApp;
  let client: TestClient;
  let shared: { accountId: string; anne: string; basile: string };
  before(async () => {
    app = await startTestApp({ settings: { SECOND_FACTORS_SECRETARY: 'email,sms' } });
    client = await createTestClient(app.issuer, 'messagerie');
    const { knex } = app.deps;
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    await createTestAccount(app.deps, { email: ANGE, passwordHash });
    const member = (givenName: string, address: string) => ({
      ...{ civiliteCode: 'MME', familyName: 'PETIT', givenName, passwordHash, termsVersion: 'test' },
      email: { address, canonical: address },
    });
    const { accountId, memberId: anne } = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du port',
      state: 'active',
      firstMember: member('Anne', ANNE),
    });
    const basile = await addMember(knex, app.deps, accountId, member('Basile', BASILE), { invitedBy: anne });
    shared = { accountId, anne, basile };
    await linkEmail(app, 'messagerie', ANNE);
    const metadata = {
      redirect_uris: [THIRD_PARTY],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
    const application = { clientId: 'third-party', name: 'Agenda', description: '', icon: 'calendar' };
    await saveApplication(
      knex,
      app.clock,
      { ...application, firstParty: false, onPortal: false, startUrl: undefined, metadata },
      undefined,
    );
  });
  after(() => app.close());
  beforeEach(() => forgetFactors(app));

  const begin = (parameters: Readonly<Record<string, string>> = {}, visitor = new Visitor(app.issuer)) =>
    atThePassword({ client, visitor, parameters });

  /** Answers with this passkey in place of the password, and follows. */
  const enter = async ({ visitor, page }: Begun, key: Authenticator): Promise<Page> =>
    visitor.follow(await sendAlone(visitor, page, key.get(passkeyOptionsOf(page))));

  /** The engine closes the session of whoever was there first, by a form that sends itself. */
  async function passOver(visitor: Visitor, page: Page): Promise<Page> {
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1];
    if (!xsrf) throw new Error(`nobody's session is closed at ${page.url} (${page.status})`);
    return visitor.submit(page, { xsrf, logout: 'yes' });
  }

  const claimsOf = async ({ authorization }: Begun, page: Page) =>
    (await client.exchange(authorization, page.headers.get('location') as string)).claims();

  const subOf = async (visitor: Visitor) => {
    const begun = await begin({ prompt: 'none' }, visitor);
    return (await claimsOf(begun, begun.page))?.sub;
  };

  const refusals = async (): Promise<Record<string, unknown>[]> => {
    const rows = await app.deps.knex('journal').orderBy('seq').pluck('entry');
    return rows
      .map((entry) => JSON.parse(entry))
      .filter(({ event, details }) => event === 'sign-in.refused' && details.step === 'passkey');
  };

  describe('alone', () => {
    it('is of the highest class, told by what was done', async () => {
      const begun = await begin();
      const claims = await claimsOf(begun, await enter(begun, await addPasskey(app, CAMILLE)));
      expect(claims?.acr).to.equal(ACR.phishingResistant);
      expect(claims?.amr).to.deep.equal(['pop', 'user', 'mfa']);
    });

    it('is a new sign-in of who is signed in already, now, where the application wants one', async () => {
      const key = await addPasskey(app, CAMILLE);
      const visitor = new Visitor(app.issuer);
      app.clock.advance(-30 * MINUTE);
      const first = await begin({}, visitor);
      const before = await claimsOf(first, await enter(first, key));
      app.clock.advance(30 * MINUTE);
      for (const wish of [{ prompt: 'login' }, { max_age: '600' }] as Record<string, string>[]) {
        const again = await begin(wish, visitor);
        expect(wordsOf(again.page), JSON.stringify(wish)).to.include('demande de confirmer');
        const claims = await claimsOf(again, await enter(again, key));
        expect(claims?.sub).to.equal(before?.sub);
        expect(Number(claims?.auth_time) - Number(before?.auth_time)).to.be.within(30 * 60 - 5, 30 * 60 + 60);
        app.clock.advance(-30 * MINUTE);
        const old = await begin({ prompt: 'login' }, visitor);
        await enter(old, key);
        app.clock.advance(30 * MINUTE);
      }
    });

    it("opens another person's session where one was signed in, and ends the first", async () => {
      const [camille, ange] = [await addPasskey(app, CAMILLE), await addPasskey(app, ANGE)];
      const visitor = new Visitor(app.issuer);
      const first = await begin({}, visitor);
      const before = await claimsOf(first, await enter(first, camille));
      const second = await begin({ prompt: 'login' }, visitor);
      const after = await claimsOf(second, await passOver(visitor, await enter(second, ange)));
      expect(after?.sub).not.to.equal(before?.sub);
      expect(await subOf(visitor)).to.equal(after?.sub);
    });

    it('comes back with an error where the application named somebody else', async () => {
      const first = await begin();
      const { id_token: hint = '' } = await client.exchange(
        first.authorization,
        (await enter(first, await addPasskey(app, CAMILLE))).headers.get('location') as string,
      );
      const ange = await addPasskey(app, ANGE);
      const named = await begin({ id_token_hint: hint });
      const back = new URL((await enter(named, ange)).headers.get('location') as string).searchParams;
      expect([back.get('error'), back.get('code')]).to.deep.equal(['login_required', null]);
    });

    it("gives nothing to an application whose consent another person's session waits for", async () => {
      const ange = await addPasskey(app, ANGE);
      const visitor = new Visitor(app.issuer);
      const agenda = await createTestClient(app.issuer, 'third-party', { redirectUri: THIRD_PARTY });
      const { url } = await agenda.authorize({ scope: 'openid email' });
      const consent = await signIn(app, visitor, url, { email: CAMILLE });
      expect(wordsOf(consent)).to.include(CAMILLE);
      // The password page of an interaction that asks for a consent.
      const page = await visitor.send(consent, { email: '', password: '' }, new URL(consent.url).pathname);
      const answer = await sendAlone(visitor, page, ange.get(passkeyOptionsOf(page)));
      const next = await passOver(visitor, await visitor.follow(answer));
      expect(next.headers.get('location'), 'no code').to.equal(null);
      expect(wordsOf(next)).to.include('Agenda');
      expect(wordsOf(next)).not.to.include(CAMILLE);
    });

    for (const state of ['pending', 'suspended', 'closed', 'refused'] satisfies AccountState[]) {
      it(`says the words that a password gets to an account that is ${state}, and no more to a liar`, async () => {
        const key = await addPasskey(app, ANGE);
        const accounts = app.deps.knex('accounts').where({ id: await accountOf(app, ANGE) });
        const begun = await begin();
        await accounts.clone().update({ state });
        try {
          const page = await sendAlone(begun.visitor, begun.page, key.get(passkeyOptionsOf(begun.page)));
          const byPassword = await begun.visitor.submit(begun.page, { email: ANGE, password: PASSWORD });
          expect([page.status, wordsOf(page)]).to.deep.equal([422, wordsOf(byPassword)]);
          const lie = key.get(passkeyOptionsOf(begun.page), { rpId: 'example.evil' });
          expect(wordsOf(await sendAlone(begun.visitor, begun.page, lie))).to.include("n'est pas connue ici");
        } finally {
          await accounts.clone().update({ state: 'active' });
        }
      });
    }

    it('is refused in words where the account may not use one any more', async () => {
      const key = await addPasskey(app, ANGE);
      const accounts = app.deps.knex('accounts').where({ id: await accountOf(app, ANGE) });
      await accounts.clone().update({ kind: 'secretary' });
      const begun = await begin();
      const page = await enter(begun, key);
      await accounts.clone().update({ kind: 'professional' });
      expect(page.status).to.equal(422);
      expect(wordsOf(page)).to.include("ne peut pas se connecter par une clé d'accès seule");
    });

    it('stops at one source after its wrong answers, and goes on at another', async () => {
      const key = await addPasskey(app, CAMILLE);
      const begun = await begin();
      const { visitor, page } = begun;
      expect((await sendAlone(visitor, page, '{}')).status).to.equal(422);
      await leaveAttempts(app, 'proofFailurePerSource', 0);
      const right = await sendAlone(visitor, page, key.get(passkeyOptionsOf(page)));
      expect(right.status).to.equal(422);
      expect(wordsOf(right)).to.include('minutes');
      await leaveAttempts(app, 'proofFailurePerSource', 1);
      expect(goesOn(await sendAlone(visitor, page, key.get(passkeyOptionsOf(page))))).to.equal(true);
    });
  });

  describe('of a shared account', () => {
    it('is of the member whose passkey it is, alone and after their own password only', async () => {
      const key = await addPasskey(app, ANNE);
      const alone = await begin();
      const claims = await claimsOf(alone, await enter(alone, key));
      const rows = await app.deps.knex('journal').orderBy('seq', 'desc').pluck('entry');
      const last = rows.map((entry) => JSON.parse(entry)).find(({ event }) => event === 'sign-in.completed');
      expect([last.actor, last.subject]).to.deep.equal([shared.anne, shared.accountId]);

      const basile = await addPasskey(app, BASILE);
      expect(basile.userHandle, 'members are told apart').not.to.equal(key.userHandle);
      const { visitor, page: form } = await begin();
      const page = await visitor.submit(form, { email: BASILE, password: PASSWORD });
      expect((await visitor.send(page, { passkey: key.get(passkeyOptionsOf(page)) })).status).to.equal(422);
      const again = await begin();
      expect((await claimsOf(again, await enter(again, basile)))?.sub).to.equal(claims?.sub);
    });

    it('is unknown once that member left, and forgotten', async () => {
      const key = await addPasskey(app, BASILE);
      const { visitor, page } = await begin();
      const { accountId, anne: by, basile: memberId } = shared;
      await app.deps.knex.transaction((trx) => endMember(trx, app.deps, { accountId, memberId, by }));
      const refused = await sendAlone(visitor, page, key.get(passkeyOptionsOf(page)));
      expect(refused.status).to.equal(422);
      expect(wordsOf(refused)).to.include("n'est pas connue ici");
      for (const table of ['passkeys', 'known_devices'])
        expect(await app.deps.knex(table).where({ member_id: memberId }), table).to.deep.equal([]);
    });
  });

  describe('that is refused', () => {
    it('names the account and the reason in the journal when a copy may be about', async () => {
      const key = await addPasskey(app, CAMILLE);
      const subject = await accountOf(app, CAMILLE);
      await enter(await begin(), key);
      const before = (await refusals()).length;

      const alone = await begin();
      await sendAlone(alone.visitor, alone.page, key.get(passkeyOptionsOf(alone.page), { count: 1 }));
      const { visitor, page: form } = await begin();
      const second = await visitor.submit(form, { email: CAMILLE, password: PASSWORD });
      await visitor.send(second, { passkey: key.get(passkeyOptionsOf(second), { count: 1 }) });
      const entries = (await refusals()).slice(before);
      expect(entries).to.have.length(2);
      for (const entry of entries)
        expect(entry).to.deep.include({ subject, details: { step: 'passkey', reason: 'counter-went-back' } });
    });

    it('uses its challenge up, whatever comes next', async () => {
      const key = await addPasskey(app, CAMILLE);
      await enter(await begin(), key);
      const { visitor, page } = await begin();
      await sendAlone(visitor, page, key.get(passkeyOptionsOf(page), { count: 1 }));
      expect((await sendAlone(visitor, page, key.get(passkeyOptionsOf(page)))).status).to.equal(422);
      expect((await refusals()).at(-1)?.details).to.deep.equal({
        step: 'passkey',
        reason: 'answered-before',
      });
    });

    it('opens nothing when it was removed meanwhile, and names nobody', async () => {
      const key = await addPasskey(app, CAMILLE);
      const { visitor, page } = await begin();
      await app.deps.knex('passkeys').delete();
      expect((await sendAlone(visitor, page, key.get(passkeyOptionsOf(page)))).status).to.equal(422);
      const entry = (await refusals()).at(-1);
      expect(entry).to.deep.include({ details: { step: 'passkey' } });
      expect(entry).not.to.have.property('subject');
    });

    it('leaves neither its signature nor its identifier in the journal, nor in what is logged', async () => {
      const key = await addPasskey(app, CAMILLE);
      const { visitor, page } = await begin();
      const passkey = key.get(passkeyOptionsOf(page), { rpId: 'example.evil' });
      await sendAlone(visitor, page, passkey);
      const { id, response } = JSON.parse(passkey);
      const told = [...app.logLines, ...(await app.deps.knex('journal').pluck('entry'))].join('\n');
      for (const secret of [id, response.signature, response.clientDataJSON])
        expect(told.includes(secret)).to.equal(false);
    });
  });
});
