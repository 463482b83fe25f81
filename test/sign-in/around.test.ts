/** What surrounds a sign-in: other tabs, who is signed in already, the language, where the cursor is. */
import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const CONFIRM = "Messagerie demande de confirmer que c'est bien vous.";

const valueIn = (page: Page, field: string): string | undefined =>
  new RegExp(`<input[^>]*\\bid="${field}"[^>]*?\\bvalue="([^"]*)"`).exec(page.text)?.[1];
const otherLanguage = (page: Page): string =>
  (/href="([^"]*langue=en)"/.exec(page.text)?.[1] ?? '').replace(/&amp;/g, '&');
const focused = (page: Page): string[] =>
  [...page.text.matchAll(/<input\b[^>]*\bid="(\w+)"[^>]*\bautofocus/g)].map(([, id]) => id as string);

describe('around a sign-in', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  async function signedIn(): Promise<Visitor> {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, (await client.authorize()).url, { email: CAMILLE });
    return visitor;
  }

  const isBack = (page: Page): boolean =>
    page.headers.get('location')?.startsWith('http://localhost:4001/callback?code=') ?? false;

  describe('in another tab that waited', () => {
    it('who signed in meanwhile is let in', async () => {
      const visitor = new Visitor(app.issuer);
      const authorization = await client.authorize();
      const waiting = await visitor.get(authorization.url);
      expect(isBack(await signIn(app, visitor, (await client.authorize()).url, { email: CAMILLE }))).to.equal(
        true,
      );
      const back = await visitor.get(waiting.url);
      expect(isBack(back)).to.equal(true);
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()?.acr).to.equal(ACR.twoSteps);
    });

    const demands: [string, Record<string, string>][] = [
      ['a fresh sign-in', { prompt: 'login' }],
      ['a recent sign-in', { max_age: '0' }],
      ['somebody', { claims: JSON.stringify({ id_token: { sub: { value: 'somebody-else' } } }) }],
    ];
    for (const [what, parameters] of demands) {
      it(`still asks for ${what} when the application demands it`, async () => {
        const visitor = new Visitor(app.issuer);
        const waiting = await visitor.get((await client.authorize(parameters)).url);
        await signIn(app, visitor, (await client.authorize()).url, { email: CAMILLE });
        const page = await visitor.get(waiting.url);
        expect(page.status).to.equal(200);
        expect(page.url).to.equal(waiting.url);
        expect(wordsOf(page)).to.include('Mot de passe oublié');
      });
    }

    it('still asks for the class that the application demands', async () => {
      const visitor = new Visitor(app.issuer);
      const claims = JSON.stringify({ id_token: { acr: { essential: true, value: ACR.twoFactors } } });
      const waiting = await visitor.get((await client.authorize({ claims })).url);
      await signIn(app, visitor, (await client.authorize()).url, { email: CAMILLE });
      const page = await visitor.get(waiting.url);
      expect(wordsOf(page)).to.include('Messagerie demande une authentification forte');
    });

    it('does not let in an account that was suspended', async () => {
      const visitor = new Visitor(app.issuer);
      const waiting = await visitor.get((await client.authorize()).url);
      await signIn(app, visitor, (await client.authorize()).url, { email: CAMILLE });
      const { knex } = app.database;
      const own = knex('accounts').where({ rpps: '99700900048' });
      await own.clone().update({ state: 'suspended' });
      try {
        const page = await visitor.get(waiting.url);
        expect(wordsOf(page)).to.include('Mot de passe oublié');
      } finally {
        await own.clone().update({ state: 'active' });
      }
    });

    it('tells who comes back too late that they are signed in, and leads to the portal', async () => {
      const visitor = await signedIn();
      const page = await visitor.get(`/connexion/${'a'.repeat(43)}`);
      expect(page.status).to.equal(400);
      expect(wordsOf(page)).to.include('Vous êtes déjà connecté');
      expect(page.text).to.match(/href="\/">Aller à mon portail</);
    });

    it('leads who is not signed in to a new sign-in', async () => {
      const page = await new Visitor(app.issuer).get(`/connexion/${'a'.repeat(43)}`);
      expect(page.status).to.equal(400);
      expect(page.text).to.match(/href="\/connexion">Retour à la connexion</);
    });
  });

  describe('of who is signed in already', () => {
    for (const [what, parameters] of [
      ['prompt=login', { prompt: 'login' }],
      ['max_age', { max_age: '0' }],
    ] as const) {
      it(`${what} says why it asks, with the address filled in`, async () => {
        const visitor = await signedIn();
        const page = await visitor.get((await client.authorize(parameters)).url);
        expect(wordsOf(page)).to.include(CONFIRM);
        expect(valueIn(page, 'email')).to.equal(CAMILLE);
        const refused = await visitor.submit(page, { email: CAMILLE, password: 'wrong' });
        expect(wordsOf(refused)).to.include(CONFIRM);
      });
    }

    it('a request for somebody else neither says nor fills in anything', async () => {
      const visitor = await signedIn();
      const claims = JSON.stringify({ id_token: { sub: { value: 'somebody-else' } } });
      const page = await visitor.get((await client.authorize({ claims })).url);
      expect(wordsOf(page)).not.to.include(CONFIRM);
      expect(valueIn(page, 'email')).to.equal('');
    });
  });

  describe('the language', () => {
    it('changes on the page where the person is', async () => {
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get((await client.authorize()).url);
      const submitted = { email: 'dominique@example.test', password: DEMO_PASSWORD };
      const { result: code } = await app.codeSentBy('+33639980007', () => visitor.submit(form, submitted));
      for (const [page, heading] of [
        [code, 'A code is waiting for you'],
        [await visitor.get(`${form.url}/canal`), 'How would you like to confirm that it is you?'],
      ] as const) {
        const english = await visitor.get(new URL(otherLanguage(page), page.url).href);
        expect(wordsOf(english)).to.include(heading);
        await visitor.get('/?langue=fr');
      }
    });

    it('changes on the question whether to sign out, whose answer stays the same', async () => {
      const visitor = await signedIn();
      const question = await visitor.get(
        `/deconnexion?client_id=messagerie&state=s&post_logout_redirect_uri=${encodeURIComponent('http://localhost:4001/')}`,
      );
      const english = await visitor.get(new URL(otherLanguage(question), question.url).href);
      expect(wordsOf(english)).to.include('Do you want to sign out?');
      const xsrf = /name="xsrf" value="([^"]*)"/.exec(english.text)?.[1] ?? '';
      const left = await visitor.submit(english, { xsrf, logout: 'yes' }, '/confirm');
      expect(left.headers.get('location')).to.equal('http://localhost:4001/?state=s');
    });

    it('changes on the page of an address that does not exist, and leads nowhere else', async () => {
      const visitor = new Visitor(app.issuer);
      const page = await visitor.get('/nulle-part');
      expect(otherLanguage(page)).to.equal('/nulle-part?langue=en');
      for (const path of ['//evil.test/', '/%5cevil.test', '/.//evil.test/']) {
        const hostile = await visitor.request(`${app.issuer}${path}`);
        expect(otherLanguage(hostile), path).to.equal('/?langue=en');
      }
    });
  });

  describe('the cursor', () => {
    it('waits in the first field to fill, and on what is wrong when something is', async () => {
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get((await client.authorize()).url);
      expect(focused(form)).to.deep.equal(['email']);
      const hinted = await visitor.get((await client.authorize({ login_hint: CAMILLE })).url);
      expect(focused(hinted)).to.deep.equal(['password']);
      expect(focused(await visitor.submit(form, { email: CAMILLE, password: '' }))).to.deep.equal([]);
      const { result: code } = await app.codeSentBy(CAMILLE, () =>
        visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }),
      );
      expect(focused(code)).to.deep.equal(['code']);
      expect(focused(await visitor.submit(code, { code: '' }, '/code'))).to.deep.equal([]);
    });

    it('goes from the address to the password, then to who forgot it', async () => {
      const { text } = await new Visitor(app.issuer).get('/connexion');
      const order = ['id="email"', 'id="password"', 'href="/mot-de-passe-oublie"'].map((one) =>
        text.indexOf(one),
      );
      expect(order).to.deep.equal([...order].sort((a, b) => a - b));
      expect(order).not.to.include(-1);
    });
  });

  it('the terms and the sign-up know who is signed in', async () => {
    const visitor = await signedIn();
    const terms = await visitor.get('/conditions-generales');
    expect(wordsOf(terms)).to.include('Camille DOC0090004').and.to.include('Se déconnecter');
    const signUp = await visitor.get('/inscription');
    expect(new URL(signUp.url).pathname).to.equal('/');
    expect(wordsOf(signUp)).to.include('Bonjour Camille');
  });
});
