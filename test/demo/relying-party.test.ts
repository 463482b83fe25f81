import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Provider } from 'oidc-provider';
import type { Page } from 'playwright-core';
import { type RelyingParty, relyingPartyUrls, startRelyingParty } from '../../demo/relying-party.ts';
import { closeBrowser, expectAccessible, newPage } from '../support/browser.ts';

describe('demo relying party', function () {
  this.timeout(60_000);
  let issuer: string;
  let authority: Server;
  let party: RelyingParty;
  let page: Page;
  let verdict: 'sign in' | 'refuse';
  /** Holds the token endpoint's next answer, when set. */
  let gate: (() => Promise<void>) | undefined;
  let release = () => {};

  before(async () => {
    authority = createServer();
    await new Promise<void>((done) => authority.listen(0, '127.0.0.1', done));
    issuer = `http://localhost:${(authority.address() as AddressInfo).port}`;
    party = await startRelyingParty({
      port: 0,
      name: 'Messagerie',
      tagline: 'Les messages de mes confrères',
      issuer,
      clientId: 'messagerie',
      clientSecret: 'un secret: 100 % + / =',
      scope: 'openid profile',
    });
    authority.on(
      'request',
      answers(
        issuer,
        party.url,
        () => verdict,
        async () => gate?.(),
      ),
    );
  });
  after(async () => {
    await closeBrowser();
    await party.close();
    authority.closeAllConnections();
    await new Promise((done) => authority.close(done));
  });
  beforeEach(async () => {
    verdict = 'sign in';
    page = await newPage({ width: 320 });
    page.setDefaultTimeout(5000);
  });
  afterEach(async () => await page.context().close());

  const signIn = async () => {
    await page.goto(party.url);
    await page.getByRole('link', { name: 'Se connecter avec Caducée' }).click();
    await page.getByRole('heading', { name: 'Bonjour Camille Été' }).waitFor();
  };
  const heading = async () => await page.getByRole('heading', { level: 1 }).textContent();
  const width = async () => await page.evaluate<number>('document.documentElement.scrollWidth');

  it('signs in, shows both sets of claims, refreshes, signs out', async () => {
    await page.goto(party.url);
    await expectAccessible(page);
    expect((await page.request.get(`${party.url}/claims.json`)).status()).to.equal(401);
    await signIn();
    await expectAccessible(page);
    expect(await width()).to.equal(320);
    expect(await page.getByRole('table').count()).to.equal(2);

    const { id_token, userinfo } = await (await page.request.get(`${party.url}/claims.json`)).json();
    expect(id_token).to.include({ iss: issuer, aud: 'messagerie', sub: 'camille' });
    expect(userinfo).to.include({ sub: 'camille', given_name: 'Camille' });

    await page.getByRole('button', { name: 'Actualiser les jetons' }).click();
    const status = await page.getByRole('status').textContent();
    expect(status).to.match(/actualisés 1 fois.*le jeton d’actualisation a changé/s);

    await page.getByRole('button', { name: 'Se déconnecter' }).click();
    await page.getByRole('link', { name: 'Se connecter avec Caducée' }).waitFor();
    expect(page.url()).to.equal(relyingPartyUrls(party.url).postLogoutRedirectUri);
  });

  it('takes two clicks on refresh for one', async () => {
    await signIn();
    const claims = async () => (await page.request.get(`${party.url}/claims.json`)).json();
    const asked = new Promise<void>((arrived) => {
      gate = () => {
        arrived();
        return new Promise((open) => {
          release = open;
        });
      };
    });
    const posts = [page.request.post(`${party.url}/refresh`)];
    await asked;
    gate = undefined;
    posts.push(page.request.post(`${party.url}/refresh`));
    // The second click is there by the time that later requests were answered.
    for (let later = 0; later < 3; later += 1) await claims();
    release();
    for (const answer of await Promise.all(posts)) expect(answer.status()).to.equal(200);
    expect(await claims()).to.include({ refreshes: 1 });
  });

  it('explains a refusal, an answer used twice, and an answer to nothing', async () => {
    verdict = 'refuse';
    await page.goto(`${party.url}/login`);
    expect(await heading()).to.equal('Connexion refusée');
    await expectAccessible(page);

    verdict = 'sign in';
    let callback = '';
    page.on('request', (request) => {
      if (request.url().includes('/callback')) callback = request.url();
    });
    await page.getByRole('link', { name: 'Recommencer la connexion' }).click();
    await page.getByRole('heading', { name: 'Bonjour Camille Été' }).waitFor();
    for (const url of [callback, `${party.url}/callback?state=x&code=y`, `${party.url}/callback`]) {
      expect((await page.goto(url))!.status()).to.equal(400);
      expect(await heading()).to.equal('Cette connexion a expiré ou a déjà servi');
    }
    await page.getByRole('link', { name: 'Retour à l’accueil' }).click();
    expect(await heading()).to.equal('Bonjour Camille Été');
  });

  it('is signed in from the portal of its own provider only', async () => {
    await page.goto(`${party.url}/login?iss=${encodeURIComponent('https://evil.example')}`);
    expect(await heading()).to.equal('Fournisseur d’identité inconnu');
    await page.goto(`${party.url}/login?iss=${encodeURIComponent(issuer)}&login_hint=camille%40example.test`);
    expect(await heading()).to.equal('Bonjour Camille Été');
  });

  it('says so when it asks for no page and nobody is signed in', async () => {
    await page.goto(`${party.url}/login?prompt=none`);
    expect(await heading()).to.equal('Connexion nécessaire');
  });

  it('changes its session at sign-in, and refuses foreign forms', async () => {
    await page.goto(`${party.url}/login?prompt=none`);
    const id = async () =>
      (await page.context().cookies(party.url)).find(({ name }) => name.startsWith('rp_'))!.value;
    const before = await id();
    await signIn();
    expect(await id()).not.to.equal(before);
    const headers = { Origin: 'http://evil.example' };
    expect((await page.request.post(`${party.url}/logout`, { headers })).status()).to.equal(403);
    expect((await page.request.get(`${party.url}/claims.json`)).status()).to.equal(200);
  });

  it('says that its provider does not answer, without a trace of code', async () => {
    const lonely = await startRelyingParty({
      port: 0,
      name: 'Laboratoire',
      tagline: 'Mes résultats',
      issuer: 'http://localhost:1',
      clientId: 'x',
      scope: 'openid',
    });
    try {
      expect((await page.goto(`${lonely.url}/login`))!.status()).to.equal(503);
      expect(await heading()).to.equal('Caducée ne répond pas');
      expect(await page.content()).not.to.include('.ts:');
    } finally {
      await lonely.close();
    }
  });
});

