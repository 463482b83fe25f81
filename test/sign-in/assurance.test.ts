import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Authorization, createTestClient, type TestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const DOMINIQUE_PHONE = '+33639980007';
const ESSENTIAL = (...values: string[]) => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }),
});
const WISHED = { acr_values: ACR.twoFactors };

describe('the assurance that an application asks for', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const location = (page: Page): URL => new URL(page.headers.get('location') as string);
  const acrOf = async (authorization: Authorization, page: Page) =>
    (await client.exchange(authorization, location(page).href)).claims()?.acr;

  /** A browser that is signed in by a code sent to `codeTo`. */
  async function signedIn(email: string, codeTo = email): Promise<Visitor> {
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get((await client.authorize()).url);
    let { result: page, code } = await app.codeSentBy(email === DOMINIQUE ? DOMINIQUE_PHONE : email, () =>
      visitor.submit(form, { email, password: DEMO_PASSWORD }),
    );
    if (email === DOMINIQUE && codeTo === email) {
      const channels = await visitor.get(`${form.url}/canal`);
      ({ result: page, code } = await app.codeSentBy(email, () =>
        visitor.submit(channels, { channel: 'email' }, '/canal'),
      ));
    }
    await visitor.submit(page, { code }, '/code');
    return visitor;
  }

  for (const [what, parameters] of [
    ['demanded', ESSENTIAL(ACR.twoFactors)],
    ['wished for', WISHED],
  ] as const) {
    it(`is reached by what is missing alone, an SMS, when it is ${what}`, async () => {
      const visitor = await signedIn(DOMINIQUE);
      const authorization = await client.authorize(parameters);
      const form = await visitor.get(authorization.url);
      expect(wordsOf(form)).to.include('Vous êtes déjà connecté').and.not.include('Mot de passe');
      expect(wordsOf(form), 'an e-mail would not reach it').not.to.include('Par e-mail');
      const refused = await visitor.submit(form, { channel: 'email' }, '/canal');
      expect(refused.status).to.equal(422);
      const { result: page, code } = await app.codeSentBy(DOMINIQUE_PHONE, () =>
        visitor.submit(form, { channel: 'sms-1' }, '/canal'),
      );
      const back = await visitor.submit(page, { code }, '/code');
      const claims = (await client.exchange(authorization, location(back).href)).claims();
      expect(claims?.acr).to.equal(ACR.twoFactors);
      expect(claims?.amr).to.deep.equal(['pwd', 'email', 'sms', 'mfa']);

      const again = await client.authorize(parameters);
      expect(await acrOf(again, await visitor.get(again.url)), 'and then it is there').to.equal(
        ACR.twoFactors,
      );
    });
  }

  it('is told in words when the account cannot reach it, then to the application as an error', async () => {
    for (const visitor of [await signedIn(CAMILLE), new Visitor(app.issuer)]) {
      const sent = app.codesTo(CAMILLE);
      let page = await visitor.get((await client.authorize(ESSENTIAL(ACR.twoFactors))).url);
      if (wordsOf(page).includes('Mot de passe oublié'))
        page = await visitor.submit(page, { email: CAMILLE, password: DEMO_PASSWORD });
      expect(wordsOf(page)).to.include('Messagerie demande une authentification forte');
      expect(app.codesTo(CAMILLE), 'no code for nothing').to.equal(sent);
      const back = await visitor.submit(page, {}, '/renoncer');
      expect(location(back).origin).to.equal('http://localhost:4001');
      expect(location(back).searchParams.get('error')).to.equal('unmet_authentication_requirements');
      expect(location(back).searchParams.get('code')).to.equal(null);
    }
  });

  it('may be reached with another account of the same person', async () => {
    const visitor = await signedIn(CAMILLE);
    const page = await visitor.get((await client.authorize(ESSENTIAL(ACR.twoFactors))).url);
    const form = await visitor.get(`${page.url}?compte=autre`);
    const { code, result } = await app.codeSentBy(DOMINIQUE_PHONE, () =>
      visitor.submit(form, { email: DOMINIQUE, password: DEMO_PASSWORD }),
    );
    const next = await visitor.submit(result, { code }, '/code');
    expect(next.text, 'the engine closes the other session first').to.include('deconnexion/confirm');
  });

  it('is not worth a refusal when it is only wished for', async () => {
    const fresh = new Visitor(app.issuer);
    const first = await client.authorize(WISHED);
    const back = await signIn(app, fresh, first.url, { email: CAMILLE });
    expect(await acrOf(first, back)).to.equal(ACR.twoSteps);
    const second = await client.authorize(WISHED);
    expect(await acrOf(second, await fresh.get(second.url)), 'no question asked').to.equal(ACR.twoSteps);

    const visitor = await signedIn(DOMINIQUE);
    const silent = await client.authorize({ ...WISHED, prompt: 'none' });
    expect(await acrOf(silent, await visitor.get(silent.url))).to.equal(ACR.twoSteps);
  });

  it('refuses at once a demand for what does not exist, and a demand that may not be asked about', async () => {
    const visitor = await signedIn(CAMILLE);
    const unknown = await visitor.get((await client.authorize(ESSENTIAL('urn:other'))).url);
    expect(location(unknown).searchParams.get('error')).to.equal('unmet_authentication_requirements');
    const silent = await client.authorize({ ...ESSENTIAL(ACR.twoFactors), prompt: 'none' });
    expect(location(await visitor.get(silent.url)).searchParams.get('error')).to.equal('login_required');
  });

  it('is always the second factor for an administrator', async () => {
    const admin = { email: 'admin@example.test', codeTo: '+33639980099' };
    const authorization = await client.authorize(ESSENTIAL(ACR.twoFactors));
    const back = await signIn(app, new Visitor(app.issuer), authorization.url, admin);
    expect(await acrOf(authorization, back)).to.equal(ACR.twoFactors);
  });

  it('cannot be given up by a form where nothing is demanded', async () => {
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get((await client.authorize(WISHED)).url);
    const answer = await visitor.send(form, {}, `${form.url}/renoncer`);
    expect(answer.headers.get('location')).to.equal(new URL(form.url).pathname);
  });
});
