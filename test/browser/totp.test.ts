import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';
import { totpAt } from '../support/totp.ts';

const TOTP = '/mon-compte/authentification-forte/application';
const HEADING = "Application d'authentification";

describe('an authenticator application in a browser', function () {
  this.timeout(60_000);
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(async () => {
    await app.close();
    await closeBrowser();
  });

  const toNextStep = () => app.clock.advance(30_000 - (app.clock.now().getTime() % 30_000) + 100);
  const codeOf = (seed: string, away = 0) => totpAt(seed, app.clock.now().getTime() / 1000 + away * 30);

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

  async function typePassword(page: Page, email: string): Promise<void> {
    await see(page, 'Connectez-vous');
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Mot de passe', { exact: true }).fill(DEMO_PASSWORD);
    await press(page, 'Connectez-vous');
  }

  async function typeCode(page: Page, codeTo: string, before: number): Promise<void> {
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(codeTo, before));
    await press(page, 'Valider mon code à usage unique');
  }

  const WAYS: readonly [how: string, options: PageOptions, email: string, codeTo: string, hello: string][] = [
    ['on a desk', {}, 'camille@example.test', 'camille@example.test', 'Bonjour Camille'],
    [
      'on a phone of 320 px, in dark colours and without JavaScript',
      { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } },
      'dominique@example.test',
      '+33639980007',
      'Bonjour Dominique',
    ],
  ];
  for (const [how, options, email, codeTo, hello] of WAYS) {
    it(`is set up from its typed key, then signs in, is replaced and removed, ${how}`, async () => {
      const page = await newPage(options);
      const before = app.codesTo(codeTo);
      await page.goto(`${app.issuer}${TOTP}`);
      await typePassword(page, email);
      await typeCode(page, codeTo, before);

      await see(page, HEADING);
      await press(page, 'Ajouter une application');
      await see(page, "Ajouter une application d'authentification");
      await page.getByRole('img', { name: /^QR code à photographier/ }).waitFor();
      const link = page.getByRole('link', { name: 'Ouvrir dans mon application' });
      const readSeed = async () =>
        ((await page.getByRole('group', { name: 'Clé à recopier' }).textContent()) ?? '').replace(/\s/g, '');
      const seed = await readSeed();
      expect(await link.getAttribute('href')).to.contain(`secret=${seed}`);
      const box = page.getByLabel('Saisissez le code affiché');
      // Of long ago, and none of those around now.
      const near = [-1, 0, 1].map((away) => codeOf(seed, away));
      await box.fill([codeOf(seed, -100), codeOf(seed, -101)].find((code) => !near.includes(code)) as string);
      await press(page, 'Activer');
      await see(page, "Ajouter une application d'authentification");
      expect(await box.getAttribute('aria-invalid')).to.equal('true');
      expect(await readSeed(), 'the same key').to.equal(seed);
      toNextStep();
      await box.fill(codeOf(seed));
      await press(page, 'Activer');
      await page.getByText("Votre application d'authentification est en place.").waitFor();
      await see(page, HEADING);
      expect(await page.content()).not.to.contain(seed);

      await page.getByRole('link', { name: 'Se déconnecter' }).click();
      await press(page, 'Me déconnecter');
      toNextStep();
      await page.goto(`${app.issuer}/connexion`);
      await typePassword(page, email);
      if (codeTo !== email) {
        // The SMS stays the way that they chose once.
        const other = page.getByRole('link', { name: 'Recevoir le code autrement' });
        await other.click();
        await page.getByRole('radio', { name: HEADING }).check();
        await press(page, 'Continuer');
      }
      await see(page, 'Saisissez le code de votre application');
      const step = page.getByLabel("Code de l'application");
      await step.fill('12 34');
      await press(page, 'Valider mon code à usage unique');
      await see(page, 'Saisissez le code de votre application');
      expect(await step.getAttribute('aria-invalid')).to.equal('true');
      await page.getByRole('link', { name: 'Utiliser un autre moyen' }).click();
      await see(page, /Comment confirmer/);
      await page.getByRole('link', { name: 'Retour' }).click();
      const code = codeOf(seed);
      await step.fill(`${code.slice(0, 3)} ${code.slice(3)}`);
      await press(page, 'Valider mon code à usage unique');
      await see(page, hello);

      await page.goto(`${app.issuer}${TOTP}`);
      await page.getByText(/Dernière utilisation le/).waitFor();
      await press(page, "Remplacer l'application");
      await page
        .getByText("L'application que vous aviez sert jusqu'à ce que la nouvelle soit activée.")
        .waitFor();
      await see(page, "Ajouter une application d'authentification");
      await page.getByRole('link', { name: 'Retour' }).click();
      await page.getByRole('link', { name: /^Retirer/ }).click();
      await see(page, "Retirer l'application d'authentification ?");
      await press(page, 'Retirer');
      await page.getByText("L'application d'authentification est retirée.").waitFor();
      await see(page, HEADING);
    });
  }
});
