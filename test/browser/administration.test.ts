import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { createApplicant } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';

const PASSWORD = 'demo-caducee-2026';
const ADMIN = 'admin@example.test';
const ADMIN_PHONE = '+33639980099';

describe('the queue in a browser', function () {
  this.timeout(60_000);
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(async () => {
    await app.close();
    await closeBrowser();
  });

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

  async function signIn(options: PageOptions, email: string, codeTo = email): Promise<Page> {
    const page = await newPage(options);
    await page.goto(`${app.issuer}/connexion`);
    const before = app.codesTo(codeTo);
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await press(page, 'Connectez-vous');
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(codeTo, before));
    await press(page, 'Valider mon code à usage unique');
    return page;
  }

  it('an administrator signs in by SMS and approves; the person reads the mail and signs in', async () => {
    const visitor = await newPage();
    await visitor.goto(`${app.issuer}/connexion`);
    await visitor.getByLabel('Email').fill('sacha@example.test');
    await visitor.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await press(visitor, 'Connectez-vous');
    await visitor.getByText("Votre compte attend d'être vérifié par un administrateur").waitFor();

    const page = await signIn({}, ADMIN, ADMIN_PHONE);
    await see(page, 'Bonjour Andréa');
    await page.getByRole('link', { name: 'Administration' }).click();
    await see(page, 'Demandes en attente');
    await page.getByRole('link', { name: 'Sacha SECRETAIRE0090101' }).click();
    await see(page, "Demande d'accès");
    await page.getByText('Secrétariat').first().waitFor();
    await page.getByLabel('Note interne').fill('Employeur joint par téléphone.');
    await press(page, 'Approuver');
    await page.getByText(/Demande approuvée par Andréa GESTION0090100/).waitFor();
    await see(page, "Demande d'accès");
    await page.getByRole('link', { name: 'Demandes en attente' }).click();
    await page.getByRole('heading', { name: "Aucune demande n'attend" }).waitFor();
    await see(page, 'Demandes en attente');

    const mail = await app.waitForMessage('sacha@example.test');
    expect(mail.subject).to.equal('Votre compte est certifié');
    const link = /https?:\S+/.exec(mail.text)?.[0] as string;
    expect(link).to.equal(`${app.issuer}/connexion`);
    await see(await signIn({}, 'sacha@example.test'), 'Bonjour Sacha');
  });

  it('without JavaScript, in dark colours and at 320 px, one refuses with a reason that the person reads', async () => {
    const email = 'noa@example.test';
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    await createApplicant(app.deps, { email, passwordHash, rpps: '99700900063', familyName: 'DOC0090006' });
    const narrow = { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } } as const;
    const page = await signIn(narrow, ADMIN, ADMIN_PHONE);
    await page.getByRole('link', { name: 'Administration' }).click();
    await see(page, 'Demandes en attente');
    await page.getByRole('link', { name: 'Noa DOC0090006' }).click();
    await see(page, "Demande d'accès");
    await page.getByText("Cette personne a quitté le tableau de l'Ordre le 30 juin 2025.").waitFor();
    const row = page.getByRole('row', { name: /Prénom/ });
    await row.getByRole('cell', { name: /Lou-Anne différent/ }).waitFor();

    await press(page, 'Refuser');
    await see(page, "Demande d'accès");
    expect(await page.getByLabel('Motif communiqué à la personne').getAttribute('aria-invalid')).to.equal(
      'true',
    );
    await page.getByLabel('Motif communiqué à la personne').fill('Vous n’êtes plus inscrit au tableau.');
    await press(page, 'Refuser');
    await page.getByText(/Demande refusée par Andréa GESTION0090100/).waitFor();
    await see(page, "Demande d'accès");

    const mail = await app.waitForMessage(email, { after: 1 });
    expect(mail.text).to.contain('Vous n’êtes plus inscrit au tableau.');
    const visitor = await newPage();
    await visitor.goto(`${app.issuer}/connexion`);
    await visitor.getByLabel('Email').fill(email);
    await visitor.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await press(visitor, 'Connectez-vous');
    await visitor.getByText("Votre demande de compte n'a pas été acceptée.").waitFor();
  });

  for (const [how, options] of [
    ['in a wide window', {}],
    [
      'without JavaScript, in dark colours and at 320 px',
      { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } },
    ],
  ] as const) {
    it(`${how}, one finds an account and unblocks its sign-ins`, async () => {
      const { knex } = app.database;
      const camille = (await knex('email_addresses').where({ canonical: 'camille@example.test' }).first())
        .account_id;
      const { codeFailurePerAccount } = throttleRules;
      for (let tries = 0; tries < codeFailurePerAccount.limit; tries += 1)
        await app.deps.throttle.consume(codeFailurePerAccount, camille);

      const page = await signIn(options, ADMIN, ADMIN_PHONE);
      await page.getByRole('link', { name: 'Administration' }).click();
      await see(page, 'Demandes en attente');
      await page.getByRole('link', { name: 'Rechercher un compte' }).click();
      await see(page, 'Rechercher un compte');
      await press(page, 'Rechercher');
      await page.getByText('Indiquez une adresse mail ou un numéro RPPS.').first().waitFor();
      await see(page, 'Rechercher un compte');
      await page.getByLabel('Adresse mail ou numéro RPPS').fill('camille@example.test');
      await press(page, 'Rechercher');
      await see(page, /Camille/);
      await press(page, 'Débloquer les tentatives de connexion');
      await page.getByText('Les tentatives de connexion sont débloquées.').waitFor();
      await see(page, /Camille/);
    });
  }
});
