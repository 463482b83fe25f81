import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startRelyingParty } from '../../demo/relying-party.ts';
import { DEMO_APPLICATIONS, DEMO_SCOPE } from '../../seeds/demo/applications.ts';
import { createSharedAccount } from '../../src/accounts/members.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage } from '../support/browser.ts';
import { freePorts } from '../support/ports.ts';

const PASSWORD = 'grenouille-turquoise-42';

describe('journeys in a browser', function () {
  this.timeout(60_000);
  let app: TestApp;
  const urls: Record<string, string> = {};
  const relyingParties: { close(): Promise<unknown> }[] = [];

  before(async () => {
    for (const { clientId } of DEMO_APPLICATIONS) urls[clientId] = `http://localhost:${await freePorts(1)}`;
    app = await startTestApp({ applicationUrl: ({ clientId }) => urls[clientId] as string });
    for (const { clientId, name, description, secret } of DEMO_APPLICATIONS) {
      relyingParties.push(
        await startRelyingParty({
          port: Number(new URL(urls[clientId] as string).port),
          name,
          tagline: description,
          issuer: app.issuer,
          clientId,
          clientSecret: secret,
          scope: DEMO_SCOPE,
        }),
      );
    }
  });

  after(async () => {
    for (const relyingParty of relyingParties) await relyingParty.close();
    await app.close();
    await closeBrowser();
  });

  /** Each page that a person sees must be accessible and must not scroll sideways. */
  async function see(page: Page, heading: string | RegExp): Promise<void> {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await expectAccessible(page);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow, `${page.url()} scrolls sideways`).to.be.at.most(0);
  }

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

  async function identify(page: Page, birthdate: string, rpps: string): Promise<void> {
    await see(page, 'Créer votre espace');
    await page.getByLabel('Date de naissance').fill(birthdate);
    await page.getByLabel('Numéro RPPS').fill(rpps);
    await page.getByRole('checkbox', { name: /J'ai lu et j'accepte/ }).check();
    await press(page, 'Valider');
  }

  async function signIn(page: Page, email: string, password: string): Promise<void> {
    await see(page, 'Connectez-vous');
    const before = app.codesTo(email);
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Mot de passe', { exact: true }).fill(password);
    await press(page, 'Connectez-vous');
    await see(page, 'Un code vous attend');
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(email, before));
    await press(page, 'Valider mon code à usage unique');
  }

  it('from an RPPS number by SMS to two applications and out again, on a phone of 320 px', async () => {
    const page = await newPage({ width: 320, height: 640 });
    await page.goto(`${urls.messagerie}/`);
    await page
      .getByRole('button', { name: /Se connecter/ })
      .or(page.getByRole('link', { name: /Se connecter/ }))
      .click();
    await see(page, 'Connectez-vous');
    await page.getByRole('link', { name: /Créez-le en quelques clics/ }).click();
    await see(page, 'Créez votre compte');
    await page.getByRole('link', { name: 'Avec mon numéro RPPS et ma date de naissance' }).click();
    await identify(page, '17/06/1980', '99700 90001 4');

    await see(page, 'Sécuriser la création de votre espace');
    expect(await page.content())
      .not.to.contain('39980001')
      .and.not.to.contain('alix@example.test');
    await page.getByRole('radio', { name: /SMS 3363\*\*\*01/ }).check();
    await press(page, 'Recevoir votre code');
    await see(page, 'Veuillez saisir le code reçu');
    await page.getByLabel('Saisir le code').fill(await app.waitForCode('+33639980001'));
    await press(page, 'Valider');

    await see(page, 'Finaliser la création de votre espace');
    await page.getByLabel('Email', { exact: true }).fill('alix.perso@example.test');
    await page.getByLabel('Confirmation Email').fill('alix.perso@example.test');
    for (const [password, level] of [
      ['1980-06-17!!', 'Faible'],
      ['482915048291504829', 'Faible'],
      ['alix.perso@example', 'Faible'],
      ['Caducée-2026!', 'Faible'],
      ['Hk8!pT2$qLx9w', 'Moyen'],
      [PASSWORD, 'Fort'],
    ] as const) {
      await page.getByLabel('Mot de passe', { exact: true }).fill(password);
      await page.getByText(`Sécurité du mot de passe : ${level}`).waitFor({ timeout: 5_000 });
    }
    await page.getByLabel('Confirmation du mot de passe').fill(PASSWORD);
    await press(page, 'Activer');
    await see(page, 'Vérifier votre adresse');
    await page.getByLabel('Saisir le code').fill(await app.waitForCode('alix.perso@example.test'));
    await press(page, 'Valider');
    await see(page, 'Votre espace est créé');
    await page.getByRole('link', { name: 'Retour à la connexion' }).click();

    await page.getByText('Vous allez vers Messagerie').waitFor();
    await signIn(page, 'alix.perso@example.test', PASSWORD);
    await page.getByRole('heading', { name: /Bonjour Alix/ }).waitFor();
    expect(new URL(page.url()).origin).to.equal(urls.messagerie);

    await page.goto(`${urls.laboratoire}/`);
    await page
      .getByRole('button', { name: /Se connecter/ })
      .or(page.getByRole('link', { name: /Se connecter/ }))
      .click();
    await page.getByRole('heading', { name: /Bonjour Alix/ }).waitFor();
    expect(new URL(page.url()).origin).to.equal(urls.laboratoire);

    await page.getByRole('button', { name: 'Actualiser les jetons' }).click();
    await page.getByText(/actualisés 1 fois/).waitFor();

    await page.goto(`${app.issuer}/`);
    await see(page, 'Bonjour Alix');
    await page.goto(`${urls.laboratoire}/`);
    await page
      .getByRole('button', { name: 'Se déconnecter' })
      .or(page.getByRole('link', { name: 'Se déconnecter' }))
      .click();
    await see(page, /Voulez-vous vous déconnecter/);
    await press(page, 'Me déconnecter');
    await page.waitForURL(`${urls.laboratoire}/`);
    await page.goto(`${app.issuer}/`);
    await see(page, /Un seul compte/);
  });

  it('from an RPPS number by e-mail, on a desk', async () => {
    const page = await newPage();
    await page.goto(`${app.issuer}/`);
    await page.getByRole('link', { name: 'Créez votre compte en quelques clics' }).click();
    await page.getByRole('link', { name: 'Avec mon numéro RPPS et ma date de naissance' }).click();
    await identify(page, '01/12/1975', '99700900030');
    await page.getByRole('radio', { name: /e-mail/ }).check();
    await press(page, 'Recevoir votre code');
    await page.getByLabel('Saisir le code').fill(await app.waitForCode('claude@example.test'));
    await press(page, 'Valider');
    await see(page, 'Créer mon compte');
    const email = page.getByLabel('Email', { exact: true });
    expect(await email.inputValue()).to.equal('claude@example.test');
    expect(await email.getAttribute('readonly')).not.to.equal(null);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Confirmation du mot de passe').fill(PASSWORD);
    await press(page, 'Créer');
    await see(page, 'Votre espace est créé');
    await page.getByRole('link', { name: 'Retour à la connexion' }).click();
    await signIn(page, 'claude@example.test', PASSWORD);
    await see(page, 'Bonjour Claude');
  });

  it('from an invitation to a shared account, on a phone of 320 px, and out of it again', async () => {
    const { knex, hasher } = app.deps;
    const emails = { anne: 'anne.bureau@example.test', chloe: 'chloe.bureau@example.test' };
    await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du 3e étage',
      state: 'active',
      firstMember: {
        familyName: 'SECRETAIRE0090102',
        givenName: 'Anne',
        email: { address: emails.anne, canonical: emails.anne },
        passwordHash: await hasher.hash(PASSWORD),
        termsVersion: 'test',
      },
    });
    const page = await newPage({ width: 320, height: 640 });
    await page.goto(`${app.issuer}/connexion`);
    await signIn(page, emails.anne, PASSWORD);
    await see(page, 'Bonjour Anne');
    await page.getByRole('link', { name: 'Inviter un secrétaire' }).click();
    await see(page, 'Inviter un secrétaire');
    await page.getByLabel('Email').fill(emails.chloe);
    await press(page, "Envoyer l'invitation");
    await page.getByText(/Une invitation part à l'instant/).waitFor();
    await see(page, 'Inviter un secrétaire');

    const { text } = await app.waitForMessage(emails.chloe);
    const guest = await newPage({ javaScript: false, width: 320, height: 640 });
    await guest.goto(/https?:\S+\/invitation\/[\w-]+/.exec(text)?.[0] as string);
    await see(guest, 'Rejoindre un compte partagé');
    await press(guest, 'Continuer');
    await see(guest, 'Créer votre accès');
    await press(guest, 'Créer mon accès');
    await see(guest, 'Créer votre accès');
    await guest.getByLabel('Civilité').selectOption({ label: 'Madame' });
    await guest.getByLabel('Prénom').fill('Chloé');
    await guest.getByLabel('Nom', { exact: true }).fill('Martin');
    await guest.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await guest.getByLabel('Confirmation du mot de passe').fill(PASSWORD);
    await guest.getByRole('checkbox', { name: /J'ai lu et j'accepte/ }).check();
    await press(guest, 'Créer mon accès');
    await see(guest, 'Votre accès est créé');
    await guest.getByRole('link', { name: 'Connectez-vous' }).click();
    await signIn(guest, emails.chloe, PASSWORD);
    await see(guest, 'Bonjour Chloé');

    await page.goto(`${app.issuer}/secretaires`);
    await page.getByRole('link', { name: 'Retirer Chloé Martin' }).click();
    await see(page, /Chloé Martin/);
    await press(page, 'Retirer de ce compte');
    await page.getByText(/Chloé Martin ne peut plus se connecter/).waitFor();
    await see(page, 'Inviter un secrétaire');
    await guest.goto(`${app.issuer}/`);
    await see(guest, /Un seul compte/);
  });

  it('proves an address by its link, on the telephone beside the desk', async () => {
    const page = await newPage();
    await page.goto(`${app.issuer}/inscription/ordre`);
    await identify(page, '29/02/1984', '99700900022');
    await press(page, 'Recevoir votre code');
    await page.getByLabel('Saisir le code').fill(await app.waitForCode('+33639980002'));
    await press(page, 'Valider');
    const email = 'frederique.essai@example.test';
    await page.getByLabel('Email', { exact: true }).fill(email);
    await page.getByLabel('Confirmation Email').fill(email);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Confirmation du mot de passe').fill(PASSWORD);
    await press(page, 'Activer');
    await see(page, 'Vérifier votre adresse');

    const { text } = await app.waitForMessage(email);
    const phone = await newPage({ width: 320, height: 640 });
    const link = /https?:\S+\/confirmer-mon-adresse\/[\w-]+/.exec(text)?.[0] as string;
    await phone.goto(link);
    await see(phone, 'Confirmer votre adresse');
    await press(phone, 'Confirmer mon adresse');
    await see(phone, 'Votre adresse est vérifiée');
    await phone.goto(link);
    await see(phone, 'Cette adresse est déjà confirmée');

    await page.reload();
    await see(page, 'Votre adresse est vérifiée');
    await press(page, 'Activer');
    await see(page, 'Votre espace est créé');
  });

  it('signs in without JavaScript, in dark colours', async () => {
    const page = await newPage({ javaScript: false, context: { colorScheme: 'dark' } });
    await page.goto(`${app.issuer}/`);
    await page.getByRole('link', { name: 'Connectez-vous' }).click();
    await signIn(page, 'camille@example.test', 'demo-caducee-2026');
    await see(page, 'Bonjour Camille');
  });

  it('shows faults beside their fields, and what was typed, without the password', async () => {
    const page = await newPage({ width: 390, height: 844 });
    await page.goto(`${app.issuer}/connexion`);
    await page.getByLabel('Email').fill('camille@example.test');
    await page.getByLabel('Mot de passe', { exact: true }).fill('ce-n-est-pas-le-bon');
    await press(page, 'Connectez-vous');
    await page.getByRole('alert').waitFor();
    await expectAccessible(page);
    expect(await page.getByLabel('Email').inputValue()).to.equal('camille@example.test');
    expect(await page.getByLabel('Mot de passe', { exact: true }).inputValue()).to.equal('');
    await page.goto(`${app.issuer}/inscription/ordre`);
    await press(page, 'Valider');
    await see(page, 'Créer votre espace');
    expect(await page.getByLabel('Numéro RPPS').getAttribute('aria-invalid')).to.equal('true');
  });

  for (const path of [
    '/conditions-generales',
    '/mot-de-passe-oublie',
    '/identifiants-oublies',
    '/nulle-part',
  ]) {
    it(`is readable at ${path}, in both languages`, async () => {
      const page = await newPage({ width: 320, height: 640 });
      for (const language of ['fr', 'en']) {
        await page.goto(`${app.issuer}${path}?langue=${language}`);
        expect(await page.locator('html').getAttribute('lang')).to.equal(language);
        await see(page, /./);
      }
    });
  }
});
