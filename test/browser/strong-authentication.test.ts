import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';

const PASSWORD = 'demo-caducee-2026';
const CAMILLE = 'camille@example.test';
const NEW = '+33639980041';

describe('strong authentication in a browser', function () {
  this.timeout(60_000);
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());
  after(() => closeBrowser());

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

  async function typePassword(page: Page): Promise<void> {
    await page.getByLabel('Email').fill(CAMILLE);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await press(page, 'Connectez-vous');
  }

  for (const [what, options] of [
    ['on a desk', {}],
    [
      'without JavaScript, in dark colours and at 320 px',
      { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } },
    ],
  ] as [string, PageOptions][])
    it(`one adds a phone, proposes it first, gives the code by e-mail up and removes it, ${what}`, async () => {
      const page = await newPage(options);
      await page.goto(`${app.issuer}/connexion`);
      await typePassword(page);
      await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(CAMILLE));
      await press(page, 'Valider mon code à usage unique');
      await see(page, 'Bonjour Camille');
      await page.getByRole('link', { name: 'Authentification forte' }).click();
      await see(page, 'Authentification forte');
      await page.getByRole('heading', { name: "Ajoutez une clé d'accès" }).waitFor();

      await page.getByRole('link', { name: 'Téléphones' }).click();
      await see(page, 'Téléphones');
      await page.getByLabel('Numéro de téléphone mobile').fill('06 39');
      await press(page, 'Recevoir un code');
      await see(page, 'Téléphones');
      await page.getByLabel('Numéro de téléphone mobile').fill('06 39 98 00 41');
      await press(page, 'Recevoir un code');
      await see(page, 'Vérifiez ce numéro');
      await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(NEW));
      await press(page, 'Vérifier');
      await page.getByText('Le +33 6 39 98 00 41 est vérifié').waitFor();
      await see(page, 'Téléphones');

      await page.getByRole('link', { name: 'Retour' }).click();
      await see(page, 'Authentification forte');
      await page.getByRole('radio', { name: /^Par SMS/ }).check();
      await press(page, 'Enregistrer');
      await page.getByText('le code par SMS vous sera proposé en premier').waitFor();
      await page.getByLabel('Ne plus accepter le code par e-mail').check();
      await press(page, 'Enregistrer (code par e-mail)');
      await page.getByText("le code par e-mail n'ouvre plus votre compte").waitFor();
      await see(page, 'Authentification forte');

      const sent = app.codesTo(NEW);
      await page.goto(`${app.issuer}/connexion?vers=telephones`);
      await typePassword(page);
      await page.getByText("Nous l'avons envoyé par SMS").waitFor();
      await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(NEW, sent));
      await press(page, 'Valider mon code à usage unique');
      await see(page, 'Téléphones');
      await page.getByRole('link', { name: 'Retirer +33 6 39 98 00 41' }).click();
      await see(page, 'Retirer ce numéro ?');
      await press(page, 'Retirer ce numéro');
      await page.getByText('Le +33 6 39 98 00 41 est retiré').waitFor();
      await see(page, 'Téléphones');
    });

  it('one whose account is not enough sets it up and comes back', async () => {
    const page = await newPage({ width: 320, height: 640 });
    await page.goto(`${app.issuer}/connexion`);
    await typePassword(page);
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(CAMILLE));
    await press(page, 'Valider mon code à usage unique');
    await see(page, 'Bonjour Camille');
    await page.goto(`${app.issuer}/connexion?pour=authentification-forte`);
    await see(page, 'Votre compte ne suffit pas ici');
    await page.getByRole('link', { name: 'Authentification forte' }).click();
    await see(page, 'Authentification forte');
    await page.getByRole('link', { name: 'Téléphones' }).click();
    await page.getByLabel('Numéro de téléphone mobile').fill(NEW);
    await press(page, 'Recevoir un code');
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(NEW));
    await press(page, 'Vérifier');
    await see(page, 'Téléphones');
    await page.getByRole('link', { name: 'Continuer' }).click();
    await see(page, "Comment confirmer que c'est vous ?");
    const sent = app.codesTo(NEW);
    await page.getByRole('radio', { name: /^Par SMS/ }).check();
    await press(page, 'Continuer');
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(NEW, sent));
    await press(page, 'Valider mon code à usage unique');
    await see(page, 'Authentification forte');
  });
});
