import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { type RelyingParty, startRelyingParty } from '../../demo/relying-party.ts';
import { DEMO_APPLICATIONS, DEMO_SCOPE } from '../../seeds/demo/applications.ts';
import { loadSigningKeys } from '../../src/openid/keys.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { freePorts } from '../support/ports.ts';
import { signIn, Visitor } from '../support/visitor.ts';

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };

describe('the back channel of a demo application', () => {
  let app: TestApp;
  let party: RelyingParty;
  let key: JWK;
  before(async () => {
    const port = await freePorts(1);
    app = await startTestApp({ applicationUrl: () => `http://localhost:${port}` });
    const [demo] = DEMO_APPLICATIONS;
    if (!demo) throw new Error('no demo application');
    const { clientId, name, description, secret } = demo;
    party = await startRelyingParty({
      ...{ port, name, tagline: description, issuer: app.issuer, clientId, clientSecret: secret },
      scope: DEMO_SCOPE,
    });
    key = (await loadSigningKeys(app.deps)).find(({ alg }) => alg === 'ES256') as JWK;
  });
  after(async () => {
    await party.close();
    await app.close();
  });
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const claimsOf = (visitor: Visitor) => visitor.request(`${party.url}/claims.json`);
  async function signedIn(): Promise<{ visitor: Visitor; sid: string; sub: string }> {
    const visitor = new Visitor(app.issuer);
    const login = await visitor.request(`${party.url}/login`);
    const back = await signIn(app, visitor, login.headers.get('location') as string, {
      email: 'camille@example.test',
    });
    await visitor.request(back.headers.get('location') as string);
    const { sid, sub } = JSON.parse((await claimsOf(visitor)).text).id_token;
    return { visitor, sid, sub };
  }

  interface Forgery {
    readonly claims?: JWTPayload;
    readonly typ?: string;
    readonly expires?: string;
    readonly foreignKey?: boolean;
  }
  async function token({
    claims = {},
    typ = 'logout+jwt',
    expires = '2m',
    foreignKey,
  }: Forgery): Promise<string> {
    const { privateKey } = await generateKeyPair('ES256');
    return new SignJWT({
      ...{ iss: app.issuer, aud: 'messagerie', jti: randomUUID(), events: EVENTS },
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ, kid: key.kid as string })
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(foreignKey ? privateKey : await importJWK(key, 'ES256'));
  }
  const send = async (logout_token: string) =>
    (
      await fetch(`${party.url}/backchannel-logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token }),
      })
    ).status;

  it('signs out the session that is named, and takes a token once', async () => {
    const [ended, kept] = [await signedIn(), await signedIn()];
    const good = await token({ claims: { sub: ended.sub, sid: ended.sid } });
    expect(await send(good)).to.equal(200);
    expect((await claimsOf(ended.visitor)).status).to.equal(401);
    expect((await claimsOf(kept.visitor)).status).to.equal(200);
    expect(await send(good), 'again').to.equal(400);
    expect(await send(await token({ claims: { sub: kept.sub } })), 'of the whole person').to.equal(200);
    expect((await claimsOf(kept.visitor)).status).to.equal(401);
  });

  it('refuses what is no logout token for it', async () => {
    const { visitor, sid, sub } = await signedIn();
    const forgeries: [string, Forgery][] = [
      ['another type', { typ: 'JWT' }],
      ['another application', { claims: { aud: 'laboratoire' } }],
      ['another issuer', { claims: { iss: 'http://localhost:1' } }],
      ['another key', { foreignKey: true }],
      ['a nonce', { claims: { nonce: 'n' } }],
      ['no event', { claims: { events: {} } }],
      ['an event that is no object', { claims: { events: { [Object.keys(EVENTS)[0] as string]: true } } }],
      ['no identifier', { claims: { jti: undefined } as unknown as JWTPayload }],
      ['expired', { expires: '-1m' }],
    ];
    for (const [what, forgery] of forgeries)
      expect(await send(await token({ ...forgery, claims: { sub, sid, ...forgery.claims } })), what).to.equal(
        400,
      );
    expect(await send(await token({})), 'nobody').to.equal(400);
    expect(await send('x'), 'no token').to.equal(400);
    const good = await token({ claims: { sub, sid } });
    expect(await send(`${good.slice(0, -8)}AAAAAAAA`), 'tampered').to.equal(400);
    expect((await claimsOf(visitor)).status).to.equal(200);
    expect(await send(good)).to.equal(200);
  });
});
