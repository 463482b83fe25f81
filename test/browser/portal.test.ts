import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startRelyingParty } from '../../demo/relying-party.ts';
import { DEMO_APPLICATIONS, DEMO_SCOPE } from '../../seeds/demo/applications.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage } from '../support/browser.ts';
import { freePorts } from '../support/ports.ts';

const CAMILLE = 'camille@example.test';
const CABINET = 'camille.cabinet@example.test';
const QUESTION = 'Quelle adresse email utiliser comme identifiant pour cette application ?';

describe('the portal in a browser', function () {
  this.timeout(60_000);
  let app: TestApp;
  const urls: Record<string, string> = {};
  const relyingParties: { close(): Promise<unknown> }[] = [];

  before(async () => {
    for (const { clientId } of DEMO_APPLICATIONS) urls[clientId] = `http://localhost:${await freePorts(1)}`;
    app = await startTestApp({ applicationUrl: ({ clientId }) => urls[clientId] as string });
    for (const { clientId, name, description, secret } of DEMO_APPLICATIONS) {
      const { port } = new URL(urls[clientId] as string);
      const party = { name, tagline: description, issuer: app.issuer, clientId, clientSecret: secret };
      relyingParties.push(await startRelyingParty({ ...party, port: Number(port), scope: DEMO_SCOPE }));
    }
  });
  beforeEach(async () => {
    await app.database.knex('throttle_counters').delete();
    await app.database.knex('application_emails').where({ client_id: 'laboratoire' }).delete();
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

  async function signIn(page: Page, email: string): Promise<void> {
    await see(page, 'Connectez-vous');
    const before = app.codesTo(email);
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Mot de passe', { exact: true }).fill('demo-caducee-2026');
    await page.getByRole('button', { name: 'Connectez-vous', exact: true }).click();
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(email, before));
    await page.getByRole('button', { name: 'Valider mon code à usage unique' }).click();
  }
  const emailAt = (page: Page) =>
    page
      .getByRole('row', { name: /^email / })
      .getByRole('cell')
      .textContent();

  for (const { what, ...options } of [
    { what: 'on a desk', width: 1280, height: 800 },
    { what: 'on a phone of 320 px, without JavaScript', width: 320, height: 640, javaScript: false },
  ]) {
    it(`opens one application, and asks once for the address of the other, ${what}`, async () => {
      const page = await newPage(options);
      await page.goto(`${app.issuer}/connexion`);
      await signIn(page, CAMILLE);
      await see(page, 'Bonjour Camille');
      await page.getByText('adresse à choisir').waitFor();
      await page.getByRole('link', { name: 'Messagerie' }).click();
      await page.getByRole('heading', { name: /Bonjour Camille/ }).waitFor();
      expect(new URL(page.url()).origin).to.equal(urls.messagerie);
      expect(await emailAt(page)).to.equal(CAMILLE);
      await page.getByText(`Votre compte dans Messagerie : ${CAMILLE}`).waitFor();

      await page.goto(`${app.issuer}/`);
      await page.getByRole('link', { name: 'Laboratoire' }).click();
      await see(page, QUESTION);
      await page.getByRole('button', { name: 'Continuer' }).click();
      await page.getByRole('alert').getByText("Choisissez l'une de vos adresses.").waitFor();
      await see(page, QUESTION);
      await page.getByRole('radio', { name: CABINET }).check();
      await page.getByRole('button', { name: 'Continuer' }).click();
      await page.getByRole('heading', { name: /Bonjour Camille/ }).waitFor();
      expect(new URL(page.url()).origin).to.equal(urls.laboratoire);
      expect(await emailAt(page)).to.equal(CABINET);

      await page.goto(`${app.issuer}/`);
      await see(page, 'Bonjour Camille');
      const first = page.getByRole('listitem').filter({ has: page.getByRole('heading', { level: 3 }) });
      expect(await first.first().textContent(), 'recently used first').to.include('Laboratoire');
      expect(await first.first().textContent()).to.include(CABINET);
    });
  }

  it('is met with the same question from the application itself', async () => {
    const page = await newPage({ width: 320, height: 640 });
    await page.goto(`${urls.laboratoire}/login`);
    await signIn(page, CAMILLE);
    await see(page, QUESTION);
    await page.getByText('Vous allez vers Laboratoire').waitFor();
    await page.getByRole('radio', { name: CABINET }).check();
    await page.getByRole('button', { name: 'Continuer' }).click();
    await page.getByRole('heading', { name: /Bonjour Camille/ }).waitFor();
    expect(await emailAt(page)).to.equal(CABINET);
    await page.getByRole('button', { name: 'Actualiser les jetons' }).click();
    await page.getByText(/actualisés 1 fois/).waitFor();
    expect(await emailAt(page)).to.equal(CABINET);
    await page.goto(`${urls.laboratoire}/login`);
    await page.getByRole('heading', { name: /Bonjour Camille/ }).waitFor();
  });

  it('says who may not enter, and takes them back', async () => {
    const rows = app.database.knex('applications').where({ client_id: 'laboratoire' });
    await rows.clone().update({ allowed_professions: ['50'], tile_when_refused: 'explained' });
    for (const width of [320, 1280]) {
      const page = await newPage({ width });
      await page.goto(`${urls.laboratoire}/login`);
      await signIn(page, CAMILLE);
      await see(page, 'Cette application ne vous est pas ouverte');
      await page.getByText('Professions admises : Sage-Femme').waitFor();
      await page.goto(`${app.issuer}/`);
      await see(page, 'Bonjour Camille');
      await page.getByText('Ne vous est pas ouverte').waitFor();
      expect(await page.getByRole('link', { name: 'Laboratoire' }).count()).to.equal(0);
      await page.goto(`${urls.laboratoire}/login`);
      await page.getByRole('button', { name: 'Retourner dans Laboratoire' }).click();
      await page.getByRole('heading', { name: 'Connexion refusée' }).waitFor();
    }
    await rows.clone().update({ allowed_professions: null, tile_when_refused: 'hidden' });
  });

  it('filters its tiles as one types, and says how many are left', async () => {
    const names = [
      'Agenda',
      'Imagerie médicale',
      'Œdèmes',
      'Pharmacie',
      'Téléexpertise',
      'Urgences',
      'Vaccins',
    ];
    for (const [index, name] of names.entries()) {
      const application = {
        clientId: `autre-${index}`,
        name,
        description: 'Une application',
        icon: 'calendar',
      };
      await saveApplication(
        app.database.knex,
        app.clock,
        { ...application, firstParty: true, onPortal: true, startUrl: 'http://localhost:1/', metadata: {} },
        undefined,
      );
    }
    for (const width of [320, 1280]) {
      const page = await newPage({ width });
      await page.goto(`${app.issuer}/connexion`);
      await signIn(page, CAMILLE);
      await see(page, 'Bonjour Camille');
      const search = page.getByRole('searchbox', { name: 'Rechercher une application' });
      const tiles = page.getByRole('heading', { level: 3 });
      expect(await tiles.count()).to.equal(9);
      for (const [typed, found, said] of [
        ['imagerie MEDIC', ['Imagerie médicale'], '1 application trouvée'],
        ['application', names, '7 applications trouvées'],
        ['oedeme', ['Œdèmes'], '1 application trouvée'],
        ['nulle part', [], 'Aucune application ne correspond à votre recherche.'],
      ] as const) {
        await search.fill(typed);
        await page.getByRole('status').getByText(said).waitFor();
        const shown = await tiles.allTextContents();
        expect(
          shown.toSorted((a, b) => a.localeCompare(b)),
          typed,
        ).to.deep.equal(found);
      }
      await search.fill('vaccins');
      await search.press('Enter');
      await page.waitForURL(/recherche=vaccins/);
      await see(page, 'Bonjour Camille');
      expect(await tiles.allTextContents()).to.deep.equal(['Vaccins']);
      await search.fill('');
      expect(await tiles.count(), 'what the server hid is there too').to.equal(9);
    }
  });
});
