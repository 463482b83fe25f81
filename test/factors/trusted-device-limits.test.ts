import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { accountOf } from '../support/factors.ts';
import {
  BOX,
  CODE_PAGE,
  createExpectations,
  forgetTrust,
  leave,
  signInTo,
  tokenOf,
  trusting,
  typePassword,
} from '../support/trust.ts';
import { Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const DOMINIQUE_PHONE = '+33639980007';
const ADMIN = 'admin@example.test';
const ADMIN_PHONE = '+33639980099';
const DEVICES = '/mon-compte/authentification-forte/appareils';
const essential = (value: string) => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
});

describe('a trusted device is asked the second step all the same', () => {
  let app: TestApp;
  let expects: Awaited<ReturnType<typeof createExpectations>>;
  before(async () => {
    app = await startTestApp();
    expects = await createExpectations(app);
  });
  after(() => app.close());
  beforeEach(() => forgetTrust(app));

  for (const [what, parameters] of [
    ['by prompt=login', { prompt: 'login' }],
    ['by max_age', { max_age: '86400' }],
    ['by a class in acr_values', { acr_values: ACR.twoSteps }],
    ['by a class that the account cannot reach', { acr_values: ACR.twoFactors }],
    ['by an essential class', essential(ACR.twoSteps)],
  ] as const)
    it(what, async () => {
      const visitor = await trusting(app, CAMILLE);
      const { words, ...claims } = await signInTo(expects.client, visitor, CAMILLE, parameters);
      expect(claims).to.deep.equal({});
      expect(words).to.include(CODE_PAGE);
      await expects.skipped(visitor, CAMILLE);
    });

  it("by an application's minimum, and a session of that device is asked what is missing", async () => {
    const redirectUri = 'http://localhost:4009/callback';
    await saveApplication(
      app.deps.knex,
      app.clock,
      {
        ...{ clientId: 'dossier', name: 'Dossier', description: '', icon: 'folder', startUrl: undefined },
        ...{ firstParty: true, onPortal: false, minimumAcr: ACR.twoSteps },
        metadata: {
          redirect_uris: [redirectUri],
          grant_types: ['authorization_code'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        },
      },
      undefined,
    );
    const strict = await createTestClient(app.issuer, 'dossier', { redirectUri });
    const visitor = await trusting(app, CAMILLE);
    const page = await typePassword(visitor, (await strict.authorize()).url, CAMILLE);
    expect(wordsOf(page)).to.include(CODE_PAGE);
    await expects.skipped(visitor, CAMILLE);
    const stepUp = await visitor.get((await strict.authorize()).url);
    expect(wordsOf(stepUp)).to.include('Vous êtes déjà connecté').and.not.include('Mot de passe');
  });

  it('by a step-up, which asks for no password and gives no trust', async () => {
    const visitor = await trusting(app, CAMILLE);
    await expects.skipped(visitor, CAMILLE);
    const authorization = await expects.client.authorize(essential(ACR.twoSteps));
    const channels = await visitor.get(authorization.url);
    expect(wordsOf(channels)).to.include('Vous êtes déjà connecté').and.not.include('Mot de passe');
    const { result: page, code } = await app.codeSentBy(CAMILLE, () =>
      visitor.submit(channels, { channel: 'email' }, '/canal'),
    );
    expect(wordsOf(page)).to.include(CODE_PAGE).and.not.include(BOX);
    const before = await tokenOf(app, visitor);
    const back = await visitor.submit(page, { code, trust: 'yes' }, '/code');
    const { claims } = await expects.client.exchange(authorization, back.headers.get('location') as string);
    expect(claims()).to.deep.include({ acr: ACR.twoSteps, amr: ['pwd', 'device', 'email'] });
    expect(await tokenOf(app, visitor)).to.equal(before);
  });

  it('by a page that changes what opens the account', async () => {
    const visitor = await trusting(app, CAMILLE);
    const home = await typePassword(visitor, '/connexion', CAMILLE);
    expect(wordsOf(home), 'signed in a moment ago').to.include('Bonjour Camille');
    const form = await visitor.get('/mon-compte/authentification-forte/codes-de-secours');
    expect(form.url).to.include('/connexion/');
    const { result: page, code } = await app.codeSentBy(CAMILLE, () =>
      visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }),
    );
    expect(wordsOf(page)).to.include(CODE_PAGE);
    const back = await visitor.submit(page, { code }, '/code');
    expect(wordsOf(back)).to.include('Créer mes codes de secours');
  });

  it('for an administrator, whose browser is never trusted', async () => {
    const visitor = new Visitor(app.issuer);
    const { result: page, code } = await app.codeSentBy(ADMIN_PHONE, () =>
      typePassword(visitor, '/connexion', ADMIN),
    );
    expect(wordsOf(page)).to.include(CODE_PAGE).and.not.include(BOX);
    const home = await visitor.submit(page, { code, trust: 'yes' }, '/code');
    expect(home.status).to.equal(200);
    expect(await app.deps.knex('trusted_devices')).to.have.length(0);
  });

  it('for who became an administrator since', async () => {
    const visitor = await trusting(app, DOMINIQUE);
    const id = await accountOf(app, DOMINIQUE);
    await app.deps.knex('account_roles').insert({ account_id: id, role: 'administrator' });
    try {
      await expects.asked(visitor, DOMINIQUE);
    } finally {
      await app.deps.knex('account_roles').where({ account_id: id }).delete();
    }
    await expects.skipped(await leave(app, visitor), DOMINIQUE);
  });
});

describe('trust where a code by e-mail is not accepted', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ settings: { SECOND_FACTORS_PROFESSIONAL: 'passkey,totp,sms' } });
  });
  after(() => app.close());

  it('is not offered, nor given to who asks for it', async () => {
    const visitor = new Visitor(app.issuer);
    const { result: page, code } = await app.codeSentBy(DOMINIQUE_PHONE, () =>
      typePassword(visitor, '/connexion', DOMINIQUE),
    );
    expect(wordsOf(page)).to.include(CODE_PAGE).and.not.include(BOX);
    await visitor.submit(page, { code, trust: 'yes' }, '/code');
    expect(await app.deps.knex('trusted_devices')).to.have.length(0);
    expect(wordsOf(await visitor.get(DEVICES))).to.include('la seconde preuve à chaque connexion');
  });
});
