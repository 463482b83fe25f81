import { expect } from 'chai';
import * as oidc from 'openid-client';
import type { AccountKind } from '../../src/accounts/accounts.ts';
import { createSharedAccount } from '../../src/accounts/members.ts';
import { type AccessRules, mayEnter } from '../../src/applications/access.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { linkEmail } from '../support/links.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const DOCTOR = { kind: 'professional', professionCode: '10' } as const;
const MIDWIFE = { kind: 'professional', professionCode: '50' } as const;
const UNTOLD = { kind: 'professional', professionCode: undefined } as const;
const SECRETARY = { kind: 'secretary', professionCode: 'SECRETARIAT_MEDICAL' } as const;
const SHARED = { kind: 'shared', professionCode: undefined } as const;
const EVERYBODY = [DOCTOR, MIDWIFE, UNTOLD, SECRETARY, SHARED];

type Someone = (typeof EVERYBODY)[number];
const rules = (professions?: string[], kinds?: AccountKind[]): AccessRules => ({ professions, kinds });

const TABLE: readonly [what: string, AccessRules, enter: readonly Someone[]][] = [
  ['no rule', rules(), EVERYBODY],
  ['a profession', rules(['10']), [DOCTOR]],
  ['two professions', rules(['10', '50']), [DOCTOR, MIDWIFE]],
  ['a kind', rules(undefined, ['secretary']), [SECRETARY]],
  ['every kind', rules(undefined, ['professional', 'secretary', 'shared']), EVERYBODY],
  ['a profession of the other kind', rules(['10'], ['secretary']), []],
  ['a profession and its kind', rules(['10'], ['professional']), [DOCTOR]],
  ['secretaries of both kinds', rules(['SECRETARIAT_MEDICAL'], ['secretary', 'shared']), [SECRETARY, SHARED]],
  ['doctors and secretariats', rules(['10'], ['professional', 'shared']), [DOCTOR, SHARED]],
  ['no profession at all', rules([]), []],
  ['no kind at all', rules(undefined, []), []],
];

describe('who may enter an application', () => {
  for (const [what, rule, enter] of TABLE) {
    it(`follows from its rules: ${what}`, () => {
      expect(EVERYBODY.filter((one) => mayEnter(rule, one))).to.deep.equal(enter);
    });
  }
});

