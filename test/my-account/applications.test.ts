import { expect } from 'chai';
import * as oidc from 'openid-client';
import { saveApplication } from '../../src/applications/applications.ts';
import { UnitOfWork } from '../../src/openid/unit-of-work.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { linkEmail } from '../support/links.ts';
import { meetAtRow } from '../support/locks.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';
import { accountIdOf, CAMILLE, DOMINIQUE } from './support.ts';

const PAGE = '/mon-compte/applications';
const SECRET = 'kept-by-nobody-and-long-enough-for-a-test-0001';
const CALLBACK = 'http://localhost:4009/callback';

describe('applications that hold tokens', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
    await linkEmail(app, 'laboratoire', CAMILLE.email);
  });
  afterEach(() => app.close());

  async function exchanged(client: TestClient, visitor: Visitor) {
    const authorization = await client.authorize();
    const back = await visitor.get(authorization.url);
    return client.exchange(authorization, back.headers.get('location') as string);
  }

  const isDead = (client: TestClient, { access_token, refresh_token }: oidc.TokenEndpointResponse) =>
    Promise.all([
      oidc.fetchUserInfo(client.configuration, access_token, oidc.skipSubjectCheck).then(
        () => false,
        () => true,
      ),
      oidc.refreshTokenGrant(client.configuration, refresh_token as string).then(
        () => false,
        () => true,
      ),
    ]).then((answers) => answers.every(Boolean));

  it('are shown with what they know, and lose it in every session', async () => {
    const visitors = [new Visitor(app.issuer), new Visitor(app.issuer)] as const;
    for (const visitor of visitors) await signIn(app, visitor, '/connexion', CAMILLE);
    const dominique = new Visitor(app.issuer);
    await signIn(app, dominique, '/connexion', DOMINIQUE);
    expect(wordsOf(await visitors[0].get(PAGE))).to.include("Aucune application n'a d'accès");

    const messagerie = await createTestClient(app.issuer, 'messagerie');
    const laboratoire = await createTestClient(app.issuer, 'laboratoire');
    const lost = [await exchanged(messagerie, visitors[0]), await exchanged(messagerie, visitors[1])];
    const kept = await exchanged(laboratoire, visitors[0]);
    const theirs = await exchanged(messagerie, dominique);

    const page = await visitors[0].get(PAGE);
    const words = wordsOf(page);
    expect(words).to.match(/Laboratoire Depuis le .* Messagerie Depuis le /);
    for (const text of [
      'Votre identité prénom et nom',
      'Votre adresse mail',
      'Votre qualité professionnelle',
    ])
      expect(words).to.include(text);
    const done = await visitors[0].submit(page, {}, '/messagerie/retirer');
    expect(wordsOf(done))
      .to.include("L'accès de cette application est retiré.")
      .and.to.include('Laboratoire');
    expect(done.text).not.to.include('/messagerie/retirer');
    for (const tokens of lost) expect(await isDead(messagerie, tokens)).to.equal(true);
    expect(await isDead(laboratoire, kept)).to.equal(false);
    expect(await isDead(messagerie, theirs)).to.equal(false);

    const row = await app.database.knex('journal').where({ event: 'grant.revoked' }).first('entry');
    const id = await accountIdOf(app, CAMILLE);
    expect(JSON.parse(row.entry)).to.deep.include({
      ...{ actor: id, subject: id, outcome: 'success' },
      details: { application: 'messagerie' },
    });
    // Opened again in the same session, under a grant of the same name.
    const again = await exchanged(messagerie, visitors[0]);
    for (const tokens of lost) expect(await isDead(messagerie, tokens), 'the former ones').to.equal(true);
    expect(await isDead(messagerie, again)).to.equal(false);
  });

  it('lose a refresh token that was being changed for another when access was removed', async () => {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', CAMILLE);
    const client = await createTestClient(app.issuer, 'messagerie');
    const current = (await exchanged(client, visitor)).refresh_token as string;
    const page = await visitor.get(PAGE);
    const row = new UnitOfWork(app.deps.engineStore, app.deps.keyring).hash('RefreshToken', current);
    const [rotated, removed] = await meetAtRow<[oidc.TokenEndpointResponse, Page]>(app.database, row, [
      () => oidc.refreshTokenGrant(client.configuration, current),
      () => visitor.send(page, {}, `${PAGE}/messagerie/retirer`),
    ]);
    expect(removed.status).to.equal(303);
    // The grant of one of our applications has the same name again after this.
    await exchanged(client, visitor);
    expect(await isDead(client, rotated)).to.equal(true);
  });

  it('that are not ours ask for consent again', async () => {
    await saveApplication(
      app.deps.knex,
      app.clock,
      {
        ...{ clientId: 'agenda', name: 'Agenda', description: '', icon: 'mail' },
        ...{ firstParty: false, onPortal: false, startUrl: undefined },
        metadata: {
          redirect_uris: [CALLBACK],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'client_secret_basic',
          id_token_signed_response_alg: 'ES256',
          scope: 'openid profile email',
        },
      },
      SECRET,
    );
    const client = await createTestClient(app.issuer, 'agenda', { secret: SECRET, redirectUri: CALLBACK });
    const scope = { scope: 'openid profile' };
    const visitor = new Visitor(app.issuer);
    const consent = await signIn(app, visitor, (await client.authorize(scope)).url, CAMILLE);
    expect(wordsOf(consent)).to.include('Autoriser Agenda ?');
    await visitor.submit(consent, { decision: 'allow' });
    const authorization = await client.authorize(scope);
    const straight = await visitor.get(authorization.url);
    expect(straight.headers.get('location'), 'consent is kept').to.include('code=');
    const tokens = await client.exchange(authorization, straight.headers.get('location') as string);

    const page = await visitor.get(PAGE);
    expect(wordsOf(page)).to.include('Votre identité').and.not.to.include('Votre adresse mail');
    await visitor.submit(page, {}, '/agenda/retirer');
    const dead = await oidc
      .fetchUserInfo(client.configuration, tokens.access_token, oidc.skipSubjectCheck)
      .then(
        () => false,
        () => true,
      );
    expect(dead).to.equal(true);
    expect(wordsOf(await visitor.get((await client.authorize(scope)).url))).to.include('Autoriser Agenda ?');
  });
});
