import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';
import { addTotp, forgetFactors } from '../support/factors.ts';
import { trusting } from '../support/trust.ts';

const PASSWORD = 'demo-caducee-2026';
const CAMILLE = 'camille@example.test';
const BOX = 'Faire confiance à cet appareil pendant 30 jours';

describe('trusted devices in a browser', function () {
  this.timeout(60_000);
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(async () => {
    await app.close();
    await closeBrowser();
  });
  beforeEach(() => forgetFactors(app));

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

  /** Each page must be accessible and must not scroll sideways. */
  async function see(page: Page, heading: string): Promise<void> {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await expectAccessible(page);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow, `${page.url()} scrolls sideways`).to.be.at.most(0);
  }

  async function typePassword(page: Page): Promise<void> {
    await page.goto(`${app.issuer}/connexion`);
    await page.getByLabel('Email').fill(CAMILLE);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await press(page, 'Connectez-vous');
  }

  async function leave(page: Page): Promise<void> {
    await page.getByRole('link', { name: 'Se déconnecter' }).click();
    await press(page, 'Me déconnecter');
    await page.getByText('Vous êtes déconnecté').first().waitFor();
  }

  for (const [what, options] of [
    ['on a desk', {}],
    [
      'without JavaScript, in dark colours and at 320 px',
      { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } },
    ],
  ] as [string, PageOptions][])
    it(`one trusts it, signs in by the password alone, and takes it back, ${what}`, async () => {
      await trusting(app, CAMILLE);
      const page = await newPage(options);
      const sent = app.codesTo(CAMILLE);
      await typePassword(page);
      await see(page, 'Un code vous attend');
      const code = await app.waitForCode(CAMILLE, sent);
      await page.getByLabel(BOX).check();
      await page.getByLabel('Saisissez le code reçu').fill('0000');
      await press(page, 'Valider mon code à usage unique');
      await see(page, 'Un code vous attend');
      expect(await page.getByLabel(BOX).isChecked()).to.equal(true);
      await page.getByLabel('Saisissez le code reçu').fill(code);
      await press(page, 'Valider mon code à usage unique');
      await see(page, 'Bonjour Camille');
      await leave(page);

      await typePassword(page);
      await see(page, 'Bonjour Camille');
      expect(app.codesTo(CAMILLE), 'no other code').to.equal(sent + 1);
      await page.getByRole('link', { name: 'Authentification forte' }).click();
      await page.getByText('2 appareils enregistrés').waitFor();
      await page.getByRole('link', { name: 'Gérer les appareils' }).click();
      await see(page, 'Appareils de confiance');
      await page.getByText('cet appareil', { exact: true }).waitFor();
      await press(page, 'Retirer Chrome, Linux');
      await page.getByText("L'appareil est retiré").waitFor();
      await see(page, 'Appareils de confiance');
      await press(page, 'Retirer Appareil inconnu');
      await page.getByText("Aucun appareil n'est de confiance").waitFor();
      await see(page, 'Appareils de confiance');

      await page.getByRole('link', { name: 'Retour' }).click();
      await page.getByText('0 appareil enregistré').waitFor();
      await page.goto(app.issuer);
      await leave(page);
      await typePassword(page);
      await see(page, 'Un code vous attend');
    });

  it('one sees the box under the code of an authenticator application, and removes all devices', async () => {
    for (let other = 0; other < 2; other += 1) await trusting(app, CAMILLE);
    const visitor = await trusting(app, CAMILLE);
    const page = await newPage({ width: 320, height: 640 });
    for (const { key, value } of await visitor.jar.getCookies(app.issuer))
      await page.context().addCookies([{ name: key, value, url: app.issuer }]);
    await typePassword(page);
    await see(page, 'Bonjour Camille');
    await page.goto(`${app.issuer}/mon-compte/authentification-forte/appareils`);
    await see(page, 'Appareils de confiance');
    await press(page, 'Retirer tous les appareils');
    await page.getByText("Plus aucun appareil n'est de confiance").waitFor();
    await page.goto(app.issuer);
    await leave(page);

    await addTotp(app, CAMILLE);
    await typePassword(page);
    await see(page, 'Saisissez le code de votre application');
    expect(await page.getByLabel(BOX).isChecked()).to.equal(false);
  });
});
