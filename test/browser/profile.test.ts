import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { seedDirectory } from '../../seeds/demo/seed.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';
import { createTestClient } from '../support/client.ts';

const PASSWORD = 'demo-caducee-2026';
const CAMILLE = 'camille@example.test';
const ADMIN = 'admin@example.test';
const ADMIN_PHONE = '+33639980099';
const NARROW = { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } } as const;

describe('profile, data and closing in a browser', function () {
  this.timeout(120_000);
  let app: TestApp;
  let application: Server;
  let redirectUri: string;
  before(async () => {
    // Where « Messagerie » runs: whatever comes back there is read from the address bar.
    application = createServer((_request, response) => response.end('retour'));
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    redirectUri = `http://localhost:${(application.address() as AddressInfo).port}/callback`;
  });
  beforeEach(async () => {
    app = await startTestApp({ applicationUrl: () => new URL(redirectUri).origin });
    await seedDirectory(app.deps);
  });
  afterEach(() => app.close());
  after(async () => {
    await closeBrowser();
    application.closeAllConnections();
    await new Promise<void>((resolve) => application.close(() => resolve()));
  });

  const press = (page: Page, name: string | RegExp) =>
    page.getByRole('button', { name, exact: typeof name === 'string' }).click();

  /** Each page must be accessible and must not scroll sideways. */
  async function see(page: Page, heading: string | RegExp): Promise<void> {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await expectAccessible(page);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow, `${page.url()} scrolls sideways`).to.be.at.most(0);
  }

  async function prove(page: Page, email: string, codeTo = email): Promise<void> {
    await app.database.knex('throttle_counters').delete();
    const before = app.codesTo(codeTo);
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await press(page, 'Connectez-vous');
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(codeTo, before));
    await press(page, 'Valider mon code à usage unique');
  }

  async function signIn(options: PageOptions, email: string, codeTo = email): Promise<Page> {
    const page = await newPage(options);
    await page.goto(`${app.issuer}/connexion`);
    await prove(page, email, codeTo);
    return page;
  }

  /** What « Messagerie » learns of who is signed in in this browser. */
  async function claimsIn(page: Page): Promise<Record<string, unknown>> {
    const client = await createTestClient(app.issuer, 'messagerie', { redirectUri });
    const authorization = await client.authorize();
    await page.goto(authorization.url);
    await page.getByText('retour').waitFor();
    const tokens = await client.exchange(authorization, page.url());
    const answer = await fetch(`${app.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    return (await answer.json()) as Record<string, unknown>;
  }

  for (const [how, options] of [
    ['in a wide window', {}],
    ['without JavaScript, in dark colours and at 320 px', NARROW],
  ] as const) {
    it(`${how}, one edits one’s profile and workplaces, and an administrator approves`, async () => {
      const page = await signIn(options, CAMILLE);
      await page.getByRole('link', { name: 'Mon compte' }).click();
      await see(page, 'Mon profil');
      await page.getByRole('link', { name: "J'édite mon profil" }).click();
      await see(page, 'Mon profil');
      await page.getByLabel('N° RPPS').fill('99700900049');
      await press(page, 'Valider');
      await page
        .getByText(/contient une erreur de frappe/)
        .first()
        .waitFor();
      await see(page, 'Mon profil');
      await page.getByLabel('N° RPPS').fill('99700900048');
      const old = await page.getByLabel('Nom', { exact: true }).inputValue();
      await page.getByLabel('Nom', { exact: true }).fill('MARTIN-LEROY');
      await page.getByLabel('Profession').selectOption({ label: 'Sage-Femme' });
      await press(page, 'Valider');
      await page.getByText(`Nom : ${old} → MARTIN-LEROY`).waitFor();
      await page.getByText('Sage-Femme').waitFor();
      await see(page, 'Mon profil');
      expect(await claimsIn(page)).to.include({ family_name: old, profession: '50' });

      await page.goto(`${app.issuer}/mon-compte`);
      await page.getByRole('link', { name: "Modifier mes lieux d'exercice" }).click();
      await see(page, "Mes lieux d'exercice");
      const { name } = await app.database
        .knex('workplaces')
        .where({ gone: false })
        .whereNotIn('id', app.database.knex('account_workplaces').select('workplace_id'))
        .first('name');
      await page.getByLabel('Rechercher un établissement').fill(name);
      await press(page, 'Rechercher');
      await page
        .getByRole('checkbox', { name: new RegExp(name) })
        .last()
        .check();
      await see(page, "Mes lieux d'exercice");
      await press(page, 'Continuer');
      await see(page, 'Vos laboratoires');
      for (const select of await page.getByRole('combobox').all())
        await select.selectOption({ label: 'Centre des Quais' });
      await press(page, 'Terminer');
      await page.getByText("Vos lieux d'exercice sont enregistrés.").waitFor();
      await page.getByText('Laboratoire : Centre des Quais').first().waitFor();
      await see(page, 'Mon profil');

      const administrator = await signIn(options, ADMIN, ADMIN_PHONE);
      await administrator.getByRole('link', { name: 'Administration' }).click();
      await administrator.getByRole('link', { name: new RegExp(old) }).click();
      await see(administrator, /Modification du profil de/);
      await administrator.getByText('Ce qui changerait').waitFor();
      await press(administrator, 'Approuver');
      await administrator.getByText(/Demande approuvée par/).waitFor();
      await see(administrator, /Modification du profil de/);
      expect((await claimsIn(page)).family_name).to.equal('MARTIN-LEROY');
    });

    it(`${how}, one takes one’s data away, closes the account and comes back`, async () => {
      const page = await signIn(options, CAMILLE);
      await page.goto(`${app.issuer}/mon-compte`);
      await page.getByRole('link', { name: 'Mes données' }).click();
      await see(page, 'Mes données');
      const coming = page.waitForEvent('download');
      await press(page, 'Télécharger mes données');
      const file = await coming;
      expect(file.suggestedFilename()).to.equal('caducee-mes-donnees.json');

      await page.getByRole('link', { name: 'Fermer mon compte' }).click();
      await see(page, 'Fermer mon compte');
      await press(page, 'Fermer mon compte');
      await page.getByText(/Votre compte est fermé, et toutes vos sessions aussi/).waitFor();
      await see(page, /./);

      const client = await createTestClient(app.issuer, 'messagerie', { redirectUri });
      await page.goto((await client.authorize()).url);
      await prove(page, CAMILLE);
      await see(page, 'Rouvrir mon compte');
      await press(page, 'Rouvrir mon compte');
      await page.getByText('retour').waitFor();
      await page.goto(app.issuer);
      await see(page, 'Bonjour Camille');
    });
  }
});
