/** What an application's minimum, a stronger class and a step-up do to a sign-in. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Authorization, createTestClient, type TestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = { email: 'dominique@example.test', codeTo: '+33639980007' };
const ESSENTIAL = (...values: string[]) => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }),
});

describe('a sign-in of another strength than asked', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const location = (page: Page): URL => new URL(page.headers.get('location') as string);
  const claimsOf = async (authorization: Authorization, page: Page) =>
    (await client.exchange(authorization, location(page).href)).claims();

  /** @param agoMs the sign-in is so much older: the engine reads the real time, our pages the clock. */
  async function signedInByEmail(email: string, agoMs = 0): Promise<Visitor> {
    app.clock.advance(-agoMs);
    const visitor = new Visitor(app.issuer);
    const { codeTo } = email === CAMILLE ? { codeTo: CAMILLE } : DOMINIQUE;
    const form = await visitor.get((await client.authorize()).url);
    let { result: page, code } = await app.codeSentBy(codeTo, () =>
      visitor.submit(form, { email, password: DEMO_PASSWORD }),
    );
    if (codeTo !== email) {
      const channels = await visitor.get(`${form.url}/canal`);
      ({ result: page, code } = await app.codeSentBy(email, () =>
        visitor.submit(channels, { channel: 'email' }, '/canal'),
      ));
    }
    await visitor.submit(page, { code }, '/code');
    app.clock.advance(agoMs);
    return visitor;
  }

  async function signedInBySms(): Promise<Visitor> {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, (await client.authorize()).url, DOMINIQUE);
    return visitor;
  }

  describe('that is stronger', () => {
    it('meets a demand for less, whose class the tokens tell, refreshed ones too; amr tells what was done', async () => {
      const visitor = await signedInBySms();
      const authorization = await client.authorize(ESSENTIAL(ACR.twoSteps));
      const back = await visitor.get(authorization.url);
      const tokens = await client.exchange(authorization, location(back).href);
      expect(tokens.claims()).to.deep.include({ acr: ACR.twoSteps, amr: ['pwd', 'sms', 'mfa'] });
      const response = await fetch(`${app.issuer}/token`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${Buffer.from('messagerie:demo-secret-messagerie-kept-by-nobody-0001').toString('base64')}`,
        },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token as string,
        }),
      });
      const { id_token: idToken } = (await response.json()) as { id_token: string };
      expect(decodeJwt(idToken).acr).to.equal(ACR.twoSteps);
    });

    it('tells its own class where nothing, or a wish, is asked: one session, several answers', async () => {
      const visitor = await signedInBySms();
      for (const [parameters, acr] of [
        [{}, ACR.twoFactors],
        [{ acr_values: ACR.twoSteps }, ACR.twoFactors],
        [ESSENTIAL(ACR.twoSteps), ACR.twoSteps],
        [ESSENTIAL(ACR.twoSteps, ACR.twoFactors), ACR.twoFactors],
        [ESSENTIAL(ACR.twoSteps, ACR.phishingResistant), ACR.twoSteps],
        [{}, ACR.twoFactors],
      ] as const) {
        const authorization = await client.authorize(parameters);
        const back = await visitor.get(authorization.url);
        expect((await claimsOf(authorization, back))?.acr, JSON.stringify(parameters)).to.equal(acr);
      }
    });
  });

  describe('in an application that has a least class', () => {
    let strict: TestClient;
    before(async () => {
      const redirectUri = 'http://localhost:4009/callback';
      await saveApplication(
        app.database.knex,
        app.clock,
        {
          ...{ clientId: 'dossier', name: 'Dossier', description: '', icon: 'folder', startUrl: undefined },
          ...{ firstParty: true, onPortal: false, minimumAcr: ACR.twoFactors },
          metadata: {
            redirect_uris: [redirectUri],
            grant_types: ['authorization_code'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none',
          },
        },
        undefined,
      );
      strict = await createTestClient(app.issuer, 'dossier', { redirectUri });
    });

    const REQUESTS = [
      ['nothing', {}],
      ['less by acr_values', { acr_values: ACR.twoSteps }],
      ['an unknown class by acr_values', { acr_values: 'urn:other' }],
      ['less, as a demand', ESSENTIAL(ACR.twoSteps)],
      ['a claim without a class', { claims: '{"id_token":{"acr":null}}' }],
    ] as const;
    for (const [what, parameters] of REQUESTS)
      it(`asks what is missing of who signed in by e-mail, whatever the request asks: ${what}`, async () => {
        const visitor = await signedInByEmail(DOMINIQUE.email);
        const authorization = await strict.authorize(parameters);
        const form = await visitor.get(authorization.url);
        expect(wordsOf(form)).to.include('Vous êtes déjà connecté').and.not.include('Par e-mail');
        const { result: page, code } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
          visitor.submit(form, { channel: 'sms-1' }, '/canal'),
        );
        const back = await visitor.submit(page, { code }, '/code');
        const tokens = await strict.exchange(authorization, location(back).href);
        expect(tokens.claims()?.amr).to.deep.equal(['pwd', 'email', 'sms', 'mfa']);
      });

    it('lets nobody in silently, nor who cannot reach it', async () => {
      const visitor = await signedInByEmail(CAMILLE);
      for (const parameters of REQUESTS.map(([, one]) => one)) {
        const silent = await visitor.get((await strict.authorize({ ...parameters, prompt: 'none' })).url);
        expect(location(silent).searchParams.get('error')).to.equal('login_required');
        const page = await visitor.get((await strict.authorize(parameters)).url);
        expect(wordsOf(page)).to.include('Dossier demande une authentification forte');
        const back = await visitor.submit(page, {}, '/renoncer');
        expect(location(back).searchParams.get('error')).to.equal('unmet_authentication_requirements');
        expect(location(back).searchParams.get('code')).to.equal(null);
      }
    });

    it('is no weaker to a pushed request', async () => {
      const visitor = await signedInByEmail(CAMILLE);
      const { searchParams } = new URL((await strict.authorize({ acr_values: ACR.twoSteps })).url);
      const pushed = await fetch(`${app.issuer}/par`, { method: 'POST', body: searchParams });
      const { request_uri } = (await pushed.json()) as { request_uri: string };
      const query = new URLSearchParams({ client_id: 'dossier', request_uri });
      const page = await visitor.get(`/authorize?${query}`);
      expect(wordsOf(page)).to.include('Dossier demande une authentification forte');
    });

    it('offers no code by e-mail in a whole sign-in either', async () => {
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get((await strict.authorize({ acr_values: ACR.twoSteps })).url);
      const { result: codePage } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
        visitor.submit(form, { email: DOMINIQUE.email, password: DEMO_PASSWORD }),
      );
      expect(wordsOf(codePage)).to.include('par SMS');
      const channels = await visitor.get(`${form.url}/canal`);
      expect(wordsOf(channels)).not.to.include('Par e-mail');
      expect((await visitor.submit(channels, { channel: 'email' }, '/canal')).status).to.equal(422);
    });

    it('asks nothing of who has it, nor of the other applications', async () => {
      const visitor = await signedInBySms();
      const authorization = await strict.authorize();
      const back = await visitor.get(authorization.url);
      const tokens = await strict.exchange(authorization, location(back).href);
      expect(tokens.claims()?.acr).to.equal(ACR.twoFactors);
      const other = await signedInByEmail(CAMILLE);
      const wanted = await client.authorize();
      expect((await claimsOf(wanted, await other.get(wanted.url)))?.acr).to.equal(ACR.twoSteps);
    });

    it('takes no class that does not exist', async () => {
      const refused = await app.database
        .knex('applications')
        .where({ client_id: 'dossier' })
        .update({ minimum_acr: 'urn:other' })
        .then(
          () => undefined,
          (error: Error) => error.message,
        );
      expect(refused).to.include('applications_minimum_acr_check');
    });
  });

  describe('when more than a second factor is asked', () => {
    for (const [what, parameters] of [
      ['prompt=login', { prompt: 'login' }],
      ['max_age', { max_age: '60' }],
    ] as const)
      it(`the whole sign-in is asked: ${what}`, async () => {
        const visitor = await signedInByEmail(DOMINIQUE.email, 2 * MINUTE);
        const authorization = await client.authorize({ ...ESSENTIAL(ACR.twoFactors), ...parameters });
        const before = Math.floor(Date.now() / 1000);
        const form = await visitor.get(authorization.url);
        expect(wordsOf(form)).to.include('Mot de passe').and.not.include('Vous êtes déjà connecté');
        const { result: page, code } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
          visitor.submit(form, { email: DOMINIQUE.email, password: DEMO_PASSWORD }),
        );
        const claims = await claimsOf(authorization, await visitor.submit(page, { code }, '/code'));
        expect(claims).to.deep.include({ acr: ACR.twoFactors, amr: ['pwd', 'sms', 'mfa'] });
        expect(claims?.auth_time).to.be.at.least(before);
      });

    it('a step-up does not make a sign-in younger', async () => {
      const visitor = await signedInByEmail(DOMINIQUE.email, 2 * MINUTE);
      const authorization = await client.authorize({ ...ESSENTIAL(ACR.twoFactors), max_age: '600' });
      const form = await visitor.get(authorization.url);
      const { result: page, code } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
        visitor.submit(form, { channel: 'sms-1' }, '/canal'),
      );
      const claims = await claimsOf(authorization, await visitor.submit(page, { code }, '/code'));
      expect(Math.floor(Date.now() / 1000) - Number(claims?.auth_time)).to.be.within(119, 150);
    });
  });

  it('counts the codes of a step-up as those of any sign-in', async () => {
    const visitor = await signedInByEmail(DOMINIQUE.email);
    const form = await visitor.get((await client.authorize(ESSENTIAL(ACR.twoFactors))).url);
    let { result: page, code } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
      visitor.submit(form, { channel: 'sms-1' }, '/canal'),
    );
    const wrong = (right: string) => String((Number(right) + 1) % 1_000_000).padStart(6, '0');
    let words = '';
    let aheadMs = 0;
    for (let tries = 0; tries < 70 && !words.includes("Trop d'essais en peu de temps"); tries += 1) {
      if (words.includes('Demandez-en un nouveau')) {
        app.clock.advance(MINUTE);
        aheadMs += MINUTE;
        await app.database.knex('throttle_counters').where('key', 'like', 'codeSend%').delete();
        ({ result: page, code } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
          visitor.submit(page, {}, '/renvoyer'),
        ));
      }
      page = await visitor.submit(page, { code: wrong(code) }, '/code');
      words = wordsOf(page);
    }
    app.clock.advance(-aheadMs);
    expect(words).to.include("Trop d'essais en peu de temps");
    expect(wordsOf(await visitor.submit(page, { code }, '/code')), 'the right one').to.include(
      "Trop d'essais",
    );

    const other = new Visitor(app.issuer);
    const start = await other.get((await client.authorize()).url);
    const { result: codePage, code: right } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
      other.submit(start, { email: DOMINIQUE.email, password: DEMO_PASSWORD }),
    );
    expect(wordsOf(await other.submit(codePage, { code: right }, '/code')), 'a whole sign-in').to.include(
      "Trop d'essais",
    );
  });
});