describe('an application that is not open to everybody', () => {
  let app: TestApp;
  let client: TestClient;
  let passwordHash: string;
  let made = 0;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'laboratoire');
    passwordHash = await app.deps.hasher.hash('demo-caducee-2026');
  });
  after(() => app.close());
  beforeEach(async () => {
    await app.database.knex('throttle_counters').delete();
    await open(rules());
  });

  const open = ({ professions, kinds }: AccessRules, clientId = 'laboratoire') =>
    app.database
      .knex('applications')
      .where({ client_id: clientId })
      .update({ allowed_professions: professions ?? null, allowed_kinds: kinds ?? null });

  async function account({ kind, professionCode }: Someone): Promise<{ id: string; email: string }> {
    made += 1;
    const email = `acces${made}@example.test`;
    if (kind === 'shared') {
      const { accountId } = await createSharedAccount(app.database.knex, app.deps, {
        title: 'Secrétariat du port',
        state: 'active',
        firstMember: {
          familyName: 'PETIT',
          givenName: 'Anne',
          email: { address: email, canonical: email },
          passwordHash,
          termsVersion: 'test',
        },
      });
      return { id: accountId, email };
    }
    const id = await createTestAccount(app.deps, { email, passwordHash });
    await app.database.knex('accounts').where({ id }).update({ kind, profession_code: professionCode });
    return { id, email };
  }
  const locationOf = (page: Page): URL => new URL(page.headers.get('location') ?? 'about:blank');
  const errorOf = (page: Page) => locationOf(page).searchParams.get('error');
  const REFUSED = 'Cette application ne vous est pas ouverte';

  for (const someone of EVERYBODY) {
    it(`lets ${someone.kind} ${someone.professionCode ?? 'without profession'} in by those rules, at every request`, async () => {
      const { email } = await account(someone);
      const visitor = new Visitor(app.issuer);
      await signIn(app, visitor, '/connexion', { email });
      for (const [what, rule, enter] of TABLE) {
        await open(rule);
        const may = enter.includes(someone as never);
        const page = await visitor.get((await client.authorize()).url);
        expect(locationOf(page).searchParams.has('code'), what).to.equal(may);
        expect(wordsOf(page).includes(REFUSED), what).to.equal(!may);
        const silent = await visitor.get((await client.authorize({ prompt: 'none' })).url);
        expect(errorOf(silent), what).to.equal(may ? null : 'access_denied');
        expect(wordsOf(await visitor.get('/')).includes('Laboratoire'), `${what}: tile`).to.equal(may);
      }
    });
  }

  it('says why, in words, then « access_denied » to the application, and the journal keeps it', async () => {
    await open(rules(['10'], ['professional']));
    const { id, email } = await account(MIDWIFE);
    const visitor = new Visitor(app.issuer);
    const page = await signIn(app, visitor, (await client.authorize()).url, { email });
    expect(wordsOf(page))
      .to.include("n'a pas accès à Laboratoire")
      .and.to.include('Professions admises : Médecin')
      .and.to.include('Comptes admis : professionnels de santé')
      .and.to.include('Retourner dans Laboratoire');
    const grants = app.database.knex('oidc_payloads').where({ account_id: id, client_id: 'laboratoire' });
    expect(await grants.clone().whereNot({ model: 'Interaction' })).to.deep.equal([]);
    const back = await visitor.submit(page, {}, '/acces-refuse');
    expect(errorOf(back)).to.equal('access_denied');
    expect(locationOf(back).searchParams.get('code')).to.equal(null);
    const [entry] = await app.database.knex('journal').where({ event: 'application.refused', subject: id });
    expect(JSON.parse(entry.entry).details).to.deep.equal({ application: 'laboratoire' });
    expect(await app.database.knex('application_emails').where({ account_id: id })).to.deep.equal([]);
  });

  it('may be entered with another account from there', async () => {
    await open(rules(['10']));
    const [midwife, doctor] = [await account(MIDWIFE), await account(DOCTOR)];
    const visitor = new Visitor(app.issuer);
    const authorization = await client.authorize();
    const refused = await signIn(app, visitor, authorization.url, { email: midwife.email });
    const between = await signIn(app, visitor, `${refused.url}?compte=autre`, { email: doctor.email });
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(between.text)?.[1] ?? '';
    const back = await visitor.submit(between, { xsrf, logout: 'yes' });
    const tokens = await client.exchange(authorization, locationOf(back).href);
    expect(tokens.claims()?.sub).to.equal(doctor.id);
  });

  it('cannot be entered by a step that belongs to another question', async () => {
    await open(rules(['10']));
    const { email } = await account(MIDWIFE);
    const visitor = new Visitor(app.issuer);
    const page = await signIn(app, visitor, (await client.authorize()).url, { email });
    for (const [step, fields] of [
      ['consentement', { decision: 'allow' }],
      ['adresse', { email: 'any' }],
      ['renoncer', {}],
      ['code', { code: '000000' }],
    ] as const) {
      const answer = await visitor.follow(await visitor.send(page, fields, `${page.url}/${step}`));
      expect(locationOf(answer).searchParams.has('code'), step).to.equal(false);
    }
    expect(wordsOf(await visitor.get(page.url))).to.include(REFUSED);
  });

  it('is lost with the profession: codes, refresh tokens and access tokens at once; others stay', async () => {
    await open(rules(['10']));
    const { id, email } = await account(DOCTOR);
    const visitor = new Visitor(app.issuer);
    const messagerie = await createTestClient(app.issuer, 'messagerie');
    const first = await client.authorize();
    const tokens = await client.exchange(
      first,
      locationOf(await signIn(app, visitor, first.url, { email })).href,
    );
    const elsewhere = await messagerie.authorize();
    const other = await messagerie.exchange(elsewhere, locationOf(await visitor.request(elsewhere.url)).href);
    const pending = await client.authorize();
    const pendingBack = locationOf(await visitor.request(pending.url)).href;

    await app.database.knex('accounts').where({ id }).update({ profession_code: '50' });
    const outcome = (work: Promise<unknown>) =>
      work.then(
        () => 'accepted',
        () => 'refused',
      );
    const info = ({ access_token: token }: { access_token: string }, { configuration }: TestClient) =>
      outcome(oidc.fetchUserInfo(configuration, token, id));
    expect(await info(tokens, client)).to.equal('refused');
    expect(await outcome(client.exchange(pending, pendingBack))).to.equal('refused');
    const refresh = oidc.refreshTokenGrant(client.configuration, tokens.refresh_token as string);
    expect(await outcome(refresh)).to.equal('refused');
    expect(await info(other, messagerie)).to.equal('accepted');
    expect(wordsOf(await visitor.get('/')))
      .to.include('Bonjour Ange')
      .and.not.to.include('Laboratoire');
  });

  it('shows a tile that says so, and leads nowhere, when it wants to', async () => {
    await open(rules(['10']));
    const { email } = await account(SECRETARY);
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', { email });
    expect(wordsOf(await visitor.get('/'))).not.to.include('Laboratoire');
    const tile = (value: string) =>
      app.database
        .knex('applications')
        .where({ client_id: 'laboratoire' })
        .update({ tile_when_refused: value });
    await tile('explained');
    const portal = await visitor.get('/');
    await tile('hidden');
    expect(wordsOf(portal))
      .to.include('Laboratoire')
      .and.to.include('Ne vous est pas ouverte')
      .and.to.include('Professions admises : Médecin');
    expect(portal.text).not.to.match(/<a [^>]*>Laboratoire/);
    expect((await visitor.request('/ouvrir/laboratoire')).status).to.equal(404);
    await linkEmail(app, 'laboratoire', email);
    expect((await visitor.request('/ouvrir/laboratoire')).status).to.equal(404);
  });
});
