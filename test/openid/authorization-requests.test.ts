import { expect } from 'chai';
import { DEMO_APPLICATIONS } from '../../seeds/demo/applications.ts';
import { UnitOfWork } from '../../src/openid/unit-of-work.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { meetAtRow } from '../support/locks.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = { email: 'camille@example.test' };
const DOMINIQUE = { email: 'dominique@example.test', codeTo: '+33639980007' };
const [demo] = DEMO_APPLICATIONS;
const basic = `Basic ${btoa(`${demo?.clientId}:${demo?.secret}`)}`;

describe('an authorization request', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const backAt = (page: Page): URLSearchParams => {
    const location = page.headers.get('location') ?? '';
    expect(location, `${page.status} ${page.url}`).to.match(/^http:\/\/localhost:4001\/callback\?/);
    return new URL(location).searchParams;
  };

  describe('with the ID token of a person', () => {
    let hint: string;
    let sub: string;
    before(async () => {
      const authorization = await client.authorize();
      const back = await signIn(app, new Visitor(app.issuer), authorization.url, CAMILLE);
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      hint = tokens.id_token as string;
      sub = tokens.claims()?.sub as string;
    });

    it('comes back as « login_required » when another one signs in', async () => {
      const { url } = await client.authorize({ id_token_hint: hint });
      const back = backAt(await signIn(app, new Visitor(app.issuer), url, DOMINIQUE));
      expect(back.get('error')).to.equal('login_required');
      expect(back.get('code')).to.equal(null);
    });

    it('comes back with a code when that person signs in', async () => {
      const authorization = await client.authorize({ id_token_hint: hint });
      const back = await signIn(app, new Visitor(app.issuer), authorization.url, CAMILLE);
      expect(backAt(back).get('code')).to.be.a('string');
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()?.sub).to.equal(sub);
    });
  });

  describe('that stores much', () => {
    const stored = async () => Number((await app.database.knex('oidc_payloads').count())[0]?.count);
    const wish = (length: number) => {
      const [head, tail] = ['{"id_token":{"acr":{"values":["', '"]}}}'];
      return `${head}${'x'.repeat(length - head.length - tail.length)}${tail}`;
    };
    const PARAMETERS: readonly [name: string, ofLength: (length: number) => string][] = [
      ['state', (length) => 's'.repeat(length)],
      ['nonce', (length) => 'n'.repeat(length)],
      ['login_hint', (length) => 'é'.repeat(length)],
      ['ui_locales', (length) => 'fr '.repeat(length).slice(0, length)],
      ['claims', wish],
    ];
    for (const [name, ofLength] of PARAMETERS) {
      it(`is answered by a page and forgotten when its ${name} is too long, not at 2 kB`, async () => {
        const before = await stored();
        const long = await new Visitor(app.issuer).request(
          (await client.authorize({ [name]: ofLength(2_049) })).url,
        );
        expect(long.status).to.equal(414);
        expect(long.headers.get('location')).to.equal(null);
        expect(long.text).to.match(/<h1/);
        expect(await stored()).to.equal(before);
        const fine = await new Visitor(app.issuer).get(
          (await client.authorize({ [name]: ofLength(2_048) })).url,
        );
        expect(wordsOf(fine)).to.include('Mot de passe oublié');
        expect(await stored()).to.be.greaterThan(before);
      });
    }
  });

  it('that was pushed once and comes twice hands out one code, and nothing at all to the other', async () => {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, (await client.authorize()).url, CAMILLE);
    const authorization = await client.authorize();
    const pushed = await fetch(`${app.issuer}/par`, {
      method: 'POST',
      headers: { authorization: basic },
      body: new URL(authorization.url).searchParams,
    });
    const { request_uri: requestUri } = (await pushed.json()) as { request_uri: string };
    const id = requestUri.split(':').at(-1) as string;
    const idHash = new UnitOfWork(app.deps.engineStore, app.deps.keyring).hash(
      'PushedAuthorizationRequest',
      id,
    );
    const cookie = await visitor.jar.getCookieString(app.issuer);
    const use = () =>
      fetch(
        `${app.issuer}/authorize?${new URLSearchParams({ client_id: 'messagerie', request_uri: requestUri })}`,
        {
          headers: { cookie, accept: 'text/html', connection: 'close' },
          redirect: 'manual',
        },
      );
    const [first, second] = await meetAtRow<[Response, Response]>(app.database, idHash, [use, use]);
    expect(first.status).to.equal(303);
    const tokens = await client.exchange(authorization, first.headers.get('location') as string);
    expect(tokens.access_token).to.be.a('string');
    expect(second.status).to.equal(400);
    expect(second.headers.get('location')).to.equal(null);
    expect(second.headers.getSetCookie()).to.deep.equal([]);
    expect(await second.text()).not.to.match(/code=/);
  });
});
