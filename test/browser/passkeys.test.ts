import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';
import { type Authorization, createTestClient, type TestClient } from '../support/client.ts';
import { forgetFactors } from '../support/factors.ts';

const PASSWORD = 'demo-caducee-2026';
const CAMILLE = 'camille@example.test';

describe('passkeys in a browser', function () {
  this.timeout(60_000);
  let app: TestApp;
  let application: Server;
  let client: TestClient;
  before(async () => {
    application = createServer((_request, response) => response.end('signed in')).listen(0, '127.0.0.1');
    await once(application, 'listening');
    const url = `http://localhost:${(application.address() as AddressInfo).port}`;
    app = await startTestApp({ applicationUrl: () => url });
    client = await createTestClient(app.issuer, 'messagerie', { redirectUri: `${url}/callback` });
  });
  after(async () => {
    await app.close();
    await closeBrowser();
    application.close();
  });
  beforeEach(() => forgetFactors(app));

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

  /** Each page must be accessible and must not scroll sideways. */
  async function see(page: Page, heading: string | RegExp): Promise<void> {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await expectAccessible(page);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow, `${page.url()} scrolls sideways`).to.be.at.most(0);
  }

  /** A page of a browser that has an authenticator. */
  async function open(options: PageOptions & { hasUserVerification?: boolean; hasAutofill?: boolean } = {}) {
    const page = await newPage(options);
    // Where it has it, the authenticator answers as soon as the page asks.
    if (!options.hasAutofill)
      await page.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = async () => false');
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: options.hasUserVerification === false ? 'usb' : 'internal',
        hasResidentKey: options.hasUserVerification !== false,
        hasUserVerification: options.hasUserVerification !== false,
        isUserVerified: options.hasUserVerification !== false,
        automaticPresenceSimulation: true,
      },
    });
    return page;
  }

  async function enterPassword(page: Page): Promise<void> {
    await page.getByLabel('Email').fill(CAMILLE);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await press(page, 'Connectez-vous');
  }

  /** Signs in by e-mail code and adds a passkey of this name. */
  async function addPasskey(page: Page, name: string): Promise<void> {
    await page.goto(`${app.issuer}/mon-compte/authentification-forte/cles-d-acces`);
    const before = app.codesTo(CAMILLE);
    await enterPassword(page);
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(CAMILLE, before));
    await press(page, 'Valider mon code à usage unique');
    await see(page, "Clés d'accès");
    await page.getByLabel('Nom de la clé').fill(name);
    await press(page, "Ajouter une clé d'accès");
    await page.getByText(`La clé d'accès « ${name} » est en place.`).waitFor();
    await see(page, "Clés d'accès");
  }

  const signOut = (page: Page) => page.context().clearCookies();

  /** The ID token of a sign-in that `act` makes from the application's first page. */
  async function claimsOf(page: Page, act: () => Promise<void>) {
    const authorization: Authorization = await client.authorize();
    await page.goto(authorization.url);
    await act();
    await page.waitForURL(`${client.redirectUri}*`);
    return (await client.exchange(authorization, page.url())).claims();
  }

  it('are not made before they have a name', async () => {
    const page = await open();
    await page.addInitScript(
      `globalThis.made = 0;
       const create = navigator.credentials.create.bind(navigator.credentials);
       navigator.credentials.create = (options) => { globalThis.made += 1; return create(options); };`,
    );
    await addPasskey(page, 'Première');
    await page.getByLabel('Nom de la clé').fill('  ');
    await page.evaluate(
      "addEventListener('pagehide', () => sessionStorage.setItem('made', globalThis.made))",
    );
    await press(page, "Ajouter une clé d'accès");
    await page.getByRole('link', { name: 'Donnez un nom à cette clé.' }).waitFor();
    expect(await page.evaluate("sessionStorage.getItem('made')")).to.equal('0');
  });

  for (const width of [1280, 320]) {
    it(`are added, then open the account alone, and after the password, at ${width} pixels`, async () => {
      const page = await open({ width });
      await addPasskey(page, 'Ordinateur du cabinet');
      const mail = await app.waitForMessage(CAMILLE, { after: 1 });
      expect(mail.subject).to.equal("Une clé d'accès a été ajoutée à votre compte");
      expect(mail.text).to.include('Son nom\u00a0: «\u00a0Ordinateur du cabinet\u00a0».');

      await signOut(page);
      const alone = await claimsOf(page, async () => {
        await see(page, 'Connectez-vous');
        await press(page, "Se connecter avec une clé d'accès");
      });
      expect(alone?.acr).to.equal('urn:caducee:acr:2fa-phr');
      expect(alone?.amr).to.deep.equal(['pop', 'user', 'mfa']);

      await signOut(page);
      const second = await claimsOf(page, async () => {
        await enterPassword(page);
        await see(page, "Confirmez avec votre clé d'accès");
        await press(page, "Utiliser ma clé d'accès");
      });
      expect(second?.acr).to.equal('urn:caducee:acr:2fa-phr');
      expect(second?.amr).to.deep.equal(['pwd', 'pop', 'user', 'mfa']);
      await page.context().close();
    });
  }

  it('that do not verify their user are a second factor, not the whole sign-in', async () => {
    const page = await open({ hasUserVerification: false });
    await addPasskey(page, 'Clé USB');
    await signOut(page);
    const claims = await claimsOf(page, async () => {
      await press(page, "Se connecter avec une clé d'accès");
      await page.getByText("Rien n'a été confirmé", { exact: false }).waitFor();
      await enterPassword(page);
      await press(page, "Utiliser ma clé d'accès");
    });
    expect(claims?.amr).to.deep.equal(['pwd', 'pop', 'user', 'mfa']);
    await page.context().close();
  });

  it('wait for one answer however often the button is pressed, then say what did not come', async () => {
    const page = await open();
    await page.goto(`${app.issuer}/connexion`);
    const button = page.getByRole('button', { name: "Se connecter avec une clé d'accès" });
    const said = page.locator('[data-passkey-said]');
    // A ceremony that nobody answers, ended from the page as a person who cancels ends it.
    await page.evaluate(`navigator.credentials.get = ({ signal }) => new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      window.cancel = () => reject(new DOMException('', 'NotAllowedError'));
    })`);
    await button.click();
    await button.click();
    expect(await said.textContent()).to.equal('');
    await page.evaluate('cancel()');
    await page.getByText("Rien n'a été confirmé", { exact: false }).waitFor();
    await expectAccessible(page);
    await page.context().close();
  });

  it('are renamed and removed by their owner, and the other ways remain', async () => {
    const page = await open();
    await addPasskey(page, 'Téléphone');
    await page.getByRole('link', { name: 'Renommer Téléphone' }).click();
    await see(page, "Renommer cette clé d'accès");
    await page.getByLabel('Nom de la clé').fill('Vieux téléphone');
    await press(page, 'Enregistrer');
    await page.getByRole('link', { name: 'Retirer Vieux téléphone' }).click();
    await see(page, "Retirer cette clé d'accès ?");
    await press(page, 'Retirer');
    await page.getByText("La clé d'accès « Vieux téléphone » est retirée.").waitFor();
    await signOut(page);
    await page.goto(`${app.issuer}/connexion`);
    await press(page, "Se connecter avec une clé d'accès");
    await page.getByText("n'est pas connue ici", { exact: false }).waitFor();
    await enterPassword(page);

    await see(page, /code/i);
    await page.context().close();
  });

  it('are proposed in the list of the address field, where the browser does so', async () => {
    const page = await open({ hasAutofill: true });
    await addPasskey(page, 'Ordinateur');
    await signOut(page);
    const claims = await claimsOf(page, async () => undefined);
    expect(claims?.amr).to.deep.equal(['pop', 'user', 'mfa']);
    await page.context().close();
  });

  it('are not proposed where the page has no scripts, which says so', async () => {
    const page = await newPage({ javaScript: false });
    await page.goto(`${app.issuer}/connexion`);
    await see(page, 'Connectez-vous');
    expect(
      await page.getByRole('button', { name: "Se connecter avec une clé d'accès" }).isVisible(),
    ).to.equal(false);
    await page.context().close();
  });
});