/** The least provider there can be: it signs Camille in, or refuses, without a page. */
function answers(
  issuer: string,
  party: string,
  verdict: () => 'sign in' | 'refuse',
  tokenGate: () => Promise<void>,
) {
  const urls = relyingPartyUrls(party);
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'messagerie',
        client_secret: 'un secret: 100 % + / =',
        redirect_uris: [urls.redirectUri],
        post_logout_redirect_uris: [urls.postLogoutRedirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    cookies: { keys: ['test'] },
    claims: { openid: ['sub'], profile: ['given_name', 'family_name'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          ctx.body = `${form.replace('</form>', '<input name="logout" value="yes"></form>')}<script>document.forms[0].submit()</script>`;
        },
      },
    },
    renderError(ctx, out) {
      ctx.body = JSON.stringify(out);
    },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, given_name: 'Camille', family_name: 'Été', updated_at: 1_700_000_000 }),
    }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        accountId: ctx.oidc.session!.accountId!,
        clientId: ctx.oidc.client!.clientId,
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  });
  provider.use(async (ctx, next) => {
    if (ctx.path === '/token') await tokenGate();
    if (!ctx.path.startsWith('/interaction/')) return next();
    const result =
      verdict() === 'refuse'
        ? { error: 'access_denied', error_description: 'The person said no' }
        : { login: { accountId: 'camille' } };
    ctx.status = 303;
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
  });
  return provider.callback();
}
