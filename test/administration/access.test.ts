import { expect } from 'chai';
import { transition } from '../../src/accounts/transition.ts';
import { createApplicant, createTestAdministrator, signInAdministrator } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const LISE = { email: 'lise@example.test', phone: '+33639980098' };

/** Asks for the second factor, or a whole sign-in of who has no session, and comes back. */
const SIGN_IN = '/connexion?pour=administration';

describe('the administration opens to active administrators with a strong second factor only', () => {
  let app: TestApp;
  let passwordHash: string;
  let andrea: Visitor;
  let lise: Visitor;
  let people = 0;

  before(async () => {
    app = await startTestApp({ nodes: 2 });
    passwordHash = await app.deps.hasher.hash(PASSWORD);
    await createTestAdministrator(app.deps, { ...LISE, passwordHash });
    andrea = new Visitor(app.issuer);
    await signInAdministrator(app, andrea);
    lise = new Visitor(app.issuer);
    await signInAdministrator(app, lise, LISE);
  });
  after(() => app.close());

  async function apply(more: Partial<Parameters<typeof createApplicant>[1]> = {}) {
    people += 1;
    const email = `dossier-${people}@example.test`;
    const made = await createApplicant(app.deps, { email, passwordHash, ...more });
    return { email, ...made, url: `/administration/demandes/${made.approvalId}` };
  }
  const seenOf = (page: Page): string => /name="seen" value="([0-9a-f]{64})"/.exec(page.text)?.[1] ?? '';
  const stateOf = async (id: string) =>
    (await app.database.knex('accounts').where({ id }).first('state')).state;

  const PATHS = [
    '/administration',
    '/administration/demandes',
    '/administration/demandes?ordre=recentes&page=2',
    '/administration/demandes/:id',
    '/administration/demandes/00000000-0000-4000-8000-000000000000',
    '/administration/comptes',
    '/administration/comptes/:account',
  ];
  /** Every way in, as a visitor of this kind meets it. */
  async function answers(visitor: Visitor) {
    const { url, accountId } = await apply();
    const found: [string, number, string | null][] = [];
    for (const path of PATHS) {
      const page = await visitor.request(
        path.replace('/administration/demandes/:id', url).replace(':account', accountId),
      );
      expect(wordsOf(page), path).not.to.contain('Noa');
      found.push([`GET ${path}`, page.status, page.headers.get('location')]);
    }
    // Any form of ours holds this browser's token.
    const form = await visitor.get('/inscription/ordre');
    const posted = await visitor.send(form, { decision: 'approve', seen: '' }, url);
    found.push(['POST', posted.status, posted.headers.get('location')]);
    for (const path of ['/administration/comptes', `/administration/comptes/${accountId}/debloquer`]) {
      const { status, headers } = await visitor.send(form, { account: 'camille@example.test' }, path);
      found.push([`POST ${path}`, status, headers.get('location')]);
    }
    expect(await stateOf(accountId)).to.equal('pending');
    return found;
  }
  const all = (status: number, location: string | null) => (found: [string, number, string | null][]) => {
    for (const [what, ...answer] of found) expect(answer, what).to.deep.equal([status, location]);
    expect(found).to.have.length(PATHS.length + 3);
  };

  it('sends a visitor to the sign-in', async () => {
    all(303, SIGN_IN)(await answers(new Visitor(app.issuer)));
  });

  it('does not exist for a doctor, with or without a strong second factor', async () => {
    for (const [email, codeTo] of [
      ['camille@example.test', 'camille@example.test'],
      ['dominique@example.test', '+33639980007'],
    ] as const) {
      const visitor = new Visitor(app.issuer);
      await signIn(app, visitor, '/connexion', { email, codeTo });
      all(404, null)(await answers(visitor));
      expect(wordsOf(await visitor.get('/'))).not.to.contain('Administration');
    }
  });

  it('does not exist for an administrator whose role was taken away', async () => {
    const former = { email: 'ancienne@example.test', phone: '+33639980097' };
    const id = await createTestAdministrator(app.deps, { ...former, passwordHash });
    const visitor = new Visitor(app.issuer);
    await signInAdministrator(app, visitor, former);
    expect((await visitor.get('/administration')).status).to.equal(200);
    await app.database.knex('account_roles').where({ account_id: id }).delete();
    all(404, null)(await answers(visitor));
  });

  it('is closed to an administrator who was suspended, at once', async () => {
    const suspended = { email: 'suspendue@example.test', phone: '+33639980096' };
    const id = await createTestAdministrator(app.deps, { ...suspended, passwordHash });
    const visitor = new Visitor(app.issuer);
    await signInAdministrator(app, visitor, suspended);
    await transition(app.database.knex, app.deps, {
      accountId: id,
      to: 'suspended',
      by: { role: 'system' },
    });
    all(303, SIGN_IN)(await answers(visitor));
  });

  it('asks an administrator who signed in by e-mail for the second factor alone', async () => {
    const email = 'promue@example.test';
    const phone = '+33639980095';
    const { accountId } = await apply({ email });
    await app.database.knex('accounts').where({ id: accountId }).update({ state: 'active' });
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', { email });
    await app.database.knex('account_roles').insert({ account_id: accountId, role: 'administrator' });
    all(303, SIGN_IN)(await answers(visitor));

    await app.database.knex('phone_numbers').insert({
      id: accountId,
      account_id: accountId,
      number: phone,
      verified_at: app.clock.now(),
    });
    const form = await visitor.get(SIGN_IN);
    expect(wordsOf(form)).to.contain('Vous êtes déjà connecté').and.not.to.contain('Mot de passe');
    const { result: codePage, code } = await app.codeSentBy(phone, () =>
      visitor.submit(form, { channel: 'sms-1' }, '/canal'),
    );
    const queue = await visitor.submit(codePage, { code }, '/code');
    expect(wordsOf(queue), 'back to what was asked for').to.contain('Demandes en attente');
    expect(wordsOf(await visitor.get('/')))
      .to.contain('Bonjour Noa')
      .and.to.contain('Administration');
  });

  it('takes no form without its token, nor from another site', async () => {
    const { url, accountId } = await apply();
    const page = await andrea.get(url);
    const body = { seen: seenOf(page), decision: 'approve' };
    for (const forged of [
      await andrea.send(page, { ...body, _csrf: '' }),
      await andrea.send(page, { ...body, _csrf: 'f'.repeat(64) }),
      await lise.send(page, body),
      await andrea.request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      await andrea.request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'cross-site',
          origin: 'https://evil.example',
        },
        body: new URLSearchParams({
          ...body,
          _csrf: /name="_csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '',
        }),
      }),
    ])
      expect(forged.status).to.equal(403);
    expect(await stateOf(accountId)).to.equal('pending');
  });

  it('knows no request by a number that is not one', async () => {
    for (const id of ['abc', "1' OR '1'='1", '00000000-0000-4000-8000-000000000000', '%00', '..%2fdemandes'])
      expect((await andrea.get(`/administration/demandes/${id}`)).status, id).to.equal(404);
  });
});
