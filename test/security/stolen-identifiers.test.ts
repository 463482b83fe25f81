import { expect } from 'chai';
import { DEMO_APPLICATIONS } from '../../seeds/demo/applications.ts';
import { SECOND } from '../../src/lib/clock.ts';
import { UnitOfWork } from '../../src/openid/unit-of-work.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { meetAtRow } from '../support/locks.ts';
import { signIn, Visitor } from '../support/visitor.ts';

const CAMILLE = { email: 'camille@example.test' };
const [demo] = DEMO_APPLICATIONS;
const basic = `Basic ${btoa(`${demo?.clientId}:${demo?.secret}`)}`;

describe('what was stolen', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  async function refresh(token: string): Promise<{ status: number; body: Record<string, string> }> {
    const response = await fetch(`${app.issuer}/token`, {
      method: 'POST',
      headers: { authorization: basic, connection: 'close' },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  }

  const userinfo = async (token: string) =>
    (await fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status;

  it('a rotation under way goes with the family that the replay revokes', async () => {
    const visitor = new Visitor(app.issuer);
    const authorization = await client.authorize();
    const back = await signIn(app, visitor, authorization.url, CAMILLE);
    const tokens = await client.exchange(authorization, back.headers.get('location') as string);
    const replayed = tokens.refresh_token as string;
    const current = (await refresh(replayed)).body.refresh_token as string;
    const unit = new UnitOfWork(app.deps.engineStore, app.deps.keyring);
    const row = unit.hash('RefreshToken', current);

    const [rotated, refused] = await meetAtRow<[Awaited<ReturnType<typeof refresh>>, { status: number }]>(
      app.database,
      row,
      [() => refresh(current), () => refresh(replayed)],
    );
    expect([rotated.status, refused.status]).to.deep.equal([200, 400]);
    const left = await app.database.knex('oidc_payloads').whereNotNull('grant_hash').pluck('model');
    expect(left).to.deep.equal([]);
    // The grant of one of our applications has the same name again after this.
    await visitor.get((await client.authorize()).url);
    expect(await userinfo(rotated.body.access_token as string)).to.equal(401);
    expect((await refresh(rotated.body.refresh_token as string)).status).to.equal(400);
  });

  describe('a session identifier', () => {
    const cookiesOf = (visitor: Visitor) => visitor.jar.getCookieString(`${app.issuer}/`);

    async function isOpen(cookie: string): Promise<boolean> {
      const response = await fetch(`${app.issuer}/`, { headers: { cookie } });
      return (await response.text()).includes('Bonjour');
    }

    async function givesCode(cookie: string): Promise<boolean> {
      const response = await fetch((await client.authorize()).url, {
        headers: { cookie },
        redirect: 'manual',
      });
      await response.text();
      return response.headers.get('location')?.includes('code=') ?? false;
    }

    it('is worth nothing once its owner signed in again', async () => {
      const visitor = new Visitor(app.issuer);
      await signIn(app, visitor, (await client.authorize()).url, CAMILLE);
      const stolen = await cookiesOf(visitor);
      expect([await isOpen(stolen), await givesCode(stolen)]).to.deep.equal([true, true]);
      app.clock.advance(2 * SECOND);
      await signIn(app, visitor, (await client.authorize({ prompt: 'login' })).url, CAMILLE);
      expect([await isOpen(stolen), await givesCode(stolen)]).to.deep.equal([false, false]);
      expect(await isOpen(await cookiesOf(visitor))).to.equal(true);
    });

    it('lets the tabs of one sign-in follow for ten seconds', async () => {
      const visitor = new Visitor(app.issuer);
      await signIn(app, visitor, (await client.authorize()).url, CAMILLE);
      const former = await cookiesOf(visitor);
      const page = await visitor.get((await client.authorize({ prompt: 'consent' })).url);
      await visitor.submit(page, { decision: 'allow' }, '/consentement');
      const current = await cookiesOf(visitor);
      expect(current).not.to.equal(former);
      expect([await isOpen(former), await isOpen(current)]).to.deep.equal([true, true]);
      const age = (seconds: number) =>
        app.database.knex.raw(
          `UPDATE oidc_sessions SET previous_until = previous_until - make_interval(secs => ?)`,
          [seconds],
        );
      await age(10);
      expect([await isOpen(former), await isOpen(current)]).to.deep.equal([false, true]);
    });
  });
});
