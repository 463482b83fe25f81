import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { seedDirectory } from '../../seeds/demo/seed.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage } from '../support/browser.ts';

const PASSWORD = 'une phrase de passe assez longue';

describe('signing up in a browser, up to the decision', function () {
  this.timeout(90_000);
  let app: TestApp;

  before(async () => {
    app = await startTestApp();
    await seedDirectory(app.deps);
  });
  after(async () => {
    await app.close();
    await closeBrowser();
  });

  async function see(page: Page, heading: string | RegExp): Promise<void> {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await expectAccessible(page);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow, `${page.url()} scrolls sideways`).to.be.at.most(0);
  }
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const fill = (page: Page, label: string, text: string) =>
    page.getByLabel(label, { exact: true }).fill(text);

  async function begin(page: Page, way: string): Promise<void> {
    await page.goto(`${app.issuer}/`);
    await page.getByRole('link', { name: 'Créez votre compte en quelques clics' }).click();
    await see(page, 'Créez votre compte');
    await page.getByRole('link', { name: way }).click();
  }

  /** From the address to the sign-in page, which says what comes next. */
  async function finish(page: Page, email: string): Promise<void> {
    await see(page, 'Votre adresse mail');
    const before = app.codesTo(email);
    await fill(page, 'Email', email);
    await press(page, 'Vérifier');
    await see(page, 'Vérifier votre adresse');
    await fill(page, 'Code OTP', await app.waitForCode(email, before));
    await press(page, 'Valider mon adresse');
    await see(page, 'Votre mot de passe');
    await fill(page, 'Mot de passe', PASSWORD);
    await fill(page, 'Confirmation du mot de passe', PASSWORD);
    await fill(page, 'Numéros de téléphone', '06 39 98 00 31');
    await page.getByRole('checkbox', { name: /Conditions générales/i }).check();
    await press(page, 'Valider');
    await see(page, 'Connectez-vous');
    await page.getByText(/Un administrateur vérifie votre compte à la main/).waitFor();
    expect((await app.waitForMessage(email, { after: 1 })).subject).to.equal(
      'Nous avons bien reçu votre demande',
    );
  }

  async function signIn(page: Page, email: string, password: string, codeTo = email): Promise<void> {
    await page.goto(`${app.issuer}/connexion`);
    const before = app.codesTo(codeTo);
    await fill(page, 'Email', email);
    await fill(page, 'Mot de passe', password);
    await press(page, 'Connectez-vous');
    await fill(page, 'Saisissez le code reçu', await app.waitForCode(codeTo, before));
    await press(page, 'Valider mon code à usage unique');
  }

  async function decide(person: string, act: (page: Page) => Promise<void>): Promise<void> {
    const page = await newPage();
    await signIn(page, 'admin@example.test', 'demo-caducee-2026', '+33639980099');
    await page.getByRole('link', { name: 'Administration' }).click();
    await see(page, 'Demandes en attente');
    await page.getByRole('link', { name: person }).click();
    await see(page, "Demande d'accès");
    await act(page);
    await page.context().close();
  }

  it('a doctor found in the directory as they type, approved, then signed in', async () => {
    const page = await newPage();
    await begin(page, 'Je suis un médecin');
    await see(page, 'Je suis un médecin');
    await page.getByLabel('Nom', { exact: true }).pressSequentially('doc0090008');
    await page.getByRole('button', { name: /DOC0090008 SACHA/ }).click();
    await see(page, 'Je suis un médecin');
    expect(await page.getByLabel('N° RPPS').inputValue()).to.equal('99700900089');
    expect(await page.getByLabel('Prénom', { exact: true }).inputValue()).to.equal('SACHA');
    expect(await page.getByLabel('Profession', { exact: true }).inputValue()).to.equal('10');
    await press(page, "Je renseigne mon lieu d'exercice");
    await see(page, "Vos lieux d'exercice");
    expect(await page.getByRole('checkbox', { checked: true }).count(), 'preselected').to.equal(1);
    await page.getByLabel('Rechercher un établissement').pressSequentially('valbrume');
    await page.getByRole('checkbox', { name: /HOPITAL FICTIF DE VALBRUME \d/ }).check();
    await press(page, 'Continuer');
    await see(page, 'Vos laboratoires');
    for (const choice of await page.getByRole('combobox').all())
      await choice.selectOption({ label: 'Centre des Quais' });
    await press(page, 'Terminer');
    await finish(page, 'sacha.doc@example.test');

    await decide('SACHA DOC0090008', async (admin) => {
      await admin.getByText('Centre des Quais').first().waitFor();
      await press(admin, 'Approuver');
      await admin.getByText(/Demande approuvée par/).waitFor();
    });
    const mail = await app.waitForMessage('sacha.doc@example.test', { after: 2 });
    expect(mail.subject).to.equal('Votre compte est certifié');
    await signIn(page, 'sacha.doc@example.test', PASSWORD);
    await see(page, 'Bonjour Sacha');
  });

  it('forgets a line that is edited, results that no longer hold, and all of it after ten minutes', async () => {
    const page = await newPage();
    await page.clock.install();
    await begin(page, 'Je suis un médecin');
    await see(page, 'Je suis un médecin');
    const familyName = page.getByLabel('Nom', { exact: true });
    const line = page.getByRole('button', { name: /DOC0090008 SACHA/ });
    const person = () => page.locator('[name=person]').inputValue();
    const said = page.locator('[data-results-said]');
    const search = async (text: string) => {
      await familyName.fill(text);
      await page.clock.runFor(300);
    };
    await search('doc0090008');
    await line.waitFor();
    await search('do');
    expect(await line.count(), 'results of what is no longer typed').to.equal(0);
    expect(await said.textContent()).to.equal('');

    await search('doc0090008');
    await line.click();
    await see(page, 'Je suis un médecin');
    expect(await person()).to.match(/^10 /);
    await page.getByLabel('Prénom', { exact: true }).fill('Camille');
    expect(await person(), 'edited').to.equal('');

    await page.getByLabel('Prénom', { exact: true }).fill('Sacha');
    await search('doc0090008');
    await line.click();
    await see(page, 'Je suis un médecin');
    expect(await person()).to.match(/^10 /);
    await page.clock.runFor(601_000);
    expect(await person(), 'erased').to.equal('');
    expect(await page.getByLabel('Civilité').inputValue()).to.equal('');
    expect(await page.getByLabel('N° RPPS').inputValue()).to.equal('');
  });

  it('a midwife by hand, on a phone of 320 px without JavaScript', async () => {
    const page = await newPage({ width: 320, height: 640, javaScript: false });
    await begin(page, 'Je suis un médecin');
    await see(page, 'Je suis un médecin');
    await fill(page, 'Nom', 'personne-de-ce-nom');
    await press(page, 'Rechercher');
    await page.getByText(/Personne ne correspond/).waitFor();
    await expectAccessible(page);
    await page.getByRole('checkbox', { name: /Je ne me trouve pas dans la liste/ }).check();
    await fill(page, 'Nom', "D'ESSAI0090201");
    await fill(page, 'Prénom', 'Noé');
    await page.getByLabel('Profession', { exact: true }).selectOption({ label: 'Sage-Femme' });
    await page.getByLabel('Civilité').selectOption({ label: 'Monsieur' });
    await fill(page, 'N° RPPS', '99700 90500 5');
    await page.getByLabel('N° RPPS').press('Enter');
    await page.waitForLoadState();
    if ((await page.getByRole('heading', { level: 1 }).textContent()) !== "Vos lieux d'exercice") {
      throw new Error(await page.getByRole('alert').innerText());
    }
    await fill(page, 'Rechercher un établissement', '0B 019 001 1');
    await press(page, 'Rechercher');
    await page.getByRole('checkbox', { name: /0B0190011/ }).check();
    await press(page, 'Continuer');
    await see(page, 'Vos laboratoires');
    await page.getByRole('combobox').selectOption({ label: 'Aucun laboratoire habituel' });
    await press(page, 'Terminer');
    await finish(page, 'noe@example.test');
  });

  it('a secretary of their own, refused with the reason', async () => {
    const page = await newPage({ width: 390, height: 844 });
    await begin(page, 'Je crée un compte « Secrétariat »');
    await see(page, 'Je crée un compte « Secrétariat »');
    expect(await page.getByLabel('Intitulé du compte').isVisible(), 'for a shared account only').to.equal(
      false,
    );
    await page.getByLabel('Profession', { exact: true }).selectOption({ label: 'Secrétariat médical' });
    await page.getByLabel('Civilité').selectOption({ label: 'Madame' });
    await fill(page, 'Nom', 'SECRETAIRE0090202');
    await fill(page, 'Prénom', 'Lou');
    await press(page, "Je renseigne mon lieu d'exercice");
    await see(page, "Vos lieux d'exercice");
    await page.getByRole('checkbox', { name: /je n'ai pas de lieu fixe$/ }).check();
    await press(page, 'Continuer');
    await finish(page, 'lou@example.test');

    const reason = 'Ce cabinet ne vous connaît pas.';
    await decide('Lou SECRETAIRE0090202', async (admin) => {
      await fill(admin, 'Motif communiqué à la personne', reason);
      await press(admin, 'Refuser');
      await admin.getByText(/Demande refusée par/).waitFor();
    });
    const mail = await app.waitForMessage('lou@example.test', { after: 2 });
    expect(mail.text).to.contain(reason);
  });

  it('a shared account, whose first secretary enters once it is approved', async () => {
    const page = await newPage();
    await begin(page, 'Je crée un compte « Secrétariat »');
    await page.getByLabel('Civilité').selectOption({ label: 'Monsieur' });
    await fill(page, 'Nom', 'SECRETAIRE0090203');
    await fill(page, 'Prénom', 'Charlie');
    await page
      .getByRole('checkbox', { name: 'Je souhaite créer un compte partagé avec plusieurs secrétaires' })
      .check();
    await fill(page, 'Intitulé du compte', 'Secrétariat des Quais');
    await press(page, "Je renseigne mon lieu d'exercice");
    await see(page, "Vos lieux d'exercice");
    await page.getByRole('checkbox', { name: /je n'ai pas de lieu fixe$/ }).check();
    await press(page, 'Continuer');
    await finish(page, 'charlie@example.test');
    await decide('Secrétariat des Quais', async (admin) => {
      await admin.getByText('Charlie SECRETAIRE0090203').waitFor();
      await press(admin, 'Approuver');
      await admin.getByText(/Demande approuvée par/).waitFor();
    });
    await app.waitForMessage('charlie@example.test', { after: 2 });
    await signIn(page, 'charlie@example.test', PASSWORD);
    await page.getByRole('link', { name: 'Inviter un secrétaire' }).waitFor();
  });
});
