import { expect } from 'chai';
import * as oidc from 'openid-client';
import { eraseClosed } from '../../src/accounts/erasure.ts';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { LastAdministratorError, transition } from '../../src/accounts/transition.ts';
import { verifyChain } from '../../src/audit/journal.ts';
import { DAY, MINUTE } from '../../src/lib/clock.ts';
import { createTestAccount, createTestAdministrator, signInAdministrator } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';
import { ADMIN, accountIdOf, addPhone, CAMILLE, DOMINIQUE, type Person, signedIn } from './support.ts';

const CLOSING = '/mon-compte/fermeture';
const PASSWORD = 'demo-caducee-2026';
const LISE = { email: 'lise@example.test', phone: '+33639980098' };

describe('closing one’s account', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp({ nodes: 2 });
  });
  afterEach(() => app.close());

  const stateOf = async (id: string): Promise<string | undefined> =>
    (await app.database.knex('accounts').where({ id }).first('state'))?.state;
  const close = async (visitor: Visitor): Promise<Page> => {
    await app.database.knex('throttle_counters').delete();
    return visitor.submit(await visitor.get(CLOSING), {}, CLOSING);
  };
  const messagesTo = (to: string) => app.mailbox.messages().filter((message) => message.to === to);
  async function waitForSubject(to: string, subject: string): Promise<string> {
    for (let tries = 0; tries < 400; tries += 1) {
      const found = messagesTo(to).find((message) => message.subject === subject);
      if (found) return found.text;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no « ${subject} » to ${to}`);
  }

  it('asks for a fresh sign-in, and comes back to it', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get(CLOSING);
    expect(wordsOf(page)).to.include("Vous avez 30 jours pour changer d'avis");
    app.clock.advance(6 * MINUTE);
    const stale = await visitor.send(page, {}, CLOSING);
    expect(stale.headers.get('location')).to.equal('/connexion?vers=fermeture');
    expect(await stateOf(await accountIdOf(app, CAMILLE))).to.equal('active');
  });

  it('ends every session and token at once, and tells every contact how to change one’s mind', async () => {
    const visitor = await signedIn(app, CAMILLE);
    await addPhone(app, visitor, '+33639980055');
    const elsewhere = await signedIn(app, CAMILLE);
    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const back = await visitor.get(authorization.url);
    const tokens = await client.exchange(authorization, back.headers.get('location') as string);
    const id = await accountIdOf(app, CAMILLE);

    const done = await close(visitor);
    expect(new URL(done.url).pathname).to.equal('/');
    expect(wordsOf(done)).to.include('Votre compte est fermé').and.to.include('Connectez-vous');
    expect(await stateOf(id)).to.equal('closed');
    for (const one of [visitor, elsewhere])
      expect((await one.request('/mon-compte')).headers.get('location')).to.equal(
        '/connexion?vers=mon-compte',
      );
    const userinfo = await fetch(`${app.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(userinfo.status).to.equal(401);
    const refused = await oidc
      .refreshTokenGrant(client.configuration, tokens.refresh_token as string)
      .catch((error) => error.error);
    expect(refused).to.equal('invalid_grant');
    for (const table of ['oidc_sessions', 'oidc_payloads', 'browser_sessions', 'known_devices'])
      expect(await app.database.knex(table).where({ account_id: id }), table).to.deep.equal([]);

    for (const to of [CAMILLE.email, 'camille.cabinet@example.test'])
      expect(await waitForSubject(to, 'Votre compte est fermé'))
        .to.include(`${app.issuer}/connexion`)
        .and.to.include('Rouvrir mon compte')
        .and.to.include('30 jours');
    expect((await app.waitForMessage('+33639980055', { after: 1 })).text).to.include(
      'votre compte est fermé',
    );
  });

  it('gives no token before the account is opened again, after a whole proof, and all as it was then', async () => {
    const id = await accountIdOf(app, CAMILLE);
    await close(await signedIn(app, CAMILLE));
    app.clock.advance(29 * DAY);
    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get(authorization.url);
    const wrong = await visitor.submit(form, { email: CAMILLE.email, password: 'un autre mot de passe' });
    expect(wordsOf(wrong), 'a password that is wrong tells nothing').not.to.include('ferm');
    const { result: codePage, code } = await app.codeSentBy(CAMILLE.email, () =>
      visitor.submit(wrong, { email: CAMILLE.email, password: PASSWORD }),
    );
    expect(wordsOf(codePage)).not.to.include('Rouvrir');
    const early = await visitor.get(codePage.url.replace('/code', '/rouvrir'));
    expect(new URL(early.url).pathname, 'not before the code').to.match(/\/code$/);
    const asked = await visitor.submit(codePage, { code }, '/code');
    expect(wordsOf(asked)).to.include('Rouvrir mon compte').and.to.include('il sera effacé à partir du');
    expect(wordsOf(await visitor.get('/'))).not.to.include('Bonjour');
    expect(await stateOf(id)).to.equal('closed');
    const again = await visitor.get((await client.authorize()).url);
    expect(again.headers.get('location'), 'no code for an application').to.equal(null);
    expect(await app.database.knex('oidc_sessions').where({ account_id: id })).to.deep.equal([]);

    const back = await visitor.submit(asked, {}, '/rouvrir');
    const tokens = await client.exchange(authorization, back.headers.get('location') as string);
    expect(tokens.claims()?.sub).to.equal(id);
    expect(await stateOf(id)).to.equal('active');
    expect(await waitForSubject(CAMILLE.email, 'Votre compte est rouvert')).to.include('tel qu');
    expect(wordsOf(await visitor.get('/'))).to.include('Bonjour Camille');
    const row = await app.database.knex('accounts').where({ id }).first();
    expect(row).to.include({ erase_after: null, may_reopen: false, rpps: '99700900048' });
    const events = await app.database
      .knex('journal')
      .where({ subject: id })
      .whereLike('event', 'account.%')
      .orderBy('seq')
      .pluck('event');
    expect(events.slice(-2)).to.deep.equal(['account.closed', 'account.reopened']);
    app.clock.advance(60 * DAY);
    expect(await eraseClosed(app.database.knex, app.clock)).to.equal(0);
  });

  it('keeps the proof of who comes back to their browser and to that sign-in', async () => {
    await close(await signedIn(app, CAMILLE));
    const visitor = new Visitor(app.issuer);
    const asked = await signIn(app, visitor, '/connexion', CAMILLE);
    expect(asked.url).to.match(/\/rouvrir$/);
    const thief = new Visitor(app.issuer);
    await thief.get('/connexion');
    expect((await thief.get(asked.url)).status).to.be.oneOf([400, 404, 410]);
    expect((await thief.send(asked, {}, asked.url)).status).to.be.oneOf([400, 403, 404, 410]);

    // Two clicks, and two browsers: one opens it, and nobody is let in who proved it for a closed account only.
    const second = new Visitor(app.issuer);
    await app.database.knex('throttle_counters').delete();
    const other = await signIn(app, second, '/connexion', CAMILLE);
    const answers = await Promise.all([
      visitor.send(asked, {}, asked.url),
      visitor.send(asked, {}, asked.url),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status >= 500)).to.deep.equal([]);
    expect(await stateOf(await accountIdOf(app, CAMILLE))).to.equal('active');
    const late = await second.submit(other, {}, '/rouvrir');
    expect(wordsOf(late)).to.include('Mot de passe');
    expect(wordsOf(await second.get('/'))).not.to.include('Bonjour');
  });

  it('no longer opens again after 30 days, and not when an administrator closed it', async () => {
    const byThemself = await signedIn(app, CAMILLE);
    await close(byThemself);
    const { knex } = app.database;
    const admin = await accountIdOf(app, ADMIN);
    await transition(knex, app.deps, {
      accountId: await accountIdOf(app, DOMINIQUE),
      to: 'closed',
      by: { role: 'administrator', accountId: admin },
    });
    const told = async ({ email }: Person) => {
      await knex('throttle_counters').delete();
      const visitor = new Visitor(app.issuer);
      return wordsOf(await visitor.submit(await visitor.get('/connexion'), { email, password: PASSWORD }));
    };
    expect(await told(DOMINIQUE)).to.include('Ce compte est fermé.');
    const visitor = new Visitor(app.issuer);
    const asked = await signIn(app, visitor, '/connexion', CAMILLE);
    app.clock.advance(30 * DAY);
    expect(await told(CAMILLE)).to.include('Ce compte est fermé.');
    const late = await visitor.send(asked, {}, asked.url);
    expect(late.status).to.be.oneOf([303, 410, 404]);
    expect(await stateOf(await accountIdOf(app, CAMILLE))).to.equal('closed');
  });

  it('does not open again with a number that became another account’s', async () => {
    const { knex } = app.database;
    const id = await accountIdOf(app, CAMILLE);
    await close(await signedIn(app, CAMILLE));
    const other = await createTestAccount(app.deps, { email: 'autre@example.test', passwordHash: 'x' });
    await knex('accounts').where({ id: other }).update({ rpps: '99700900048' });
    const visitor = new Visitor(app.issuer);
    const asked = await signIn(app, visitor, '/connexion', CAMILLE);
    const refused = await visitor.submit(asked, {}, '/rouvrir');
    expect(refused.status).to.equal(409);
    expect(wordsOf(refused)).to.include('Un autre compte a reçu votre numéro RPPS');
    expect(await stateOf(id)).to.equal('closed');
  });

  it('is refused to the last administrator, also when two close at the same moment', async () => {
    const andrea = new Visitor(app.issuer);
    await signInAdministrator(app, andrea);
    const refused = await close(andrea);
    expect(refused.status).to.equal(409);
    expect(wordsOf(refused)).to.include('Vous êtes le dernier administrateur.');

    const { knex } = app.database;
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    const ids = [
      await accountIdOf(app, ADMIN),
      await createTestAdministrator(app.deps, { ...LISE, passwordHash }),
    ];
    const outcomes = await Promise.allSettled(
      ids.map((accountId) =>
        transition(knex, app.deps, { accountId, to: 'closed', by: { role: 'person', accountId } }),
      ),
    );
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).to.have.length(1);
    expect(failed[0]?.reason).to.be.instanceOf(LastAdministratorError);
    expect(await Promise.all(ids.map(stateOf))).to.have.members(['active', 'closed']);
  });

  it('is not a member’s of a shared account, who may leave', async () => {
    const { knex } = app.database;
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    const person = (email: string) => ({
      ...{ familyName: 'PETIT', givenName: 'Anne', passwordHash, termsVersion: 'test' },
      email: { address: email, canonical: email },
    });
    const made = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du port',
      state: 'active',
      firstMember: person('anne@example.test'),
    });
    await addMember(knex, app.deps, made.accountId, person('basile@example.test'), {
      invitedBy: made.memberId,
    });
    const anne = await signedIn(app, { email: 'anne@example.test' });
    const page = await anne.get(CLOSING);
    expect(wordsOf(page)).to.include('Quitter ce compte');
    expect(page.text).not.to.include('button--refuse');
    const form = await anne.get('/mon-compte?edition=1');
    expect((await anne.send(form, {}, CLOSING)).status).to.equal(303);
    expect(await stateOf(made.accountId)).to.equal('active');
  });

  describe('after 30 days', () => {
    /** Every row of every table that has one of these texts in it; registers and journal apart. */
    async function tracesOf(texts: readonly string[]): Promise<string[]> {
      const { knex } = app.database;
      const { rows } = await knex.raw(
        `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
      );
      const found: string[] = [];
      for (const { table_name: table } of rows) {
        if (/^(journal|ordinal_register|directory_.*|knex_.*)$/.test(table)) continue;
        for (const text of texts) {
          const hit = await knex(table).whereRaw(`position(? IN "${table}"::text) > 0`, [text]).first();
          if (hit) found.push(`${table}: ${text}`);
        }
      }
      return found;
    }

    it('leaves nothing of the person in any table but the journal, and the address may be used again', async () => {
      const { knex } = app.database;
      const id = await accountIdOf(app, CAMILLE);
      // The demo's people share one.
      const hash = await app.deps.hasher.hash(PASSWORD);
      await knex('accounts').where({ id }).update({ password_hash: hash });
      const { family_name: familyName } = await knex('accounts').where({ id }).first();
      const visitor = await signedIn(app, CAMILLE);
      await addPhone(app, visitor, '+33639980055');
      const created_at = app.clock.now();
      const own = { id, account_id: id, created_at };
      await knex('passkeys').insert({
        ...{ ...own, credential_id: Buffer.from('c'), public_key: Buffer.from('k'), sign_count: 0 },
        ...{
          transports: [],
          aaguid: id,
          is_backup_eligible: false,
          is_backed_up: false,
          name: 'Clé de Camille',
        },
      });
      await knex('totp_credentials').insert({ ...own, secret: Buffer.from('s'), last_step: 0 });
      await knex('recovery_codes').insert({ ...own, code_hash: Buffer.from('h') });
      const edit = await visitor.get('/mon-compte?edition=1');
      await visitor.submit(edit, { familyName: 'DEMANDE-EN-COURS' }, '/mon-compte');
      const client = await createTestClient(app.issuer, 'messagerie');
      const authorization = await client.authorize();
      const back = await visitor.get(authorization.url);
      await client.exchange(authorization, back.headers.get('location') as string);
      await knex('logout_notices').insert({ client_id: 'messagerie', sid: 'sid', account_id: id });

      const theirs = [
        ...[id, CAMILLE.email, 'camille.cabinet@example.test', '+33639980055', '99700900048'],
        ...[familyName, hash, 'Clé de Camille', 'DEMANDE-EN-COURS'],
      ];
      const before = await tracesOf(theirs);
      for (const text of theirs) expect(before.join('\n'), 'the search finds').to.include(text);

      await close(visitor);
      app.clock.advance(30 * DAY - MINUTE);
      expect(await eraseClosed(knex, app.clock)).to.equal(0);
      app.clock.advance(MINUTE);
      const erased = await Promise.all([eraseClosed(knex, app.clock), eraseClosed(knex, app.clock)]);
      expect(erased.toSorted()).to.deep.equal([0, 1]);
      expect(await tracesOf(theirs)).to.deep.equal([]);

      const events = await knex('journal')
        .where({ subject: id })
        .whereLike('event', 'account.%')
        .orderBy('seq')
        .pluck('event');
      expect(events.at(-1)).to.equal('account.erased');
      const entries = await knex('journal').where({ subject: id }).pluck('entry');
      for (const text of [CAMILLE.email, familyName, '+33639980055'])
        expect(entries.join(), 'the journal holds identifiers').not.to.include(text);
      expect((await verifyChain(knex)).brokenAt).to.equal(undefined);

      const next = await createTestAccount(app.deps, { email: CAMILLE.email, passwordHash: hash });
      expect(next).not.to.equal(id);
    });

    it('erases an account, or opens it again, never both', async () => {
      const { knex } = app.database;
      const id = await accountIdOf(app, CAMILLE);
      await close(await signedIn(app, CAMILLE));
      const due = { now: () => new Date(app.clock.now().getTime() + 31 * DAY) };
      const outcomes = await Promise.allSettled([
        transition(knex, app.deps, { accountId: id, to: 'active', by: { role: 'person', accountId: id } }),
        eraseClosed(knex, due),
      ]);
      const state = await stateOf(id);
      expect(outcomes[0]?.status).to.equal(state === 'active' ? 'fulfilled' : 'rejected');
      expect(state === undefined || state === 'active').to.equal(true);
    });
  });
});
