import { expect } from 'chai';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { endAccessOfMember } from '../../src/accounts/access.ts';
import {
  addMember,
  createSharedAccount,
  endMember,
  LastMemberError,
  listMembers,
} from '../../src/accounts/members.ts';
import { findPrincipal, findSignInByEmail } from '../../src/accounts/principals.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { inviteMember, listOpenInvitations } from '../../src/invitations/invitations.ts';
import { newId } from '../../src/lib/ids.ts';
import { sweepActingMembers } from '../../src/openid/acting-members.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { answerEmail, linkEmail } from '../support/links.ts';
import { endWaits } from '../support/throttle.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORDS = { anne: 'sept girafes sous la pluie', basile: 'neuf girafes au soleil levant' };
const TITLE = 'Secrétariat du 3e étage';

describe('shared accounts', () => {
  let app: TestApp;
  let client: TestClient;
  let hashes: { anne: string; basile: string };
  let made = 0;

  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
    const { hasher } = app.deps;
    hashes = { anne: await hasher.hash(PASSWORDS.anne), basile: await hasher.hash(PASSWORDS.basile) };
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const member = (name: 'anne' | 'basile', address: string) => ({
    civiliteCode: name === 'anne' ? 'MME' : 'M',
    familyName: `SECRETAIRE${name.toUpperCase()}`,
    givenName: name === 'anne' ? 'Anne' : 'Basile',
    email: { address, canonical: address.toLowerCase() },
    passwordHash: hashes[name],
    termsVersion: 'test',
  });

  /** An active shared account with two members. */
  async function shared({ state = 'active' as 'active' | 'pending' } = {}) {
    made += 1;
    const emails = { anne: `Anne${made}@example.test`, basile: `basile${made}@example.test` };
    const { knex } = app.database;
    const { accountId, memberId: anne } = await createSharedAccount(knex, app.deps, {
      title: TITLE,
      state,
      firstMember: member('anne', emails.anne),
    });
    const basile = await addMember(knex, app.deps, accountId, member('basile', emails.basile), {
      invitedBy: anne,
    });
    await linkEmail(app, 'messagerie', emails.anne);
    return { accountId, anne, basile, emails };
  }

  const eventsOf = async (accountId: string) => {
    const rows = await app.database.knex('journal').where({ subject: accountId }).orderBy('seq');
    return rows.map(({ event, actor }) => ({ event, actor }));
  };

  /** Signs in to « Messagerie » and brings its tokens home. */
  async function tokensOf(visitor: Visitor, email: string, password: string, more = {}) {
    const authorization = await client.authorize(more);
    const back = await signIn(app, visitor, authorization.url, { email, password });
    return client.exchange(authorization, back.headers.get('location') as string);
  }

  const remove = (accountId: string, memberId: string, by: string) =>
    app.database.knex.transaction(async (trx) => {
      await endMember(trx, app.deps, { accountId, memberId, by });
      await endAccessOfMember(trx, memberId);
    });

  describe('are refused by the database', () => {
    const refusals: [
      string,
      (shared: { accountId: string; anne: string }, person: string) => Promise<unknown>,
    ][] = [
      [
        'an RPPS number',
        ({ accountId }) =>
          app.database.knex('accounts').where({ id: accountId }).update({ rpps: '99700900048' }),
      ],
      [
        'a profession',
        ({ accountId }) =>
          app.database.knex('accounts').where({ id: accountId }).update({ profession_code: '10' }),
      ],
      [
        'a password of their own',
        ({ accountId }) =>
          app.database.knex('accounts').where({ id: accountId }).update({ password_hash: 'x' }),
      ],
      [
        "a person's name",
        ({ accountId }) =>
          app.database.knex('accounts').where({ id: accountId }).update({ family_name: 'DOC' }),
      ],
      [
        'an identity proved by a register',
        ({ accountId }) =>
          app.database
            .knex('accounts')
            .where({ id: accountId })
            .update({ identity_proof: 'ordinal-register' }),
      ],
      [
        'no title',
        ({ accountId }) => app.database.knex('accounts').where({ id: accountId }).update({ title: null }),
      ],
      [
        "an administrator's role",
        ({ accountId }) =>
          app.database.knex('account_roles').insert({ account_id: accountId, role: 'administrator' }),
      ],
      [
        'an address that signs in as the account itself',
        ({ accountId }) =>
          app.database.knex('email_addresses').where({ account_id: accountId }).update({ is_sign_in: true }),
      ],
      [
        'to become the account of a person',
        ({ accountId }) =>
          app.database
            .knex('accounts')
            .where({ id: accountId })
            .update({ kind: 'secretary', title: null, family_name: 'A', given_name: 'B' }),
      ],
      [
        'to be made of the account of a person',
        (_, person) =>
          app.database.knex('accounts').where({ id: person }).update({
            kind: 'shared',
            title: 'A',
            family_name: null,
            given_name: null,
            password_hash: null,
          }),
      ],
      [
        'a member on the account of a person',
        (_, person) =>
          app.database.knex('account_members').insert({
            id: newId(),
            account_id: person,
            family_name: 'A',
            given_name: 'B',
            password_hash: 'x',
            terms_version: 'test',
            terms_accepted_at: new Date(),
            created_at: new Date(),
          }),
      ],
      [
        'a member who is active without a password',
        ({ anne }) =>
          app.database.knex('account_members').where({ id: anne }).update({ password_hash: null }),
      ],
      [
        'somebody else than a professional to answer for them',
        ({ accountId }) =>
          app.database
            .knex('accounts')
            .where({ id: accountId })
            .update({ responsible_account_id: accountId }),
      ],
    ];
    for (const [what, act] of refusals) {
      it(what, async () => {
        const account = await shared();
        const person = await createTestAccount(app.deps, {
          email: `person${made}@example.test`,
          passwordHash: hashes.anne,
        });
        const outcome = await act(account, person).then(
          () => 'accepted',
          (error: { code?: string }) => error.code,
        );
        expect(outcome).to.equal('23514');
      });
    }

    it('an address of a member of another account, while a professional may answer for them', async () => {
      const [one, two] = [await shared(), await shared()];
      const moved = await app.database
        .knex('email_addresses')
        .where({ member_id: one.anne })
        .update({ account_id: two.accountId, is_notification: false })
        .then(
          () => 'accepted',
          (error: { code?: string }) => error.code,
        );
      expect(moved).to.equal('23503');
      const person = await createTestAccount(app.deps, {
        email: `answers${made}@example.test`,
        passwordHash: hashes.anne,
      });
      await app.database
        .knex('accounts')
        .where({ id: one.accountId })
        .update({ responsible_account_id: person });
    });
  });

  describe('at sign-in', () => {
    it('let each member in with their own address, password and code, and tell the title and one address only', async () => {
      const { accountId, anne, basile, emails } = await shared();
      for (const [name, id] of [
        ['anne', anne],
        ['basile', basile],
      ] as const) {
        const tokens = await tokensOf(new Visitor(app.issuer), emails[name], PASSWORDS[name]);
        const claims = tokens.claims();
        expect(claims?.sub).to.equal(accountId);
        expect(claims?.amr).to.deep.equal(['pwd', 'email']);
        const info = await oidc.fetchUserInfo(client.configuration, tokens.access_token, accountId);
        expect(info).to.include({ sub: accountId, name: TITLE, email: emails.anne, email_verified: true });
        expect(info).not.to.have.any.keys('given_name', 'family_name', 'rpps', 'phone_number');
        const refreshed = await oidc.refreshTokenGrant(client.configuration, tokens.refresh_token as string);
        const again = await oidc.fetchUserInfo(client.configuration, refreshed.access_token, accountId);
        expect(again.email).to.equal(emails.anne);
        expect(decodeJwt(refreshed.id_token as string).sub).to.equal(accountId);
        const done = (await eventsOf(accountId)).filter(({ event }) => event === 'sign-in.completed');
        expect(done.at(-1)).to.deep.equal({ event: 'sign-in.completed', actor: id });
      }
    });

    it('give an application the address that is linked to it, whoever acts', async () => {
      const { accountId, emails } = await shared();
      const { knex } = app.database;
      const id = newId();
      const address = `cabinet${made}@example.test`;
      await knex('email_addresses').insert({
        id,
        account_id: accountId,
        address,
        canonical: address,
        verified_at: new Date(),
      });
      await linkEmail(app, 'messagerie', address);
      const tokens = await tokensOf(new Visitor(app.issuer), emails.basile, PASSWORDS.basile);
      const info = await oidc.fetchUserInfo(client.configuration, tokens.access_token, accountId);
      expect(info.email).to.equal(address);
      expect(await findSignInByEmail(knex, address), 'an address of the account itself').to.equal(undefined);
    });

    it("refuse a colleague's password, and count each member's tries apart", async () => {
      const { emails } = await shared();
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get((await client.authorize()).url);
      for (let time = 0; time < 11; time += 1) {
        await endWaits(app);
        const page = await visitor.submit(form, { email: emails.anne, password: PASSWORDS.basile });
        expect(page.status).to.equal(422);
        expect(wordsOf(page)).to.include(time < 10 ? "n'est pas correct" : "Trop d'essais en peu de temps");
      }
      const capitals = { email: emails.anne.toUpperCase(), password: PASSWORDS.anne };
      expect(wordsOf(await visitor.submit(form, capitals))).to.include("Trop d'essais en peu de temps");
      const colleague = new Visitor(app.issuer);
      await tokensOf(colleague, emails.basile, PASSWORDS.basile);
    });

    it('wait for their approval', async () => {
      const { emails } = await shared({ state: 'pending' });
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get((await client.authorize()).url);
      const page = await visitor.submit(form, { email: emails.anne, password: PASSWORDS.anne });
      expect(wordsOf(page)).to.include("attend d'être vérifié");
    });

    it('say who is signed in, across another identifier of the session, and who signed out', async () => {
      const { accountId, anne, emails } = await shared();
      const visitor = new Visitor(app.issuer);
      await tokensOf(visitor, emails.anne, PASSWORDS.anne);
      expect(wordsOf(await visitor.get('/'))).to.include(`Anne SECRETAIREANNE, ${TITLE}`);

      const identifier = async () =>
        (await visitor.jar.getCookies(app.issuer)).find(({ key }) => key === 'caducee')?.value;
      const before = await identifier();
      await tokensOf(visitor, emails.anne, PASSWORDS.anne, { prompt: 'login' });
      expect(await identifier()).not.to.equal(before);
      await sweepActingMembers(app.database.knex);
      expect(wordsOf(await visitor.get('/'))).to.include('Anne SECRETAIREANNE');

      const ask = await visitor.get('/deconnexion?client_id=caducee');
      await visitor.submit(ask, {
        xsrf: /name="xsrf" value="([^"]*)"/.exec(ask.text)?.[1] ?? '',
        logout: 'yes',
      });
      const deadline = Date.now() + 5_000;
      let out: { event: string; actor: string }[] = [];
      while (out.length === 0 && Date.now() < deadline)
        out = (await eventsOf(accountId)).filter(({ event }) => event === 'sign-out.completed');
      expect(out).to.deep.equal([{ event: 'sign-out.completed', actor: anne }]);
    });

    it('are consented for by the member who is there, each for their own session', async () => {
      const redirectUri = 'http://localhost:4009/callback';
      const { knex } = app.database;
      await saveApplication(
        knex,
        app.clock,
        {
          clientId: 'third-party',
          name: 'Agenda',
          description: '',
          icon: 'calendar',
          firstParty: false,
          onPortal: false,
          startUrl: undefined,
          metadata: {
            redirect_uris: [redirectUri],
            grant_types: ['authorization_code'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none',
          },
        },
        undefined,
      );
      const agenda = await createTestClient(app.issuer, 'third-party', { redirectUri });
      const { accountId, anne, basile, emails } = await shared();
      const visitor = new Visitor(app.issuer);
      for (const name of ['anne', 'basile'] as const) {
        const authorization = await agenda.authorize({ scope: 'openid email profile', prompt: 'login' });
        const signedIn = await signIn(app, visitor, authorization.url, {
          email: emails[name],
          password: PASSWORDS[name],
        });
        // Asked once, of whoever comes first.
        const consent = name === 'anne' ? await answerEmail(visitor, signedIn, emails.basile) : signedIn;
        expect(wordsOf(consent)).to.include(TITLE).and.to.include(emails.basile);
        const back = await visitor.submit(consent, { decision: 'allow' }, '/consentement');
        const tokens = await agenda.exchange(authorization, back.headers.get('location') as string);
        const info = await oidc.fetchUserInfo(agenda.configuration, tokens.access_token, accountId);
        expect(info.email).to.equal(emails.basile);
      }
      const given = (await eventsOf(accountId)).filter(({ event }) => event === 'consent.given');
      expect(given.map(({ actor }) => actor)).to.deep.equal([anne, basile]);
    });

    it('let a colleague take over the browser of another, whose tokens of that session end', async () => {
      const { accountId, anne, basile, emails } = await shared();
      const visitor = new Visitor(app.issuer);
      const first = await tokensOf(visitor, emails.anne, PASSWORDS.anne);
      const second = await tokensOf(visitor, emails.basile, PASSWORDS.basile, { prompt: 'login' });
      expect(wordsOf(await visitor.get('/'))).to.include('Basile SECRETAIREBASILE');
      const emailIn = async ({ access_token }: { access_token: string }) =>
        (await oidc.fetchUserInfo(client.configuration, access_token, accountId)).email;
      expect(await emailIn(second)).to.equal(emails.anne);
      expect(await emailIn(first).catch(() => 'refused')).to.equal('refused');

      await remove(accountId, anne, basile);
      expect(await emailIn(second), 'the address went with its member').to.equal(undefined);
      expect(wordsOf(await visitor.get('/'))).to.include('Basile SECRETAIREBASILE');
    });
  });

  it('leave nothing of a member in a browser that a person takes over', async () => {
    const { emails } = await shared();
    const visitor = new Visitor(app.issuer);
    await tokensOf(visitor, emails.anne, PASSWORDS.anne);
    const authorization = await client.authorize({ prompt: 'login' });
    const camille = 'camille@example.test';
    const between = await signIn(app, visitor, authorization.url, { email: camille });
    const hidden = (name: string) =>
      new RegExp(`name="${name}" value="([^"]*)"`).exec(between.text)?.[1] ?? '';
    const back = await visitor.submit(between, { xsrf: hidden('xsrf'), logout: 'yes' });
    const tokens = await client.exchange(authorization, back.headers.get('location') as string);
    expect(tokens.claims()?.sub).to.equal((await findSignInByEmail(app.database.knex, camille))?.id);
    expect(wordsOf(await visitor.get('/')))
      .to.include('Bonjour Camille')
      .and.not.to.include(TITLE);
  });

  describe('without a member who left', () => {
    it('end their sessions and tokens at once, and keep those of the others', async () => {
      const { accountId, anne, basile, emails } = await shared();
      const [left, stays] = [new Visitor(app.issuer), new Visitor(app.issuer)];
      const gone = await tokensOf(left, emails.basile, PASSWORDS.basile);
      const kept = await tokensOf(stays, emails.anne, PASSWORDS.anne);
      const { knex } = app.database;
      const rowsOf = async () =>
        Number((await knex('oidc_payloads').where({ account_id: accountId }).count())[0]?.count);
      const before = await rowsOf();

      await remove(accountId, basile, anne);
      expect(await rowsOf())
        .to.be.lessThan(before)
        .and.greaterThan(0);
      expect(wordsOf(await left.get('/'))).not.to.include(TITLE);
      const refused = (promise: Promise<unknown>) =>
        promise.then(
          () => 'accepted',
          () => 'refused',
        );
      const { configuration } = client;
      expect(await refused(oidc.fetchUserInfo(configuration, gone.access_token, accountId))).to.equal(
        'refused',
      );
      expect(await refused(oidc.refreshTokenGrant(configuration, gone.refresh_token as string))).to.equal(
        'refused',
      );
      const silent = await left.get((await client.authorize({ prompt: 'none' })).url);
      expect(silent.headers.get('location')).to.include('login_required');

      expect(wordsOf(await stays.get('/'))).to.include('Anne SECRETAIREANNE');
      await oidc.fetchUserInfo(configuration, kept.access_token, accountId);
      await oidc.refreshTokenGrant(configuration, kept.refresh_token as string);
      expect((await eventsOf(accountId)).at(-1)).to.deep.equal({ event: 'member.removed', actor: anne });
    });

    it('are closed to them even where a row of theirs was left behind', async () => {
      const { accountId, anne, basile, emails } = await shared();
      const visitor = new Visitor(app.issuer);
      const tokens = await tokensOf(visitor, emails.basile, PASSWORDS.basile);
      await app.database.knex.transaction((trx) =>
        endMember(trx, app.deps, { accountId, memberId: basile, by: anne }),
      );
      const info = await oidc
        .fetchUserInfo(client.configuration, tokens.access_token, accountId)
        .catch(() => undefined);
      expect(info).to.equal(undefined);
      expect(wordsOf(await visitor.get('/'))).not.to.include(TITLE);
      expect(await findPrincipal(app.database.knex, accountId, basile)).to.equal(undefined);
    });

    it('stop a sign-in of theirs half-way', async () => {
      const { accountId, anne, basile, emails } = await shared();
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get((await client.authorize()).url);
      const { result: page, code } = await app.codeSentBy(emails.basile, () =>
        visitor.submit(form, { email: emails.basile, password: PASSWORDS.basile }),
      );
      await remove(accountId, basile, anne);
      const after = await visitor.submit(page, { code }, '/code');
      expect(after.headers.get('location') ?? '').not.to.include('code=');
      expect(wordsOf(after)).to.include('Connectez-vous');
    });

    it('set their address free, and write to another one from then on', async () => {
      const { accountId, anne, basile, emails } = await shared();
      const { knex } = app.database;
      await remove(accountId, anne, basile);
      expect(await findSignInByEmail(knex, emails.anne.toLowerCase())).to.equal(undefined);
      const principal = await findPrincipal(knex, accountId, basile);
      expect(principal?.account.notificationEmail).to.equal(emails.basile);
      await createTestAccount(app.deps, { email: emails.anne, passwordHash: hashes.anne });
    });

    it('let nobody come back by an invitation that they sent while they were removed', async () => {
      const { accountId, anne, basile } = await shared();
      const { knex } = app.database;
      const invite = (inviter: string, address: string) =>
        inviteMember(knex, app.deps, {
          accountId,
          title: TITLE,
          inviter: { id: inviter, displayName: 'Secrétaire' },
          email: { address, canonical: address },
          lang: 'fr',
          source: '192.0.2.9',
          invitationUrl: (token) => `${app.issuer}/invitation/${token}`,
        });
      await remove(accountId, basile, anne);
      await invite(basile, `basile-${accountId}@example.test`);
      expect(await listOpenInvitations(knex, app.clock, accountId)).to.have.length(0);
      await invite(anne, `anne-${accountId}@example.test`);
      expect(await listOpenInvitations(knex, app.clock, accountId)).to.have.length(1);
    });

    it('keep at least one, whoever removes whom at the same moment', async () => {
      const { accountId, anne, basile } = await shared();
      await Promise.all([remove(accountId, anne, basile), remove(accountId, basile, anne)]);
      const [last, ...others] = await listMembers(app.database.knex, accountId);
      expect(others, 'who was removed first has no say any more').to.have.length(0);
      const leaving = remove(accountId, last?.id ?? '', last?.id ?? '');
      expect(await leaving.catch((error) => error)).to.be.instanceOf(LastMemberError);
    });
  });
});
