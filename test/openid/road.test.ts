import { expect } from 'chai';
import * as oidc from 'openid-client';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { answerEmail } from '../support/links.ts';
import { signIn, Visitor } from '../support/visitor.ts';

describe('the main road', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());

  it('leads from a password and a code to tokens, claims, a refresh and the second application, which asks for an address and nothing else', async () => {
    const visitor = new Visitor(app.issuer);
    const messagerie = await createTestClient(app.issuer, 'messagerie');
    const authorization = await messagerie.authorize();
    const back = await signIn(app, visitor, authorization.url, { email: 'camille@example.test' });
    const tokens = await messagerie.exchange(authorization, back.headers.get('location') as string);

    const claims = tokens.claims();
    expect(claims).to.include({ acr: 'urn:caducee:acr:2sv-email' });
    expect(claims?.amr).to.deep.equal(['pwd', 'email']);
    expect(claims?.auth_time).to.be.a('number');
    const userinfo = await oidc.fetchUserInfo(
      messagerie.configuration,
      tokens.access_token,
      claims?.sub as string,
    );
    expect(userinfo).to.include({
      given_name: 'Camille',
      email: 'camille@example.test',
      email_verified: true,
      rpps: '99700900048',
    });
    expect(userinfo.sub).not.to.contain('99700900048');

    const refreshed = await oidc.refreshTokenGrant(messagerie.configuration, tokens.refresh_token as string);
    expect(refreshed.refresh_token).to.be.a('string').and.not.to.equal(tokens.refresh_token);

    const laboratoire = await createTestClient(app.issuer, 'laboratoire');
    const second = await laboratoire.authorize();
    const straight = await answerEmail(visitor, await visitor.get(second.url), 'camille@example.test');
    expect(straight.headers.get('location')).to.match(/^http:\/\/localhost:4002\/callback\?code=/);
    const others = await laboratoire.exchange(second, straight.headers.get('location') as string);
    expect(others.claims()?.sub).to.equal(claims?.sub);
  });
});
