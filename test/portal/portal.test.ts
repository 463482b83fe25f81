import { expect } from 'chai';
import { createSharedAccount } from '../../src/accounts/members.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { answerEmail, linkEmail, offeredEmails } from '../support/links.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const CAMILLE = 'camille@example.test';
const CABINET = 'camille.cabinet@example.test';
const QUESTION = 'Quelle adresse email utiliser comme identifiant pour cette application ?';

describe('the portal', () => {
  let app: TestApp;
  let passwordHash: string;
  let made = 0;
  before(async () => {
    app = await startTestApp();
    passwordHash = await app.deps.hasher.hash(PASSWORD);
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const initiated = (port: number) => `http://localhost:${port}/login?iss=${encodeURIComponent(app.issuer)}`;
  const hrefOf = (page: Page, name: string) =>
    new RegExp(`<a href="([^"]*)"[^>]*>${name}</a>`).exec(page.text)?.[1]?.replaceAll('&amp;', '&');
  const namesOf = (page: Page) =>
    [...page.text.matchAll(/<li class="tile[^"]*">[\s\S]*?<h3[^>]*>(?:<a[^>]*>)?([^<]+)</g)].map(
      ([, name]) => name,
    );
  const visitorOf = async (email: string) => {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', { email });
    return visitor;
  };
  const newPerson = async () => {
    made += 1;
    const email = `portail${made}@example.test`;
    const id = await createTestAccount(app.deps, { email, passwordHash });
    return { id, email, visitor: await visitorOf(email) };
  };
  const register = (clientId: string, name: string, more: object = {}) =>
    saveApplication(
      app.database.knex,
      app.clock,
      {
        clientId,
        name,
        description: '',
        icon: 'calendar',
        firstParty: true,
        onPortal: true,
        startUrl: `https://${clientId}.example.test/accueil`,
        metadata: { redirect_uris: [`https://${clientId}.example.test/cb`] },
        ...more,
      },
      undefined,
    );

  it('leads to an application that knows the person, and asks for the address on the way to another', async () => {
    const visitor = await visitorOf(CAMILLE);
    const portal = await visitor.get('/');
    expect(wordsOf(portal)).to.include(`Connu sous ${CAMILLE}`).and.to.include('adresse à choisir');
    expect(hrefOf(portal, 'Messagerie')).to.equal(initiated(4_001));
    expect(hrefOf(portal, 'Laboratoire')).to.equal('/ouvrir/laboratoire');

    const question = await visitor.get('/ouvrir/laboratoire');
    expect(wordsOf(question)).to.include(QUESTION).and.to.include('Vous allez vers Laboratoire');
    expect([...offeredEmails(question).keys()]).to.deep.equal([CAMILLE, CABINET]);
    expect(question.headers.get('content-security-policy')).to.include(
      "form-action 'self' http://localhost:4002",
    );
    for (const email of ['', 'x', offeredEmails(question).get(CABINET)?.replace(/.$/, '') ?? '']) {
      const refused = await visitor.submit(question, { email });
      expect(refused.status).to.equal(422);
      expect(wordsOf(refused)).to.include("Choisissez l'une de vos adresses.");
    }
    const on = await answerEmail(visitor, question, CABINET);
    expect(on.status).to.equal(303);
    expect(on.headers.get('location')).to.equal(initiated(4_002));
    const after = await visitor.get('/');
    expect(wordsOf(after)).to.include(`Connu sous ${CABINET}`).and.not.to.include('adresse à choisir');
    expect(hrefOf(after, 'Laboratoire')).to.equal(initiated(4_002));

    const late = await answerEmail(visitor, question, CAMILLE);
    expect(wordsOf(late), 'a page that was left open')
      .to.include('Une adresse était déjà choisie pour cette application')
      .and.to.include(`Connu sous ${CABINET}`);
    expect(wordsOf(await visitor.get('/')), 'said once').not.to.include('déjà choisie');
    const same = await answerEmail(visitor, question, CABINET);
    expect(same.headers.get('location')).to.equal(initiated(4_002));
    const again = await visitor.request('/ouvrir/laboratoire');
    expect(again.headers.get('location')).to.equal(initiated(4_002));
  });

  it('has one answer when two tabs give two at the same moment', async () => {
    const { id, email, visitor } = await newPerson();
    const { knex } = app.database;
    const other = `cabinet-${email}`;
    await knex('email_addresses').insert({
      id,
      account_id: id,
      address: other,
      canonical: other,
      verified_at: app.clock.now(),
    });
    const question = await visitor.get('/ouvrir/laboratoire');
    const answers = await Promise.all(
      [email, other, email, other].map((address) => answerEmail(visitor, question, address)),
    );
    // Half of them are told that the other address stands.
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 200, 303, 303]);
    expect(await knex('application_emails').where({ account_id: id })).to.have.length(1);
    expect(await knex('journal').where({ subject: id, event: 'application-email.chosen' })).to.have.length(1);
  });

  it('asks nothing of who has one address, and says which it is', async () => {
    const { email, visitor } = await newPerson();
    const portal = await visitor.get('/');
    expect(wordsOf(portal)).to.include(`Connu sous ${email}`).and.not.to.include('adresse à choisir');
    expect(hrefOf(portal, 'Laboratoire')).to.equal(initiated(4_002));
    expect((await visitor.request('/ouvrir/laboratoire')).headers.get('location')).to.equal(initiated(4_002));
  });

  it('asks nothing for an application that never asks for an address', async () => {
    const metadata = { redirect_uris: ['https://statistiques.example.test/cb'], scope: 'openid profile' };
    await register('statistiques', 'Statistiques', { metadata });
    const visitor = await visitorOf(CAMILLE);
    const portal = await visitor.get('/');
    expect(hrefOf(portal, 'Statistiques')).to.equal('https://statistiques.example.test/accueil');
    expect(wordsOf(portal)).not.to.match(/Statistiques +adresse à choisir/);
    await app.database.knex('applications').where({ client_id: 'statistiques' }).delete();
  });

  it('offers nothing of what is unknown, not on it or badly written, and sends a visitor to sign in', async () => {
    await register('cachee', 'Cachée', { onPortal: false });
    await register('mauvaise', 'Mauvaise', { startUrl: 'javascript:alert(1)' });
    const visitor = await visitorOf(CAMILLE);
    for (const name of ['cachee', 'mauvaise', 'caducee', 'nulle-part', '%00', "'"])
      expect((await visitor.request(`/ouvrir/${name}`)).status, name).to.equal(404);
    expect(namesOf(await visitor.get('/'))).to.have.members(['Messagerie', 'Laboratoire']);
    const stranger = await new Visitor(app.issuer).request('/ouvrir/laboratoire');
    expect(stranger.headers.get('location')).to.equal('/connexion');
    await app.database.knex('applications').whereIn('client_id', ['cachee', 'mauvaise']).delete();
  });

  it('shows what was opened last first, and keeps it at most once an hour', async () => {
    const { id, email, visitor } = await newPerson();
    const lastUse = async (clientId: string): Promise<number | undefined> =>
      (
        await app.database.knex('application_uses').where({ account_id: id, client_id: clientId }).first()
      )?.last_used_at.getTime();
    const openIt = async (clientId: string) => {
      const client = await createTestClient(app.issuer, clientId);
      const page = await visitor.request((await client.authorize()).url);
      expect(page.headers.get('location')).to.include('code=');
      return lastUse(clientId);
    };
    expect(namesOf(await visitor.get('/')), email).to.deep.equal(['Laboratoire', 'Messagerie']);
    const first = await openIt('messagerie');
    expect(namesOf(await visitor.get('/'))).to.deep.equal(['Messagerie', 'Laboratoire']);
    app.clock.advance(MINUTE);
    await openIt('laboratoire');
    expect(namesOf(await visitor.get('/'))).to.deep.equal(['Laboratoire', 'Messagerie']);
    app.clock.advance(58 * MINUTE);
    expect(await openIt('messagerie'), 'within the hour').to.equal(first);
    app.clock.advance(2 * MINUTE);
    expect(await openIt('messagerie')).to.be.greaterThan(first as number);
    expect(namesOf(await visitor.get('/'))).to.deep.equal(['Messagerie', 'Laboratoire']);
    await visitor.request(
      (await (await createTestClient(app.issuer, 'laboratoire')).authorize({ scope: 'x' })).url,
    );
    expect(await app.database.knex('application_uses').where({ account_id: id })).to.have.length(2);
  });

  it('is searched by words, without any script, once there are more than eight tiles', async () => {
    const visitor = await visitorOf(CAMILLE);
    const names = ['Agenda', 'Imagerie médicale', 'Télé-expertise', 'Pharmacie', 'Urgences', 'Vaccins'];
    for (const [index, name] of names.entries()) await register(`autre-${index}`, name);
    expect(wordsOf(await visitor.get('/')), 'eight').not.to.include('Rechercher une application');
    await register('autre-9', 'Biologie', { description: 'Examens de <b>laboratoire</b>' });

    expect(wordsOf(await visitor.get('/'))).to.include('Rechercher une application');
    for (const [search, found, said] of [
      ['imagerie medicale', ['Imagerie médicale'], '1 application trouvée'],
      ['TELE expertise', ['Télé-expertise'], '1 application trouvée'],
      ['laboratoire', ['Biologie', 'Laboratoire'], '2 applications trouvées'],
      ['nulle part', [], 'Aucune application ne correspond'],
      ['"><script>', [], 'Aucune application ne correspond'],
    ] as const) {
      const page = await visitor.get(`/?${new URLSearchParams({ recherche: search })}`);
      expect([...namesOf(page)].sort(), search).to.deep.equal(found);
      expect(wordsOf(page)).to.include(said);
      expect(page.text).not.to.include('<script>"');
      expect(page.text).to.match(/href="\/\?recherche=[^"&]+&langue=en"/);
    }
    expect(namesOf(await visitor.get('/?recherche=a&recherche=b'))).to.have.length(9);
    expect(namesOf(await visitor.get('/?recherche='))).to.have.length(9);
    await app.database.knex('applications').whereLike('client_id', 'autre-%').delete();
  });

  it('is one for all members of a shared account: what one answered, the others read', async () => {
    const { knex } = app.database;
    const emails = { anne: 'anne.portail@example.test', common: 'accueil.portail@example.test' };
    const { accountId } = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du port',
      state: 'active',
      firstMember: {
        familyName: 'PETIT',
        givenName: 'Anne',
        email: { address: emails.anne, canonical: emails.anne },
        passwordHash,
        termsVersion: 'test',
      },
    });
    await knex('email_addresses').insert({
      id: accountId,
      account_id: accountId,
      address: emails.common,
      canonical: emails.common,
      verified_at: app.clock.now(),
    });
    const visitor = await visitorOf(emails.anne);
    await answerEmail(visitor, await visitor.get('/ouvrir/laboratoire'), emails.common);
    await linkEmail(app, 'messagerie', emails.anne);
    const portal = wordsOf(await visitor.get('/'));
    expect(portal).to.include(`Connu sous ${emails.common}`).and.to.include(`Connu sous ${emails.anne}`);
    const [entry] = await knex('journal').where({ event: 'application-email.chosen', subject: accountId });
    expect(entry.actor, 'who of them').not.to.equal(accountId);
  });

  it('says to who waits, or was refused or suspended, what is going on', async () => {
    const { id, email } = await newPerson();
    for (const [state, words] of [
      ['pending', "attend d'être vérifié"],
      ['suspended', 'suspendu'],
      ['refused', "n'a pas été acceptée"],
    ] as const) {
      await app.database.knex('accounts').where({ id }).update({ state });
      const visitor = new Visitor(app.issuer);
      const page = await visitor.submit(await visitor.get('/connexion'), { email, password: PASSWORD });
      expect(wordsOf(page), state).to.include(words);
      expect(wordsOf(await visitor.get('/'))).not.to.include('Vos applications');
    }
  });
});
