import { expect } from 'chai';
import * as oidc from 'openid-client';
import { findOwnerOfEmail } from '../../src/accounts/accounts.ts';
import { rememberLanguage } from '../../src/accounts/language.ts';
import { findSignInByEmail } from '../../src/accounts/principals.ts';
import { type Actor, TransitionError, transition } from '../../src/accounts/transition.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';

describe('a change of state', () => {
  let app: TestApp;
  let client: TestClient;
  let passwordHash: string;
  let administrator: Actor;
  let people = 0;

  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
    passwordHash = await app.deps.hasher.hash(PASSWORD);
    const admin = await findSignInByEmail(app.database.knex, 'admin@example.test');
    administrator = { role: 'administrator', accountId: admin?.id, source: '192.0.2.9' };
  });
  after(() => app.close());

  async function newPerson(): Promise<{ email: string; accountId: string }> {
    people += 1;
    const email = `personne-${people}@example.test`;
    return { email, accountId: await createTestAccount(app.deps, { email, passwordHash }) };
  }

  async function signedIn(email: string) {
    const visitor = new Visitor(app.issuer);
    const authorization = await client.authorize();
    const back = await signIn(app, visitor, authorization.url, { email });
    const tokens = await client.exchange(authorization, back.headers.get('location') as string);
    return { visitor, tokens };
  }

  const userinfoStatus = async (accessToken: string) =>
    (await fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } })).status;

  const refreshError = async (refreshToken: string) => {
    try {
      await oidc.refreshTokenGrant(client.configuration, refreshToken);
      return undefined;
    } catch (error) {
      return (error as oidc.ResponseBodyError).error;
    }
  };

  const change = (accountId: string, to: 'active' | 'suspended' | 'refused' | 'closed', by = administrator) =>
    transition(app.database.knex, app.deps, { accountId, to, by });

  for (const to of ['suspended', 'closed'] as const)
    it(`to ${to} ends sessions and opaque tokens at once, codes on their way included`, async () => {
      const { email, accountId } = await newPerson();
      const { visitor, tokens } = await signedIn(email);
      expect(await userinfoStatus(tokens.access_token)).to.equal(200);
      expect(wordsOf(await visitor.get('/'))).to.contain('Bonjour Ange');
      const second = await client.authorize();
      const back = await visitor.get(second.url);
      expect(back.headers.get('location')).to.contain('code=');

      await change(accountId, to);
      expect(await userinfoStatus(tokens.access_token)).to.equal(401);
      expect(await refreshError(tokens.refresh_token as string)).to.equal('invalid_grant');
      const late = await client
        .exchange(second, back.headers.get('location') as string)
        .catch((error) => error);
      expect((late as oidc.ResponseBodyError).error).to.equal('invalid_grant');
      expect(wordsOf(await visitor.get('/'))).not.to.contain('Bonjour Ange');
      const again = await visitor.get((await client.authorize()).url);
      expect(wordsOf(again)).to.contain('Mot de passe');
      for (const table of ['oidc_sessions', 'oidc_payloads'])
        expect(await app.database.knex(table).where({ account_id: accountId }), table).to.deep.equal([]);
    });

  it('stops a sign-in that waits for its code', async () => {
    const { email, accountId } = await newPerson();
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get((await client.authorize()).url);
    const { result: codePage, code } = await app.codeSentBy(email, () =>
      visitor.submit(form, { email, password: PASSWORD }),
    );
    await change(accountId, 'suspended');
    const after = await visitor.submit(codePage, { code }, '/code');
    expect(after.headers.get('location')).to.equal(null);
    expect(wordsOf(after)).to.contain('Mot de passe');
    expect(wordsOf(await visitor.get('/'))).not.to.contain('Bonjour Ange');
  });

  it('gives nothing of before back to an account that is restored', async () => {
    const { email, accountId } = await newPerson();
    const { visitor, tokens } = await signedIn(email);
    await change(accountId, 'suspended');
    // As a request that was under way would have left it.
    await app.database.knex('oidc_payloads').insert({
      id_hash: Buffer.alloc(32, people),
      model: 'RefreshToken',
      payload: Buffer.from('sealed'),
      account_id: accountId,
      expires_at: new Date(Date.now() + 60_000),
    });
    await change(accountId, 'active');
    expect(await app.database.knex('oidc_payloads').where({ account_id: accountId })).to.deep.equal([]);
    expect(await userinfoStatus(tokens.access_token)).to.equal(401);
    expect(await refreshError(tokens.refresh_token as string)).to.equal('invalid_grant');
    expect(wordsOf(await visitor.get('/'))).not.to.contain('Bonjour Ange');
    const { tokens: fresh } = await signedIn(email);
    expect(await userinfoStatus(fresh.access_token)).to.equal(200);
  });

  it('leaves the tokens of everybody else alone', async () => {
    const [one, other] = [await newPerson(), await newPerson()];
    const { tokens } = await signedIn(other.email);
    await change(one.accountId, 'suspended');
    expect(await userinfoStatus(tokens.access_token)).to.equal(200);
  });

  it('is told to the person, and written into the journal without a word of why', async () => {
    const { email, accountId } = await newPerson();
    await rememberLanguage(app.database.knex, { accountId }, 'en');
    await transition(app.database.knex, app.deps, {
      accountId,
      to: 'suspended',
      by: administrator,
      reason: 'a secret reason',
    });
    const mail = await app.waitForMessage(email);
    expect(mail.subject).to.equal('Your account is suspended');
    await rememberLanguage(app.database.knex, { accountId }, 'fr');
    await change(accountId, 'active');
    expect((await app.waitForMessage(email, { after: 1 })).subject).to.equal('Votre compte est rétabli');
    await change(accountId, 'closed', { role: 'person', accountId });
    expect((await app.waitForMessage(email, { after: 2 })).subject).to.equal('Votre compte est fermé');

    const rows = await app.database.knex('journal').where({ subject: accountId }).orderBy('seq');
    expect(rows.map(({ event, actor, outcome }) => [event, actor, outcome])).to.deep.equal([
      ['account.suspended', administrator.accountId, 'success'],
      ['account.restored', administrator.accountId, 'success'],
      ['account.closed', accountId, 'success'],
    ]);
    expect(JSON.parse(rows[0].entry)).to.deep.include({
      source: '192.0.2.9',
      details: { from: 'active', to: 'suspended', by: 'administrator' },
    });
    expect(rows.map(({ entry }) => entry).join()).not.to.contain('secret reason');
  });

  it('gives the addresses and the RPPS number of an account that ends to whoever comes next', async () => {
    const { knex } = app.database;
    const { email, accountId } = await newPerson();
    await knex('accounts').where({ id: accountId }).update({ rpps: '99700900089' });
    await change(accountId, 'closed');
    expect(await findOwnerOfEmail(knex, email)).to.equal(undefined);
    // The person who comes back is told, until another account has the address.
    const visitor = new Visitor(app.issuer);
    const told = await visitor.submit(await visitor.get('/connexion'), { email, password: PASSWORD });
    expect(wordsOf(told)).to.contain('Ce compte est fermé.');

    const next = await createTestAccount(app.deps, { email, passwordHash });
    await knex('accounts').where({ id: next }).update({ rpps: '99700900089' });
    expect((await findSignInByEmail(knex, email))?.id).to.equal(next);
    expect(await findOwnerOfEmail(knex, email)).to.deep.equal({ accountId: next, language: 'fr' });
    await change(next, 'closed');
    expect((await findSignInByEmail(knex, email))?.id).to.equal(next);
  });

  it('keeps the address of an account that is only suspended', async () => {
    const { email, accountId } = await newPerson();
    await change(accountId, 'suspended');
    expect(await findOwnerOfEmail(app.database.knex, email)).to.deep.equal({ accountId, language: 'fr' });
    const error = await createTestAccount(app.deps, { email, passwordHash }).catch((caught) => caught);
    expect(error).to.include({ name: 'DuplicateAccountError', field: 'email' });
  });

  it('changes nothing when the table does not allow it', async () => {
    const { knex } = app.database;
    const { email, accountId } = await newPerson();
    const { tokens } = await signedIn(email);
    const other = await newPerson();
    const refusals: [Parameters<typeof change>[1], Actor][] = [
      ['refused', administrator],
      ['active', administrator],
      ['suspended', { role: 'person', accountId }],
      // Nobody else's account for a person, never one's own for an administrator.
      ['closed', { role: 'person', accountId: other.accountId }],
      ['suspended', { role: 'administrator', accountId }],
    ];
    const before = await knex('messages').count('* as n').first();
    for (const [to, by] of refusals) {
      const error = await change(accountId, to, by).catch((caught) => caught);
      expect(error, `${to} by ${by.role}`).to.be.instanceOf(TransitionError);
    }
    expect(
      await change('00000000-0000-4000-8000-000000000000', 'closed').catch((caught) => caught),
    ).to.be.instanceOf(TransitionError);
    expect((await knex('accounts').where({ id: accountId }).first('state')).state).to.equal('active');
    expect(await userinfoStatus(tokens.access_token)).to.equal(200);
    expect(await knex('messages').count('* as n').first()).to.deep.equal(before);
  });

  it('does not refuse without telling why', async () => {
    const { knex } = app.database;
    const { accountId } = await newPerson();
    await knex('accounts').where({ id: accountId }).update({ state: 'pending' });
    expect(await change(accountId, 'refused').catch((caught) => caught)).to.be.instanceOf(TransitionError);
    expect((await knex('accounts').where({ id: accountId }).first('state')).state).to.equal('pending');
  });

  it('happens once, however many ask at the same time', async () => {
    const { accountId } = await newPerson();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => change(accountId, 'suspended')),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    const entries = await app.database.knex('journal').where({ subject: accountId });
    expect(entries).to.have.length(1);
  });
});
