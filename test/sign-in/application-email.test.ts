import { expect } from 'chai';
import * as oidc from 'openid-client';
import { saveApplication } from '../../src/applications/applications.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Authorization, createTestClient, type TestClient } from '../support/client.ts';
import { answerEmail, linkEmail, offeredEmails } from '../support/links.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const QUESTION = 'Quelle adresse email utiliser comme identifiant pour cette application ?';

describe('the question of the address, on the way to an application', () => {
  let app: TestApp;
  let laboratoire: TestClient;
  let passwordHash: string;
  let made = 0;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    laboratoire = await createTestClient(app.issuer, 'laboratoire');
    passwordHash = await app.deps.hasher.hash(PASSWORD);
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  /** Somebody whose addresses are the given ones; the first signs in and is the starred one. */
  async function person({ more = ['cabinet', 'hopital'] } = {}) {
    made += 1;
    const { knex } = app.database;
    const emails = ['moi', ...more].map((name) => `${name}${made}@example.test`) as [string, ...string[]];
    const id = await createTestAccount(app.deps, { email: emails[0], passwordHash });
    for (const address of emails.slice(1)) {
      await knex('email_addresses').insert({
        id: knex.raw('gen_random_uuid()'),
        account_id: id,
        address,
        canonical: address,
        verified_at: app.clock.now(),
      });
    }
    return { id, emails, visitor: new Visitor(app.issuer) };
  }
  type Person = Awaited<ReturnType<typeof person>>;

  const isQuestion = (page: Page): boolean => page.status === 200 && wordsOf(page).includes(QUESTION);
  const locationOf = (page: Page): URL => new URL(page.headers.get('location') ?? 'about:blank');
  const codeOf = (page: Page) => locationOf(page).searchParams.get('code');
  const infoOf = ({ access_token: token }: { access_token: string }, client = laboratoire) =>
    oidc.fetchUserInfo(client.configuration, token, oidc.skipSubjectCheck);
  const linksOf = ({ id }: Person) =>
    app.database
      .knex('application_emails as link')
      .join('email_addresses as email', 'email.id', 'link.email_id')
      .where('link.account_id', id)
      .orderBy('client_id')
      .pluck('address');
  const eventsOf = async ({ id }: Person) => {
    const rows = await app.database.knex('journal').where({ subject: id }).orderBy('seq');
    return rows
      .map(({ entry }) => JSON.parse(entry))
      .filter(({ event }) => event.startsWith('application-email'));
  };

  /** Signs in up to the question. */
  async function asked({ visitor, emails }: Person, parameters: Record<string, string> = {}) {
    const authorization = await laboratoire.authorize(parameters);
    const page = await signIn(app, visitor, authorization.url, { email: emails[0], password: PASSWORD });
    return { authorization, page };
  }
  const exchange = (authorization: Authorization, page: Page) =>
    laboratoire.exchange(authorization, locationOf(page).href);

  it('comes once, the starred address first and none chosen, and its answer is what the application learns', async () => {
    const someone = await person();
    const { authorization, page } = await asked(someone);
    expect(isQuestion(page)).to.equal(true);
    expect(wordsOf(page)).to.include('Vous allez vers Laboratoire');
    expect([...offeredEmails(page).keys()]).to.deep.equal(someone.emails);
    expect(page.text).not.to.match(/type="radio"[^>]* checked/);

    const chosen = someone.emails[1] as string;
    const tokens = await exchange(authorization, await answerEmail(someone.visitor, page, chosen));
    expect(await infoOf(tokens)).to.include({ email: chosen, email_verified: true });
    const again = await someone.visitor.get((await laboratoire.authorize()).url);
    expect(codeOf(again), 'not asked again').to.be.a('string');

    const [event, ...others] = await eventsOf(someone);
    expect(others).to.have.length(0);
    expect(event).to.include({ event: 'application-email.chosen', actor: someone.id, outcome: 'success' });
    expect(event.details).to.include({ application: 'laboratoire', how: 'asked' });
    expect(JSON.stringify(event)).not.to.include('@');
  });

  it('comes back with a fault for no answer, an address of another, and one that is gone', async () => {
    const [someone, other] = [await person(), await person()];
    const { page } = await asked(someone);
    const stranger = await asked(other);
    const foreign = offeredEmails(stranger.page).get(other.emails[0]) as string;
    const gone = offeredEmails(page).get(someone.emails[2] as string) as string;
    await app.database.knex('email_addresses').where({ id: gone }).delete();
    for (const email of ['', 'nothing', foreign, gone]) {
      const refused = await someone.visitor.submit(page, { email }, '/adresse');
      expect(refused.status, email).to.equal(422);
      expect(wordsOf(refused)).to.include(QUESTION).and.to.include("Choisissez l'une de vos adresses.");
      expect(wordsOf(refused)).not.to.include(other.emails[0]);
    }
    expect(await linksOf(someone)).to.deep.equal([]);
    expect(await linksOf(other)).to.deep.equal([]);
    const noToken = await someone.visitor.request(`${page.url}/adresse`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: app.issuer },
      body: new URLSearchParams({ email: gone }),
    });
    expect(noToken.status).to.equal(403);
  });

  it('has one answer when two tabs give two at the same moment, and both go on', async () => {
    for (let round = 0; round < 4; round += 1) {
      const someone = await person();
      const { visitor, emails } = someone;
      const first = await asked(someone);
      const second = await laboratoire.authorize();
      const pages = [first.page, await visitor.get(second.url)] as const;
      expect(pages.map(isQuestion)).to.deep.equal([true, true]);
      const backs = await Promise.all(
        pages.map((page, index) => answerEmail(visitor, page, emails[index] as string)),
      );
      const tokens = [
        await exchange(first.authorization, backs[0] as Page),
        await exchange(second, backs[1] as Page),
      ];
      const [standing, ...others] = await linksOf(someone);
      expect(others).to.have.length(0);
      for (const one of tokens) expect((await infoOf(one)).email).to.equal(standing);
      expect(await eventsOf(someone)).to.have.length(1);
    }
  });

  it('goes on by itself in a tab whose question was answered elsewhere', async () => {
    const someone = await person();
    const { authorization, page } = await asked(someone);
    await linkEmail(app, 'laboratoire', someone.emails[1] as string);
    const tokens = await exchange(authorization, await someone.visitor.get(page.url));
    expect((await infoOf(tokens)).email).to.equal(someone.emails[1]);
  });

  it('is not asked of who has one address: it is linked, told in the journal, and given', async () => {
    const someone = await person({ more: [] });
    const { authorization, page } = await asked(someone);
    expect((await infoOf(await exchange(authorization, page))).email).to.equal(someone.emails[0]);
    expect(await linksOf(someone)).to.deep.equal([someone.emails[0]]);
    expect((await eventsOf(someone)).map(({ details }) => details.how)).to.deep.equal(['only']);
  });

  it('is not asked, and no address is given, where none is asked for', async () => {
    const someone = await person();
    const { authorization, page } = await asked(someone, { scope: 'openid profile' });
    const info = await infoOf(await exchange(authorization, page));
    expect(info).to.include({ given_name: 'Ange' }).and.not.to.have.any.keys('email', 'email_verified');
    expect(await linksOf(someone)).to.deep.equal([]);
    // Nor by our own pages.
    expect(wordsOf(await someone.visitor.get('/connexion'))).to.include('Bonjour Ange');
  });

  for (const claims of [{ userinfo: { email: null } }, { id_token: { email_verified: null } }]) {
    it(`is asked for a single claim as for the scope: ${JSON.stringify(claims)}`, async () => {
      const parameters = { scope: 'openid', claims: JSON.stringify(claims) };
      const { page } = await asked(await person(), parameters);
      expect(isQuestion(page)).to.equal(true);
    });
  }

  it('is « interaction_required » for a request that may show nothing, unless there is nothing to ask', async () => {
    const [several, single] = [await person(), await person({ more: [] })];
    for (const [someone, error] of [
      [several, 'interaction_required'],
      [single, null],
    ] as const) {
      await signIn(app, someone.visitor, '/connexion', { email: someone.emails[0], password: PASSWORD });
      const { url, state } = await laboratoire.authorize({ prompt: 'none' });
      const { searchParams } = locationOf(await someone.visitor.request(url));
      expect(searchParams.get('error')).to.equal(error);
      expect(searchParams.get('state')).to.equal(state);
      expect(await linksOf(someone)).to.have.length(error ? 0 : 1);
    }
  });

  it('comes before consent, which names the address', async () => {
    const redirectUri = 'http://localhost:4009/callback';
    const application = { clientId: 'agenda', name: 'Agenda', description: '', icon: 'calendar' };
    const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' };
    await saveApplication(
      app.database.knex,
      app.clock,
      { ...application, firstParty: false, onPortal: false, startUrl: undefined, metadata },
      undefined,
    );
    const agenda = await createTestClient(app.issuer, 'agenda', { redirectUri });
    const { visitor, emails } = await person();
    const authorization = await agenda.authorize({ scope: 'openid email' });
    const page = await signIn(app, visitor, authorization.url, { email: emails[0], password: PASSWORD });
    const consent = await answerEmail(visitor, page, emails[2] as string);
    expect(wordsOf(consent)).to.include('Agenda demande à connaître').and.to.include(emails[2]);
    const back = await visitor.submit(consent, { decision: 'allow' }, '/consentement');
    const tokens = await agenda.exchange(authorization, locationOf(back).href);
    expect(tokens.claims()?.acr, 'the sign-in is still known').to.equal('urn:caducee:acr:2sv-email');
    expect((await infoOf(tokens, agenda)).email).to.equal(emails[2]);
  });

  it('cannot be answered by another person of the browser, nor from another browser', async () => {
    const [someone, thief] = [await person(), await person()];
    const { page } = await asked(someone);
    const email = offeredEmails(page).get(someone.emails[1] as string) as string;
    const elsewhere = await asked(thief);
    const foreign = await thief.visitor.send(elsewhere.page, { email }, `${page.url}/adresse`);
    expect(foreign.status).to.equal(400);
    await app.database.knex('oidc_sessions').where({ account_id: someone.id }).delete();
    const signedOut = await someone.visitor.send(page, { email }, `${page.url}/adresse`);
    expect(signedOut.status).to.equal(400);
    expect(await linksOf(someone)).to.deep.equal([]);
  });

  const emailsAt = (address: string) => app.database.knex('email_addresses').where({ address });
  const endings: [string, (someone: Person, address: string) => Promise<unknown>][] = [
    ['removed', (_, address) => emailsAt(address).delete().then()],
    [
      'changed',
      (_, address) =>
        emailsAt(address)
          .update({ address: `autre-${address}`, canonical: `autre-${address}` })
          .then(),
    ],
    [
      'unlinked',
      ({ id }) => app.database.knex('application_emails').where({ account_id: id }).delete().then(),
    ],
  ];
  for (const [what, end] of endings) {
    it(`is asked again once the address is ${what}, and no token tells it any more`, async () => {
      const someone = await person();
      const chosen = someone.emails[1] as string;
      const { authorization, page } = await asked(someone);
      const tokens = await exchange(authorization, await answerEmail(someone.visitor, page, chosen));
      const pending = await laboratoire.authorize();
      const pendingBack = await someone.visitor.request(pending.url);
      await end(someone, chosen);

      const refreshed = await oidc.refreshTokenGrant(
        laboratoire.configuration,
        tokens.refresh_token as string,
      );
      // A code that was given before, too.
      const late = await exchange(pending, pendingBack);
      for (const one of [tokens, refreshed, late])
        expect(await infoOf(one)).not.to.have.any.keys('email', 'email_verified');

      const again = await laboratoire.authorize();
      const question = await someone.visitor.get(again.url);
      expect(isQuestion(question)).to.equal(true);
      const other = someone.emails[2] as string;
      const last = await exchange(again, await answerEmail(someone.visitor, question, other));
      for (const one of [refreshed, last]) expect((await infoOf(one)).email).to.equal(other);
    });
  }
});
