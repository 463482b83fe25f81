import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';

const PASSWORD = 'demo-caducee-2026';
const NEXT = 'quatre girafes sous la pluie';
const CAMILLE = 'camille@example.test';
const CABINET = 'camille.cabinet@example.test';
const NEW = 'camille.neuve@example.test';
const DECLARED = '+33639980061';
/** Folder for pictures of the pages, when somebody wants to look at them. */
const PICTURES = process.env.PICTURES;

describe('addresses, phones and password in a browser', function () {
  this.timeout(90_000);
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
    const { knex } = app.database;
    const { account_id } = await knex('email_addresses').where({ address: CAMILLE }).first('account_id');
    await knex('declared_phone_numbers').insert({ account_id, number: DECLARED });
  });
  afterEach(() => app.close());
  after(() => closeBrowser());

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const follow = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).click();

  for (const [what, options] of [
    ['on a desk', {}],
    [
      'without JavaScript, in dark colours and at 320 px',
      { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } },
    ],
  ] as [string, PageOptions][])
    it(`one adds an address, uses it, signs in with it, removes another and changes the password, ${what}`, async () => {
      const page = await newPage(options);
      const size = options.width ?? 'desk';

      /** Each page must be accessible and must not scroll sideways. */
      async function see(heading: string, picture?: string): Promise<void> {
        await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
        await expectAccessible(page);
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect(overflow, `${page.url()} scrolls sideways`).to.be.at.most(0);
        if (PICTURES && picture)
          await page.screenshot({ path: `${PICTURES}/${picture}-${size}.png`, fullPage: true });
      }

      async function signIn(email: string, password: string): Promise<void> {
        await page.getByLabel('Email').fill(email);
        await page.getByLabel('Mot de passe', { exact: true }).fill(password);
        const sent = app.codesTo(email);
        await press(page, 'Connectez-vous');
        await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(email, sent));
        await press(page, 'Valider mon code à usage unique');
      }

      await page.goto(`${app.issuer}/connexion`);
      await signIn(CAMILLE, PASSWORD);
      await page.getByRole('heading', { name: 'Bonjour Camille' }).waitFor();
      await follow(page, 'Mon compte');
      await follow(page, 'Coordonnées');
      await see('Coordonnées', 'contacts');

      await follow(page, 'Ajouter une adresse');
      await see('Ajouter une adresse');
      await page.getByLabel('Email').fill('camille@');
      await press(page, "Valider l'adresse");
      await see('Ajouter une adresse', 'add-email');
      await page.getByLabel('Email').fill(NEW);
      await press(page, "Valider l'adresse");
      await see('Vérifier votre adresse', 'email-code');
      await page.getByLabel('Code OTP').fill(await app.waitForCode(NEW));
      await page
        .getByLabel('Je souhaite utiliser cette adresse email pour recevoir les notifications')
        .check();
      await page
        .getByRole('group', {
          name: 'Applications sur lesquelles je pense avoir un compte avec cette adresse',
        })
        .getByLabel('Laboratoire')
        .check();
      await press(page, 'Valider mon adresse');
      await page.getByText("L'adresse est vérifiée").waitFor();
      await see('Coordonnées', 'contacts-added');
      const added = page.getByRole('listitem').filter({ hasText: NEW });
      await added.getByText('reçoit vos notifications').waitFor();
      await added.getByText('Utilisée pour : Laboratoire').waitFor();

      await follow(page, `Modifier ${CABINET}`);
      await see('Modifier cette adresse', 'email');
      await page.getByLabel(/^Messagerie/).check();
      await press(page, 'Valider');
      await page.getByText("C'est enregistré.").waitFor();

      await follow(page, 'Paramètres');
      await see('Paramètres', 'settings');
      await follow(page, "Changer d'adresse de connexion");
      await see('Adresse de connexion', 'sign-in-email');
      await page.getByRole('radio', { name: NEW }).check();
      await page.getByLabel('Mot de passe actuel').fill('faux');
      await press(page, 'Valider');
      await page.getByText("Ce n'est pas votre mot de passe actuel. Ressaisissez-le.").first().waitFor();
      await see('Adresse de connexion', 'sign-in-email-wrong');
      expect(await page.getByRole('radio', { name: NEW }).isChecked()).to.equal(true);
      await page.getByLabel('Mot de passe actuel').fill(PASSWORD);
      await press(page, 'Valider');
      await page.getByText('avec votre nouvelle adresse').waitFor();
      await see('Paramètres');

      await page.getByLabel('Mot de passe actuel').fill(PASSWORD);
      await page.getByLabel('Nouveau mot de passe').fill(NEXT);
      if (options.javaScript !== false) await page.getByText('Sécurité du mot de passe : Fort').waitFor();
      await page.getByLabel('Confirmation du mot de passe').fill(NEXT);
      await press(page, 'Changer mon mot de passe');
      await page.getByText('Votre mot de passe est modifié !').waitFor();
      await see('Paramètres', 'settings-changed');

      await follow(page, 'Coordonnées');
      await follow(page, `Retirer ${CABINET}`);
      await see('Retirer cette adresse ?', 'remove-email');
      await press(page, 'Retirer cette adresse');
      await page.getByText("L'adresse est retirée").waitFor();
      await see('Coordonnées');
      expect(await page.getByText(CABINET).count()).to.equal(0);

      await press(page, 'Vérifier +33 6 39 98 00 61');
      await see('Vérifiez ce numéro');
      await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(DECLARED));
      await press(page, 'Vérifier');
      await page.getByText('Le +33 6 39 98 00 61 est vérifié').waitFor();
      await follow(page, 'Coordonnées');
      await see('Coordonnées', 'contacts-end');

      // The phone is proposed second: the address is the new one, with the new password.
      await page.goto(`${app.issuer}/connexion?vers=coordonnees`);
      await page.getByLabel('Email').fill(NEW);
      await page.getByLabel('Mot de passe', { exact: true }).fill(NEXT);
      await press(page, 'Connectez-vous');
      await page.getByLabel('Saisissez le code reçu').waitFor();
    });
});
