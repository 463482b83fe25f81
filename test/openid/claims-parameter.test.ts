import { expect } from 'chai';
import * as oidc from 'openid-client';
import { saveApplication } from '../../src/applications/applications.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { linkEmail } from '../support/links.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const SECRET = 'kept-by-nobody-and-long-enough-for-a-test-0001';
const CALLBACK = 'http://localhost:4009/callback';
const CAMILLE = { email: 'camille@example.test' };

const asking = (claims: object) => ({ scope: 'openid', claims: JSON.stringify(claims) });

describe('single claims, asked for by an application that is not one of ours', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  async function register(clientId: string, scope: string): Promise<TestClient> {
    const application = {
      clientId,
      name: 'Agenda',
      description: '',
      icon: 'mail',
      firstParty: false,
      onPortal: false,
      startUrl: undefined,
      metadata: {
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: 'ES256',
        scope,
      },
    };
    await saveApplication(app.deps.knex, app.clock, application, SECRET);
    return createTestClient(app.issuer, clientId, { secret: SECRET, redirectUri: CALLBACK });
  }

  const backAt = (page: Page): URL => {
    const location = page.headers.get('location') ?? '';
    expect(location, `${page.status} ${page.url}`).to.match(/^http:\/\/localhost:4009\/callback\?/);
    return new URL(location);
  };
  const lastDetails = async (event: string) => {
    const row = await app.database.knex('journal').where({ event }).orderBy('seq', 'desc').first('entry');
    return row && JSON.parse(row.entry).details;
  };

  describe('beyond what it is registered for', () => {
    const BEYOND: readonly [what: string, claims: object, named: string][] = [
      ['the RPPS number', { userinfo: { rpps: null } }, 'rpps'],
      ['the address in the ID token', { id_token: { email: { essential: true } } }, 'email'],
      ['a given value', { userinfo: { phone_number: { value: '+33639980007' } } }, 'phone'],
      ['several', { userinfo: { name: null, acr: null }, id_token: { profession: null } }, 'profile rpps'],
    ];
    let narrow: TestClient;
    before(async () => {
      narrow = await register('narrow', 'openid');
    });

    for (const [what, claims, named] of BEYOND) {
      it(`are refused to the application, and the person is asked nothing: ${what}`, async () => {
        const authorization = await narrow.authorize(asking(claims));
        const { searchParams } = backAt(await new Visitor(app.issuer).request(authorization.url));
        expect(searchParams.get('error')).to.equal('invalid_request');
        expect(searchParams.get('error_description')).to.match(new RegExp(`registered for: ${named}$`));
        expect(searchParams.get('state')).to.equal(authorization.state);
      });
    }

    it('are refused to a pushed request too', async () => {
      const { url } = await narrow.authorize(asking({ userinfo: { rpps: null } }));
      const response = await fetch(`${app.issuer}/par`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`narrow:${SECRET}`)}` },
        body: new URL(url).searchParams,
      });
      expect(response.status).to.equal(400);
      expect(await response.json()).to.include({ error: 'invalid_request' });
    });

    it('are not what every sign-in tells', async () => {
      const { url } = await narrow.authorize(asking({ id_token: { acr: null, auth_time: null, amr: null } }));
      expect(wordsOf(await new Visitor(app.issuer).get(url))).to.include('Mot de passe oublié');
    });
  });

  describe('within what it is registered for', () => {
    const CLAIMS = { userinfo: { rpps: null, email: null }, id_token: { email_verified: null } };
    let wide: TestClient;
    before(async () => {
      wide = await register('wide', 'openid profile email rpps');
      await linkEmail(app, 'wide', CAMILLE.email);
    });

    async function atConsent() {
      const visitor = new Visitor(app.issuer);
      const authorization = await wide.authorize(asking(CLAIMS));
      return { visitor, authorization, page: await signIn(app, visitor, authorization.url, CAMILLE) };
    }

    it('are listed to the person, named in the journal, and given after « Autoriser »', async () => {
      const { visitor, authorization, page } = await atConsent();
      const listed = [...page.text.matchAll(/<p><b>([^<]*)<\/b>/g)].map(([, text]) => text);
      expect(listed).to.deep.equal(['Votre adresse mail', 'Votre qualité professionnelle']);
      const back = backAt(await visitor.submit(page, { decision: 'allow' }, '/consentement'));
      const details = await lastDetails('consent.given');
      expect(details).to.include({ application: 'wide' });
      expect(details.claims).to.have.members(['rpps', 'email', 'email_verified']);

      const tokens = await wide.exchange(authorization, back.href);
      const told = await oidc.fetchUserInfo(wide.configuration, tokens.access_token, oidc.skipSubjectCheck);
      expect(told).to.have.all.keys('sub', 'rpps', 'email');
      expect(tokens.claims()).to.include({ email_verified: true });
      expect(tokens.claims()).not.to.have.any.keys('email', 'name', 'rpps');

      const again = await visitor.request((await wide.authorize(asking(CLAIMS))).url);
      expect(backAt(again).searchParams.get('code'), 'asked once').to.be.a('string');
      const more = await visitor.get((await wide.authorize(asking({ userinfo: { name: null } }))).url);
      expect(wordsOf(more), 'another claim is another question').to.include('Votre identité');
    });

    it('are not given after « Refuser »', async () => {
      const { visitor, page } = await atConsent();
      const { searchParams } = backAt(await visitor.submit(page, { decision: 'deny' }, '/consentement'));
      expect(searchParams.get('error')).to.equal('access_denied');
      expect(searchParams.get('code')).to.equal(null);
      expect((await lastDetails('consent.refused')).claims).to.have.members([
        'rpps',
        'email',
        'email_verified',
      ]);

      const silent = await wide.authorize({ ...asking(CLAIMS), prompt: 'none' });
      const refused = backAt(await visitor.request(silent.url)).searchParams;
      expect(refused.get('error')).to.equal('consent_required');
      expect(wordsOf(await visitor.get((await wide.authorize(asking(CLAIMS))).url))).to.include('Refuser');
    });
  });
});
