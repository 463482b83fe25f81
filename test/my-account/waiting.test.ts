/** An application asks for more than the account has: the person sets it up, and goes on to where they were going. */
import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';
import { ADMIN, accountIdOf, addPhone, CAMILLE, OVERVIEW, PHONES, signedIn } from './support.ts';

const NEW = '+33639980041';
const demand = (acr: string) => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, value: acr } } }),
});

describe('a second factor that is missing', () => {
  let app: TestApp;
  let client: TestClient;
  beforeEach(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
  });
  afterEach(() => app.close());

  const location = (page: Page): URL => new URL(page.headers.get('location') as string);
  const continueUrl = (page: Page): string => /href="(\/connexion\/[\w-]+)"/.exec(page.text)?.[1] ?? '';

  for (const [who, isSignedIn, pauseMs] of [
    ['by who is signed in', true, 0],
    ['by who signed in a while ago, and must again', true, 6 * MINUTE],
    ['by who only typed their password, and signs in first', false, 0],
  ] as const)
    it(`is set up ${who}; the application is then reached`, async () => {
      const visitor = isSignedIn ? await signedIn(app, CAMILLE) : new Visitor(app.issuer);
      app.clock.advance(pauseMs);
      const authorization = await client.authorize(demand(ACR.twoFactors));
      let page = await visitor.get(authorization.url);
      if (!isSignedIn) page = await visitor.submit(page, { email: CAMILLE.email, password: DEMO_PASSWORD });
      expect(wordsOf(page)).to.include('Messagerie demande une authentification forte');
      expect(page.text).to.include(`href="${OVERVIEW}"`);
      if (!isSignedIn) await signIn(app, visitor, OVERVIEW, CAMILLE);
      const overview = await visitor.get(OVERVIEW);
      expect(wordsOf(overview)).to.include('Vous alliez vers Messagerie . Continuer');
      if (pauseMs > 0) await signIn(app, visitor, PHONES, CAMILLE);
      const added = await addPhone(app, visitor, NEW);
      expect(wordsOf(added)).to.include('Vous alliez vers Messagerie . Continuer');
      const form = await visitor.get(continueUrl(added));
      expect(wordsOf(form)).to.include('Vous êtes déjà connecté').and.not.to.include('Mot de passe');
      const { result: codePage, code } = await app.codeSentBy(NEW, () =>
        visitor.submit(form, { channel: 'sms-1' }, '/canal'),
      );
      const back = await visitor.submit(codePage, { code }, '/code');
      const claims = (await client.exchange(authorization, location(back).href)).claims();
      expect(claims?.acr).to.equal(ACR.twoFactors);
      expect(wordsOf(await visitor.get(OVERVIEW)), 'and then nothing waits').not.to.include('Vous alliez');
    });

  it('is a passkey where only that will do, and the assistance where none can be set up', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get((await client.authorize(demand(ACR.phishingResistant))).url);
    expect(wordsOf(page)).to.include("qui résiste à l'hameçonnage");
    await app.close();
    app = await startTestApp({ settings: { SECOND_FACTORS_PROFESSIONAL: 'email,sms' }, sms: false });
    client = await createTestClient(app.issuer, 'messagerie');
    const other = await signedIn(app, CAMILLE);
    const closed = await other.get((await client.authorize(demand(ACR.twoFactors))).url);
    expect(wordsOf(closed))
      .to.include('que votre compte ne permet pas')
      .and.to.include('assistance@example.test');
    expect(closed.text).not.to.include(`href="${OVERVIEW}"`);
    expect(wordsOf(await other.get(OVERVIEW))).to.include('Le code par e-mail est votre seul moyen');
  });

  it('is asked of an administrator by their own pages, which they come back to', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const account_id = await accountIdOf(app, CAMILLE);
    await app.database.knex('account_roles').insert({ account_id, role: 'administrator' });
    const page = await visitor.get('/administration');
    expect(wordsOf(page)).to.include('Caducée demande une authentification forte');
    await addPhone(app, visitor, NEW);
    const overview = await visitor.get(OVERVIEW);
    expect(wordsOf(overview)).to.include('Vous étiez en train de vous connecter.');
    const form = await visitor.get(continueUrl(overview));
    const { result: codePage, code } = await app.codeSentBy(NEW, () =>
      visitor.submit(form, { channel: 'sms-1' }, '/canal'),
    );
    const queue = await visitor.submit(codePage, { code }, '/code');
    expect(new URL(queue.url).pathname).to.equal('/administration/demandes');
  });

  it('is asked of nobody twice: an administrator with one opens the administration at once', async () => {
    const visitor = await signedIn(app, ADMIN);
    expect(new URL((await visitor.get('/administration')).url).pathname).to.equal('/administration/demandes');
    const again = await visitor.request('/connexion?pour=administration');
    expect(new URL((await visitor.follow(again)).url).pathname).to.equal('/administration/demandes');
  });

  it('leads nowhere by a cookie that names no sign-in, nor one that is over', async () => {
    const visitor = await signedIn(app, CAMILLE);
    for (const value of ['nothing-of-this-name', '../../elsewhere', '%3Cscript%3E', 'x'.repeat(900)]) {
      await visitor.jar.setCookie(`caducee_waiting=${value}; Path=/`, app.issuer);
      const page = await visitor.get(OVERVIEW);
      expect([page.status, wordsOf(page).includes('Continuer')], value).to.deep.equal([200, false]);
    }
  });
});
