import { expect } from 'chai';
import { seedDirectory } from '../../seeds/demo/seed.ts';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { decide, findSheet } from '../../src/approvals/decide.ts';
import { createTestAccount, createTestAdministrator, signInAdministrator } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';
import { accountIdOf, CAMILLE, DOMINIQUE, type Person, signedIn } from './support.ts';

const PROFILE = '/mon-compte';
const EDIT = '/mon-compte?edition=1';
const LISE = { email: 'lise@example.test', phone: '+33639980098' };

describe('« Mon profil »', () => {
  let app: TestApp;
  let passwordHash: string;
  let andrea: Visitor;

  beforeEach(async () => {
    app = await startTestApp();
    passwordHash = await app.deps.hasher.hash('demo-caducee-2026');
    andrea = new Visitor(app.issuer);
    await signInAdministrator(app, andrea);
  });
  afterEach(() => app.close());

  const row = async (person: Person) =>
    app.database
      .knex('accounts')
      .where({ id: await accountIdOf(app, person) })
      .first();
  const requestOf = async (person: Person) =>
    app.database
      .knex('approvals')
      .where({ account_id: await accountIdOf(app, person), kind: 'profile-change' })
      .orderBy('created_at', 'desc')
      .first();
  const eventsOf = async (person: Person) =>
    app.database
      .knex('journal')
      .where({ subject: await accountIdOf(app, person) })
      .whereRaw("(event LIKE 'profile%' OR event LIKE 'approval%')")
      .orderBy('seq')
      .pluck('event');

  /** The form as it is shown, with some fields typed anew. */
  function filled(page: Page, typed: Record<string, string>): Record<string, string> {
    const inputs = [...page.text.matchAll(/<input\b[^>]*\bname="(\w+)"[^>]*\bvalue="([^"]*)"/g)];
    const selects = [...page.text.matchAll(/<select\b[^>]*\bname="(\w+)"[\s\S]*?<\/select>/g)];
    const values = {
      ...Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, value])),
      ...Object.fromEntries(
        selects.map(([text, name = '']) => [name, /value="([^"]*)" selected/.exec(text)?.[1] ?? '']),
      ),
    };
    const { _csrf, ...fields } = values as Record<string, string>;
    return { ...fields, ...typed };
  }

  async function edit(visitor: Visitor, typed: Record<string, string>): Promise<Page> {
    const page = await visitor.get(EDIT);
    return visitor.submit(page, filled(page, typed), PROFILE);
  }

  const decideAs = async (visitor: Visitor, id: string, fields: Record<string, string>) => {
    const url = `/administration/demandes/${id}`;
    const page = await visitor.get(url);
    const seen = /name="seen" value="([0-9a-f]{64})"/.exec(page.text)?.[1] ?? '';
    return visitor.follow(await visitor.send(page, { seen, reason: '', note: '', ...fields }, url));
  };

  /** Claims of a fresh sign-in. */
  async function claimsOf(visitor: Visitor) {
    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const back = await visitor.get(authorization.url);
    const tokens = await client.exchange(authorization, back.headers.get('location') as string);
    const answer = await fetch(`${app.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    return (await answer.json()) as Record<string, unknown>;
  }

  it('is for who is signed in, and comes back through the sign-in', async () => {
    const visitor = new Visitor(app.issuer);
    const first = await visitor.request(PROFILE);
    expect(first.headers.get('location')).to.equal('/connexion?vers=mon-compte');
    const page = await signIn(app, visitor, PROFILE, CAMILLE);
    expect(new URL(page.url).pathname).to.equal(PROFILE);
    const words = wordsOf(page);
    for (const text of ['Mon profil', 'Civilité', 'N° RPPS 99700900048', 'Profession Médecin', 'lieux'])
      expect(words).to.include(text);
    expect(page.text, 'locked').not.to.include('name="familyName"');
    expect((await visitor.get(EDIT)).text).to.include('name="familyName"');
  });

  it('changes the profession at once, and asks nobody', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const done = await edit(visitor, { profession: '40' });
    expect(wordsOf(done)).to.include("C'est enregistré.").and.to.include('Profession Chirurgien');
    expect((await claimsOf(visitor)).profession).to.equal('40');
    expect(await eventsOf(CAMILLE)).to.deep.equal(['profile.changed']);
    expect(await requestOf(CAMILLE)).to.equal(undefined);
    await visitor.get(PROFILE);
    await edit(visitor, {});
    expect(await eventsOf(CAMILLE), 'the same again is no change').to.have.length(1);
  });

  it('keeps the old name in use and in tokens until an administrator approves the new one', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const before = await row(CAMILLE);
    const asked = await edit(visitor, { familyName: 'MARTIN-LEROY', profession: '40' });
    const words = wordsOf(asked);
    expect(words)
      .to.include("En attente d'approbation")
      .and.to.include(`Nom : ${before.family_name} → MARTIN-LEROY`)
      .and.to.match(/Demandé le \d/)
      .and.to.include('Annuler ma demande');
    expect((await row(CAMILLE)).family_name).to.equal(before.family_name);
    expect((await row(CAMILLE)).profession_code, 'the rest changes at once').to.equal('40');
    expect((await claimsOf(visitor)).family_name).to.equal(before.family_name);
    const editing = await visitor.get(EDIT);
    expect(editing.text, 'not edited twice').not.to.include('name="familyName"');
    expect(editing.text).to.include('name="profession"');

    const { id } = await requestOf(CAMILLE);
    expect(wordsOf(await andrea.get('/administration/demandes'))).to.include('Modification de profil');
    const sheet = wordsOf(await andrea.get(`/administration/demandes/${id}`));
    expect(sheet)
      .to.include('Modification du profil de')
      .and.to.include('Ce qui changerait')
      .and.to.match(new RegExp(`Nom aujourd'hui ${before.family_name} demandé MARTIN-LEROY`))
      .and.to.include("Tableau de l'Ordre");
    const decided = await decideAs(andrea, id, { decision: 'approve' });
    expect(wordsOf(decided)).to.include('Demande approuvée par');
    expect((await row(CAMILLE)).family_name).to.equal('MARTIN-LEROY');
    expect((await claimsOf(visitor)).family_name).to.equal('MARTIN-LEROY');
    expect((await app.waitForMessage(CAMILLE.email, { after: 1 })).subject).to.equal(
      'Votre profil est modifié',
    );
    expect(wordsOf(await visitor.get(PROFILE))).not.to.include("En attente d'approbation");
    expect(await eventsOf(CAMILLE)).to.deep.equal([
      'profile.changed',
      'approval.requested',
      'profile-change.approved',
    ]);
    const entries = await app.database.knex('journal').whereLike('event', 'profile-change%').pluck('entry');
    expect(entries.join()).to.include('familyName').and.not.to.include('LEROY');
  });

  it('tells the person why it is refused, and changes nothing', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const before = await row(CAMILLE);
    await edit(visitor, { givenName: 'Dominique' });
    const { id } = await requestOf(CAMILLE);
    expect(wordsOf(await decideAs(andrea, id, { decision: 'refuse' }))).to.include('motif');
    await decideAs(andrea, id, { decision: 'refuse', reason: 'Envoyez\nune pièce.' });
    const mail = await app.waitForMessage(CAMILLE.email, { after: 1 });
    expect(mail.subject).to.equal("Votre demande de modification n'est pas acceptée");
    expect(mail.text).to.include('Envoyez').and.to.include('une pièce.').and.to.include('Prénom');
    expect(await row(CAMILLE)).to.deep.equal(before);
    expect((await visitor.get(EDIT)).text, 'may ask again').to.include('name="givenName"');
  });

  it('may be taken back, once, by its person alone', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const other = await signedIn(app, DOMINIQUE);
    const asked = await edit(visitor, { familyName: 'AUTRE' });
    const { id } = await requestOf(CAMILLE);
    const action = `/mon-compte/demandes/${id}/annuler`;
    const foreign = await other.get(EDIT);
    for (const wrong of [action, '/mon-compte/demandes/x/annuler', action.replace(/[0-9a-f]/g, '0')])
      expect((await other.send(foreign, {}, wrong)).status, wrong).to.equal(404);
    const sheet = await andrea.get(`/administration/demandes/${id}`);
    const done = await visitor.submit(asked, {}, '/annuler');
    expect(wordsOf(done)).to.include('Votre demande est annulée');
    expect((await requestOf(CAMILLE)).decision).to.equal('withdrawn');
    expect(wordsOf(await visitor.follow(await visitor.send(asked, {}, action)))).to.include(
      "n'attendait plus",
    );
    const late = await andrea.send(sheet, { seen: '', decision: 'approve' }, sheet.url);
    expect(late.status).to.equal(409);
    expect(wordsOf(late)).to.include('sans objet');
    expect((await row(CAMILLE)).family_name).not.to.equal('AUTRE');
    expect(await eventsOf(CAMILLE)).to.deep.equal(['approval.requested', 'approval.withdrawn']);
  });

  it('is not approved on data that changed since it was asked, or since it was read', async () => {
    const visitor = await signedIn(app, CAMILLE);
    await edit(visitor, { familyName: 'AUTRE' });
    const { id } = await requestOf(CAMILLE);
    const url = `/administration/demandes/${id}`;
    const page = await andrea.get(url);
    const seen = /name="seen" value="([0-9a-f]{64})"/.exec(page.text)?.[1] ?? '';
    const { knex } = app.database;
    await knex('accounts')
      .where({ id: await accountIdOf(app, CAMILLE) })
      .update({ profession_code: '40' });
    const stale = await andrea.send(page, { seen, decision: 'approve', reason: '', note: '' }, url);
    expect(stale.status).to.equal(409);
    expect(wordsOf(stale)).to.include('ont changé pendant que vous les lisiez');

    await knex('accounts')
      .where({ id: await accountIdOf(app, CAMILLE) })
      .update({ given_name: 'Sasha' });
    const changed = await decideAs(andrea, id, { decision: 'approve' });
    expect(changed.status).to.equal(409);
    expect(wordsOf(changed)).to.include('elle ne peut plus être approuvée');
    expect((await row(CAMILLE)).family_name).not.to.equal('AUTRE');
    await decideAs(andrea, id, { decision: 'refuse', reason: 'Refaites-la.' });
    expect((await requestOf(CAMILLE)).decision).to.equal('refused');
  });

  it('gives no two accounts one RPPS number', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const asked = await edit(visitor, { rpps: '99700900071' });
    expect(wordsOf(asked), 'the page says nothing of it').to.include('En attente');
    const { id } = await requestOf(CAMILLE);
    expect(wordsOf(await andrea.get(`/administration/demandes/${id}`))).to.include(
      'Un compte actif a déjà ce numéro RPPS',
    );
    const refused = await decideAs(andrea, id, { decision: 'approve' });
    expect(refused.status).to.equal(409);
    expect((await row(CAMILLE)).rpps).to.equal('99700900048');
  });

  it('proves an identity by the Order no longer than the Order says the same', async () => {
    const { knex } = app.database;
    const id = await accountIdOf(app, CAMILLE);
    const known = await knex('ordinal_register').where({ rpps: '99700900048' }).first();
    const visitor = await signedIn(app, CAMILLE);
    const set = (columns: object) => knex('accounts').where({ id }).update(columns);
    await set({ identity_proof: 'ordinal-register', given_name: 'Erreur', civilite_exercice_code: 'DR' });
    await edit(visitor, { givenName: known.given_name, familyName: known.family_name });
    await decideAs(andrea, (await requestOf(CAMILLE)).id, { decision: 'approve' });
    expect(await row(CAMILLE)).to.include({
      identity_proof: 'ordinal-register',
      civilite_exercice_code: 'DR',
    });

    await edit(visitor, { familyName: 'AUTRE' });
    await decideAs(andrea, (await requestOf(CAMILLE)).id, { decision: 'approve' });
    expect(await row(CAMILLE)).to.include({ identity_proof: 'declared', civilite_exercice_code: null });
  });

  it('is never decided by its own person', async () => {
    await edit(andrea, { familyName: 'AUTRE' });
    const admin = { email: 'admin@example.test' };
    const { id } = await requestOf(admin);
    await createTestAdministrator(app.deps, { ...LISE, passwordHash });
    const refused = await decideAs(andrea, id, { decision: 'approve' });
    expect(refused.status).to.equal(403);
    const lise = new Visitor(app.issuer);
    await signInAdministrator(app, lise, LISE);
    await decideAs(lise, id, { decision: 'approve' });
    expect((await row(admin)).family_name).to.equal('AUTRE');
  });

  it('is decided once, whoever comes at the same time: two administrators, or its person who takes it back', async () => {
    const liseId = await createTestAdministrator(app.deps, { ...LISE, passwordHash });
    const { knex } = app.database;
    const andreaId = (await row({ email: 'admin@example.test' })).id;
    for (let round = 0; round < 6; round += 1) {
      const visitor = await signedIn(app, CAMILLE);
      await knex('throttle_counters').delete();
      const asked = await edit(visitor, { familyName: `NOM ${'ABCDEF'[round]}` });
      const { id } = await requestOf(CAMILLE);
      const seenHash = (await findSheet(knex, id))?.seenHash ?? '';
      const by = (accountId: string, decision: 'approved' | 'refused') =>
        decide(knex, app.deps, {
          approvalId: id,
          by: { accountId },
          decision,
          reason: 'Non.',
          note: '',
          seenHash,
        });
      const outcomes = await Promise.all([
        by(andreaId, 'approved'),
        by(liseId, 'refused'),
        visitor.submit(asked, {}, '/annuler'),
      ]);
      const { decision } = await requestOf(CAMILLE);
      const [one, two, page] = outcomes;
      expect([one.ok, two.ok, wordsOf(page).includes('Votre demande est annulée')]).to.deep.equal([
        decision === 'approved',
        decision === 'refused',
        decision === 'withdrawn',
      ]);
      expect((await row(CAMILLE)).family_name === `NOM ${'ABCDEF'[round]}`).to.equal(decision === 'approved');
      await knex('approvals').where({ kind: 'profile-change' }).delete();
    }
  });

  it('lets one request wait, of two forms sent at once', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get(EDIT);
    await Promise.all(
      ['UN', 'DEUX', 'TROIS'].map((familyName) => visitor.send(page, filled(page, { familyName }), PROFILE)),
    );
    expect(await app.database.knex('approvals').where({ kind: 'profile-change' })).to.have.length(1);
  });

  it('shows what is wrong beside the field, and keeps what was typed', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get(EDIT);
    const typed = filled(page, { familyName: '<b>', rpps: '99700900049', profession: 'x', civilite: '' });
    const refused = await visitor.submit(page, typed, PROFILE);
    expect(refused.status).to.equal(422);
    expect(refused.text).to.include('value="&lt;b&gt;"').and.to.include('value="99700900049"');
    for (const id of ['civilite', 'familyName', 'rpps', 'profession'])
      expect(refused.text).to.include(`id="${id}-fault"`);
    expect(await eventsOf(CAMILLE)).to.deep.equal([]);
  });

  it('sends at most five requests a day to the administrators', async () => {
    const visitor = await signedIn(app, CAMILLE);
    for (let index = 0; index < 5; index += 1) {
      const asked = await edit(visitor, { familyName: `NOM ${'ABCDE'[index]}` });
      await visitor.submit(asked, {}, '/annuler');
    }
    const sixth = await edit(visitor, { familyName: 'NOM F' });
    expect(sixth.status).to.equal(422);
    expect(sixth.text).to.include('value="NOM F"');
    expect((await requestOf(CAMILLE)).decision).to.equal('withdrawn');
  });

  describe('of a shared account', () => {
    async function shared() {
      const { knex } = app.database;
      const person = (email: string, givenName: string) => ({
        ...{ familyName: 'PETIT', givenName, civiliteCode: 'MME', passwordHash, termsVersion: 'test' },
        email: { address: email, canonical: email },
      });
      const made = await createSharedAccount(knex, app.deps, {
        title: 'Secrétariat du port',
        state: 'active',
        firstMember: person('anne@example.test', 'Anne'),
      });
      await addMember(knex, app.deps, made.accountId, person('basile@example.test', 'Basile'), {
        invitedBy: made.memberId,
      });
      return made;
    }

    it('a member’s own names change at once, and the star is told', async () => {
      await shared();
      const basile = await signedIn(app, { email: 'basile@example.test' });
      const done = await edit(basile, { familyName: 'GRAND' });
      expect(wordsOf(done)).to.include('Nom GRAND').and.to.include('Secrétariat du port');
      const mail = await app.waitForMessage('anne@example.test');
      expect(mail.text).to.include('Madame Basile PETIT se nomme maintenant Madame Basile GRAND');
      const names = await app.database.knex('account_members').orderBy('given_name').pluck('family_name');
      expect(names).to.deep.equal(['PETIT', 'GRAND']);
      expect(await app.database.knex('approvals').where({ kind: 'profile-change' })).to.deep.equal([]);
    });

    it('its title goes to an administrator, and stays meanwhile', async () => {
      const { accountId, memberId } = await shared();
      const anne = await signedIn(app, { email: 'anne@example.test' });
      const asked = await edit(anne, { title: 'Secrétariat du phare' });
      expect(wordsOf(asked)).to.include('Intitulé du compte : Secrétariat du port → Secrétariat du phare');
      const { id } = await requestOf({ email: 'anne@example.test' });
      const [entry] = await app.database
        .knex('journal')
        .where({ event: 'approval.requested', actor: memberId });
      expect(entry.subject).to.equal(accountId);
      await decideAs(andrea, id, { decision: 'approve' });
      expect((await claimsOf(anne)).name).to.equal('Secrétariat du phare');
      expect((await app.waitForMessage('anne@example.test', { after: 1 })).text).to.include('Bonjour Anne');
    });
  });

  it('has workplaces that change at once, with the laboratory of each', async () => {
    await seedDirectory(app.deps);
    const { knex } = app.database;
    const visitor = await signedIn(app, CAMILLE);
    const id = await accountIdOf(app, CAMILLE);
    const page = await visitor.get('/mon-compte/lieux');
    const had = [...page.text.matchAll(/name="workplace" value="([^"]+)"/g)].map(
      ([, place]) => place as string,
    );
    const [place] = await knex('workplaces').where({ gone: false }).whereNotIn('id', had).limit(1);
    const found = await visitor.submit(
      page,
      { action: 'search', query: place.name, ...(had[0] && { workplace: had[0] }) },
      '/lieux',
    );
    expect(found.text).to.include(place.id);
    const centres = await visitor.submit(found, { action: 'continue', workplace: place.id }, '/lieux');
    expect(wordsOf(centres)).to.include('Vos laboratoires');
    const missing = await visitor.submit(centres, { workplace: place.id }, '/laboratoires');
    expect(missing.status).to.equal(422);
    const [centre] = await knex('laboratory_centres').whereNull('closed_at').limit(1);
    const done = await visitor.submit(
      missing,
      { workplace: place.id, [`centre-${place.id}`]: centre.id },
      '/laboratoires',
    );
    expect(new URL(done.url).pathname).to.equal(PROFILE);
    expect(wordsOf(done)).to.include(place.name).and.to.include(`Laboratoire : ${centre.name}`);

    // Gone and closed since: it may be kept, and nobody else may choose it.
    await knex('workplaces').where({ id: place.id }).update({ in_finess: false, in_directory: false });
    await knex('laboratory_centres').where({ id: centre.id }).update({ closed_at: app.clock.now() });
    const again = await visitor.get('/mon-compte/lieux');
    const kept = await visitor.submit(again, { action: 'continue', workplace: place.id }, '/lieux');
    expect(kept.text).to.match(new RegExp(`value="${centre.id}" selected`));
    await visitor.submit(kept, { workplace: place.id, [`centre-${place.id}`]: centre.id }, '/laboratoires');
    expect(await knex('account_workplaces').where({ account_id: id })).to.have.length(1);
    const stranger = await signedIn(app, DOMINIQUE);
    const foreign = await stranger.get('/mon-compte/lieux');
    const refused = await stranger.submit(foreign, { action: 'continue', workplace: place.id }, '/lieux');
    expect(refused.status).to.equal(422);
    expect(wordsOf(await visitor.get(PROFILE))).to.include("Ce lieu n'est plus dans les registres.");
    expect(await eventsOf(CAMILLE)).to.deep.equal(['profile.changed', 'profile.changed']);
  });

  it('asks of a secretary neither number nor more than they have', async () => {
    const email = 'secretaire@example.test';
    const id = await createTestAccount(app.deps, { email, passwordHash });
    await app.database.knex('accounts').where({ id }).update({ kind: 'secretary' });
    const visitor = await signedIn(app, { email });
    const page = await visitor.get(EDIT);
    expect(page.text).not.to.include('name="rpps"');
    // Without civility nor profession until now: who corrects a name is not asked about them.
    const asked = await visitor.submit(page, filled(page, { familyName: 'AUTRE' }), PROFILE);
    expect(wordsOf(asked)).to.include('Nom : DOC0091000 → AUTRE');
  });
});
