import { expect } from 'chai';
import * as oidc from 'openid-client';
import { DEMO_APPLICATIONS } from '../../seeds/demo/applications.ts';
import { findSignInByEmail } from '../../src/accounts/principals.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { linkEmail } from '../support/links.ts';
import { signIn, Visitor } from '../support/visitor.ts';

const AT_ONCE = 20;
const [demo] = DEMO_APPLICATIONS;
const basic = `Basic ${btoa(`${demo?.clientId}:${demo?.secret}`)}`;

describe('one-time values on two nodes', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());

  const tokenRequest = (body: Record<string, string>) =>
    fetch(`${app.issuer}/token`, {
      method: 'POST',
      headers: { authorization: basic, connection: 'close' },
      body: new URLSearchParams(body),
    }).then(async (response) => ({
      status: response.status,
      body: (await response.json()) as Record<string, string>,
    }));

  /** What the journal says of replays since the last call, as `kind` and application. */
  let replaysSeen = 0;
  async function newReplays(): Promise<{ kind: string; application: string }[]> {
    const rows = await app.database.knex('journal').where({ event: 'token.replayed' }).orderBy('seq');
    const fresh = rows.slice(replaysSeen).map(({ entry }) => JSON.parse(entry));
    replaysSeen = rows.length;
    const camille = await findSignInByEmail(app.database.knex, 'camille@example.test');
    for (const { subject } of fresh) expect(subject).to.equal(camille?.id);
    return fresh.map(({ details }) => details);
  }

  async function newCode(visitor = new Visitor(app.issuer)) {
    const authorization = await client.authorize();
    const here = await visitor.get(authorization.url);
    const back = here.headers.get('location')
      ? here
      : await signIn(app, visitor, authorization.url, { email: 'camille@example.test' });
    const location = back.headers.get('location') as string;
    return { authorization, location, code: new URL(location).searchParams.get('code') as string };
  }

  const redeem = (code: string, verifier: string) =>
    tokenRequest({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
    });

  const refresh = (token: string) => tokenRequest({ grant_type: 'refresh_token', refresh_token: token });

  it(`give one token set for ${AT_ONCE} exchanges of one code at once`, async () => {
    const { code, authorization } = await newCode();
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => redeem(code, authorization.verifier)),
    );
    const won = answers.filter(({ status }) => status === 200);
    const lost = answers.filter(({ status }) => status !== 200);
    expect(won).to.have.length(1);
    expect(lost.map(({ status, body }) => `${status} ${body.error}`)).to.deep.equal(
      Array(AT_ONCE - 1).fill('400 invalid_grant'),
    );
    expect(lost.some(({ body }) => 'access_token' in body)).to.equal(false);
    expect((await newReplays())[0]).to.deep.equal({ kind: 'AuthorizationCode', application: 'messagerie' });
  });

  it(`give one token set for ${AT_ONCE} uses of one refresh token at once`, async () => {
    const { authorization, location } = await newCode();
    const tokens = await client.exchange(authorization, location);
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => refresh(tokens.refresh_token as string)),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    const count = await app.database
      .knex('oidc_payloads')
      .where({ model: 'RefreshToken' })
      .whereNull('consumed_at');
    expect(count, 'no refresh token of a loser was stored').to.have.length.at.most(1);
    expect((await newReplays())[0]).to.deep.equal({ kind: 'RefreshToken', application: 'messagerie' });
  });

  it('revoke the whole family when a rotated refresh token comes back', async () => {
    const { authorization, location } = await newCode();
    const first = await client.exchange(authorization, location);
    const second = await oidc.refreshTokenGrant(client.configuration, first.refresh_token as string);
    const userinfo = () =>
      fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${second.access_token}` } });
    expect((await userinfo()).status).to.equal(200);

    expect((await refresh(first.refresh_token as string)).body.error).to.equal('invalid_grant');
    expect((await refresh(second.refresh_token as string)).body.error).to.equal('invalid_grant');
    expect((await userinfo()).status).to.equal(401);
    expect(await newReplays()).to.deep.equal([{ kind: 'RefreshToken', application: 'messagerie' }]);
  });

  it('revoke what a code gave when the code comes back', async () => {
    const { authorization, location, code } = await newCode();
    const tokens = await client.exchange(authorization, location);
    expect((await redeem(code, authorization.verifier)).body.error).to.equal('invalid_grant');
    expect((await refresh(tokens.refresh_token as string)).body.error).to.equal('invalid_grant');
    expect(await newReplays()).to.deep.equal([{ kind: 'AuthorizationCode', application: 'messagerie' }]);
  });

  it('keep both applications in the session when they are authorised at the same moment', async () => {
    const laboratoire = await createTestClient(app.issuer, 'laboratoire');
    await linkEmail(app, 'laboratoire', 'camille@example.test');
    for (let round = 0; round < 5; round += 1) {
      const visitor = new Visitor(app.issuer);
      const { authorization: warm, location: warmLocation } = await newCode(visitor);
      await client.exchange(warm, warmLocation);
      await app.database.knex('oidc_payloads').where({ model: 'Grant' }).delete();

      const [one, two] = [await client.authorize(), await laboratoire.authorize()];
      const [first, second] = await Promise.all([visitor.request(one.url), visitor.request(two.url)]);
      const tokens = await Promise.all([
        client.exchange(one, first.headers.get('location') as string),
        laboratoire.exchange(two, second.headers.get('location') as string),
      ]);
      for (const { access_token: token } of tokens) {
        const answer = await fetch(`${app.issuer}/userinfo`, {
          headers: { authorization: `Bearer ${token}` },
        });
        expect(answer.status, 'the session still knows this application').to.equal(200);
      }
    }
  });

  it('keep two tabs of one application alive when they are authorised at the same moment', async () => {
    const visitor = new Visitor(app.issuer);
    await newCode(visitor);
    const tabs = await Promise.all(Array.from({ length: 4 }, () => client.authorize()));
    const pages = await Promise.all(tabs.map((tab) => visitor.request(tab.url)));
    const tokens = await Promise.all(
      tabs.map((tab, index) => client.exchange(tab, pages[index]?.headers.get('location') as string)),
    );
    for (const { access_token: token } of tokens) {
      const answer = await fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status).to.equal(200);
    }
  });

  it('accept one of ten uses of one DPoP proof at once (RFC 9449 §11.1)', async () => {
    const { authorization, location } = await newCode();
    const handle = oidc.getDPoPHandle(client.configuration, await oidc.randomDPoPKeyPair('ES256'));
    const tokens = await oidc.authorizationCodeGrant(
      client.configuration,
      new URL(location),
      {
        pkceCodeVerifier: authorization.verifier,
        expectedState: authorization.state,
        expectedNonce: authorization.nonce,
      },
      undefined,
      { DPoP: handle },
    );
    const bound = await oidc.refreshTokenGrant(
      client.configuration,
      tokens.refresh_token as string,
      undefined,
      {
        DPoP: handle,
      },
    );
    expect(bound.token_type).to.equal('dpop');

    const { serverMetadata, clientMetadata } = {
      serverMetadata: client.configuration.serverMetadata(),
      clientMetadata: client.configuration.clientMetadata(),
    };
    const tenfold = new oidc.Configuration(serverMetadata, clientMetadata.client_id);
    oidc.allowInsecureRequests(tenfold);
    let statuses: number[] = [];
    tenfold[oidc.customFetch] = async (url, options) => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(url, options as RequestInit)));
      statuses = answers.map(({ status }) => status);
      return answers.find(({ status }) => status === 200) ?? (answers[0] as Response);
    };
    await oidc.fetchUserInfo(tenfold, bound.access_token, oidc.skipSubjectCheck, { DPoP: handle });
    expect(statuses.filter((status) => status === 200)).to.have.length(1);
    expect(statuses.filter((status) => status >= 500)).to.have.length(0);
  });
});
