import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startRelyingParty } from '../../demo/relying-party.ts';
import { DEMO_APPLICATIONS, DEMO_SCOPE } from '../../seeds/demo/applications.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { closeBrowser, expectAccessible, newPage, type PageOptions } from '../support/browser.ts';
import { linkEmail } from '../support/links.ts';
import { freePorts } from '../support/ports.ts';

const PASSWORD = 'demo-caducee-2026';
const CAMILLE = 'camille@example.test';
/** Folder for pictures of the pages, when somebody wants to look at them. */
const PICTURES = process.env.PICTURES;

describe('sessions in two browsers', function () {
  this.timeout(90_000);
  let app: TestApp;
  const urls: Record<string, string> = {};
  const relyingParties: { close(): Promise<unknown> }[] = [];

  before(async () => {
    for (const { clientId } of DEMO_APPLICATIONS) urls[clientId] = `http://localhost:${await freePorts(1)}`;
    app = await startTestApp({
      settings: { OUTGOING_ALLOWED_HOSTS: 'localhost' },
      applicationUrl: ({ clientId }) => urls[clientId] as string,
    });
    for (const { clientId, name, description, secret } of DEMO_APPLICATIONS)
      relyingParties.push(
        await startRelyingParty({
          port: Number(new URL(urls[clientId] as string).port),
          ...{ name, tagline: description, issuer: app.issuer, clientId, clientSecret: secret },
          scope: DEMO_SCOPE,
        }),
      );
  });
  after(async () => {
    for (const relyingParty of relyingParties) await relyingParty.close();
    await app.close();
    await closeBrowser();
  });
  beforeEach(async () => {
    await app.database.knex('throttle_counters').delete();
    await app.database.knex('oidc_sessions').delete();
    await linkEmail(app, 'laboratoire', CAMILLE);
  });

  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();

  /** Each page must be accessible and must not scroll sideways. */
  async function see(page: Page, heading: string | RegExp, picture?: string): Promise<void> {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await expectAccessible(page);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow, `${page.url()} scrolls sideways`).to.be.at.most(0);
    if (PICTURES && picture) await page.screenshot({ path: `${PICTURES}/${picture}.png`, fullPage: true });
  }

  async function signIn(page: Page): Promise<void> {
    await page.goto(`${app.issuer}/connexion`);
    await page.getByLabel('Email').fill(CAMILLE);
    await page.getByLabel('Mot de passe', { exact: true }).fill(PASSWORD);
    const sent = app.codesTo(CAMILLE);
    await press(page, 'Connectez-vous');
    await page.getByLabel('Saisissez le code reçu').fill(await app.waitForCode(CAMILLE, sent));
    await press(page, 'Valider mon code à usage unique');
    await page.getByRole('heading', { name: 'Bonjour Camille' }).waitFor();
  }

  for (const [what, options] of [
    ['on a desk', {}],
    [
      'without JavaScript, in dark colours and at 320 px',
      { width: 320, height: 640, javaScript: false, context: { colorScheme: 'dark' } },
    ],
  ] as [string, PageOptions][])
    it(`one ends the other's session and sees it out, ${what}`, async () => {
      const size = options.width ?? 'desk';
      const [here, there] = [await newPage(options), await newPage()];
      await signIn(here);
      await signIn(there);
      await there.getByRole('link', { name: 'Messagerie' }).click();
      await there.getByRole('heading', { name: /^Bonjour Camille/ }).waitFor();

      await here.getByRole('link', { name: 'Mon compte' }).click();
      await see(here, 'Mon profil', `profile-${size}`);
      const menu = here.getByRole('navigation', { name: 'Mon compte' });
      await menu.getByRole('link', { name: 'Sessions et appareils' }).click();
      await see(here, 'Sessions et appareils', `sessions-${size}`);
      await here.getByText('cet appareil').waitFor();
      await press(here, /^Fermer cette session/);
      await here.getByText('La session est fermée.').waitFor();
      await see(here, 'Sessions et appareils', `alone-${size}`);

      await there.goto(app.issuer);
      await there.getByRole('heading', { name: /^Un seul compte/ }).waitFor();
      const deadline = Date.now() + 8_000;
      for (;;) {
        await there.goto(urls.messagerie as string);
        if (await there.getByRole('link', { name: 'Se connecter avec Caducée' }).isVisible()) break;
        expect(Date.now(), 'the application signs out').to.be.below(deadline);
      }

      await here.goto(`${urls.laboratoire}/login`);
      await here.getByRole('heading', { name: /^Bonjour Camille/ }).waitFor();
      await here.goto(`${app.issuer}/mon-compte/applications`);
      await see(here, 'Applications autorisées', `applications-${size}`);
      await here.getByRole('button', { name: "Retirer l'accès de Laboratoire" }).click();
      await here.getByText("L'accès de cette application est retiré.").waitFor();
      await see(here, 'Applications autorisées', `no-application-${size}`);
      await menu.getByRole('link', { name: 'Activité récente' }).click();
      await see(here, 'Activité récente', `activity-${size}`);
      await here.getByText('Accès retiré à Laboratoire').first().waitFor();
      await here
        .getByText(/^Session fermée à distance/)
        .first()
        .waitFor();
    });
});
