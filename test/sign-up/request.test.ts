import { expect } from 'chai';
import { seedDirectory } from '../../seeds/demo/seed.ts';
import { findSignInByEmail } from '../../src/accounts/principals.ts';
import { listWaiting } from '../../src/approvals/approvals.ts';
import { decide, findSheet } from '../../src/approvals/decide.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { searchTextOf } from '../../src/workplaces/search-text.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'une phrase de passe assez longue';
const DOCTOR = '/inscription/medecin';
const SECRETARY = '/inscription/secretariat';
const GONE = { in_finess: false, in_directory: false };
/** In the demo's directory, and nowhere else. */
const KNOWN = { rpps: '99700900089', familyName: 'DOC0090008', givenName: 'SACHA' };
const BY_HAND = {
  rpps: '99700909999',
  familyName: "D'ESSAI0090200",
  givenName: 'Zoé-Anne',
  profession: '50',
  civilite: 'MME',
  manual: 'yes',
};

describe('sign-up that an administrator decides upon', () => {
  let app: TestApp;
  let people = 0;

  before(async () => {
    app = await startTestApp({ nodes: 2 });
    await seedDirectory(app.deps);
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const newEmail = () => `demande-${++people}@example.test`;
  const heading = (page: Page) =>
    /<h1\b[^>]*>([\s\S]*?)<\/h1>/.exec(page.text)?.[1]?.trim().replace('&#39;', "'");
  const typedIn = (page: Page, name: string) =>
    new RegExp(`<input\\b[^>]*name="${name}"[^>]*value="([^"]*)"`).exec(page.text)?.[1];
  const selectedOf = (page: Page, name: string) =>
    new RegExp(`<select[^>]*name="${name}"[\\s\\S]*?<option value="([^"]*)" selected`).exec(page.text)?.[1];
  const ticked = (page: Page) =>
    [...page.text.matchAll(/<input[^>]*name="workplace" value="([^"]+)" checked/g)].map(
      ([, id]) => id as string,
    );

  async function begin(path = DOCTOR): Promise<{ visitor: Visitor; page: Page }> {
    const visitor = new Visitor(app.issuer);
    return { visitor, page: await visitor.get(path) };
  }
  const rppsOf = async (rpps: string) => app.database.knex('accounts').where({ rpps }).orderBy('created_at');

  /** A number that nobody has, with its key. */
  function newRpps(): string {
    people += 1;
    const stem = `99701${String(people).padStart(5, '0')}`;
    for (let key = 0; key < 10; key += 1) {
      const digits = [...`${stem}${key}`].reverse().map(Number);
      const sum = digits.reduce((total, digit, rank) => {
        const weighted = rank % 2 === 1 ? digit * 2 : digit;
        return total + (weighted > 9 ? weighted - 9 : weighted);
      }, 0);
      if (sum % 10 === 0) return `${stem}${key}`;
    }
    throw new Error('no key fits');
  }

  /** From the workplaces on, to the page of the password. */
  async function upToCredentials(visitor: Visitor, workplaces: Page, email: string): Promise<Page> {
    expect(heading(workplaces)).to.equal("Vos lieux d'exercice");
    const address = await visitor.submit(workplaces, { action: 'continue', none: 'yes' }, '/lieux');
    expect(heading(address)).to.equal('Votre adresse mail');
    const { result: codePage, code } = await app.codeSentBy(email, () =>
      visitor.submit(address, { email }, '/adresse'),
    );
    expect(wordsOf(codePage))
      .to.contain('Code OTP')
      .and.to.contain('Valider mon adresse')
      .and.to.match(/Vous n'avez rien reçu\s\? Le message contient un code, ou vous explique/);
    return visitor.submit(codePage, { code }, '/code');
  }

  const finish = (visitor: Visitor, page: Page, more: Record<string, string> = {}) =>
    visitor.submit(
      page,
      { password: PASSWORD, passwordConfirmation: PASSWORD, terms: 'yes', ...more },
      '/identifiants',
    );

  it('finds a doctor in the directory, fills the form, and leads to the queue', async () => {
    const client = await createTestClient(app.issuer, 'messagerie');
    const visitor = new Visitor(app.issuer);
    const signInPage = await visitor.get((await client.authorize()).url);
    const uid = new URL(signInPage.url).pathname.split('/')[2];
    const start = await visitor.get(`${DOCTOR}?connexion=${uid}`);
    expect(wordsOf(start)).to.contain('Vous allez vers Messagerie');

    const found = await visitor.submit(start, { familyName: 'doc0090008', action: 'search' });
    expect(wordsOf(found)).to.contain('DOC0090008 SACHA').and.to.contain(`RPPS ${KNOWN.rpps}`);
    expect(found.text).not.to.match(/tel:|mailto:(?!assistance)/);
    expect(wordsOf(found)).not.to.match(/06 ?\d\d ?\d\d/);
    const choice = /name="choose" value="([^"]+)"/.exec(found.text)?.[1] ?? '';
    const filled = await visitor.submit(found, { choose: choice });
    expect(wordsOf(filled)).to.match(/Ligne choisie\s:\s+DOC0090008 SACHA ?, Médecin, RPPS 99700900089/);
    expect(typedIn(filled, 'familyName')).to.equal(KNOWN.familyName);
    expect(typedIn(filled, 'givenName')).to.equal(KNOWN.givenName);
    expect(typedIn(filled, 'rpps')).to.equal(KNOWN.rpps);
    expect(selectedOf(filled, 'profession')).to.equal('10');
    expect(selectedOf(filled, 'civilite')).to.equal('M');

    const places = await visitor.submit(filled, {
      ...KNOWN,
      person: typedIn(filled, 'person') ?? '',
      profession: '10',
      civilite: 'M',
      action: 'continue',
    });
    const suggested = ticked(places);
    expect(suggested, 'the workplace that the directory knows').to.have.length.of.at.least(1);
    const more = await visitor.submit(
      places,
      { workplace: suggested[0] as string, query: 'valbrume', action: 'search' },
      '/lieux',
    );
    expect(ticked(more), 'what was ticked stays').to.deep.equal([suggested[0]]);
    expect(wordsOf(more)).to.contain('VALBRUME');

    const centres = await visitor.submit(
      more,
      { workplace: suggested[0] as string, action: 'continue' },
      '/lieux',
    );
    expect(wordsOf(centres)).to.contain('Terminer').and.to.contain('Centre des Quais');
    const forgotten = await visitor.submit(centres, {}, '/laboratoires');
    expect(forgotten.status).to.equal(422);
    expect(wordsOf(forgotten)).to.match(/Choisissez un laboratoire pour \S+/);
    const [centre] = await app.database.knex('laboratory_centres').where({ name: 'Centre des Quais' });
    const address = await visitor.submit(centres, { [`centre-${suggested[0]}`]: centre.id }, '/laboratoires');
    const email = newEmail();
    const { result: codePage, code } = await app.codeSentBy(email, () =>
      visitor.submit(address, { email }, '/adresse'),
    );
    const credentials = await visitor.submit(codePage, { code }, '/code');
    const many = await finish(visitor, credentials, { phones: '1,'.repeat(5_000) });
    expect(wordsOf(many), 'counted, not read').to.contain('5 numéros au plus');
    const weak = await finish(visitor, credentials, { password: 'court', phones: '06 39 98 00 21, bonjour' });
    expect(weak.status).to.equal(422);
    expect(wordsOf(weak)).to.contain('trop court').and.to.contain("Ce numéro de téléphone n'est pas");
    expect(typedIn(weak, 'phones')).to.equal('06 39 98 00 21, bonjour');
    const { name, town } = await app.database.knex('workplaces').where({ id: suggested[0] }).first();
    const [longest] = [...name.split(/[^\p{L}]+/u), town].sort((a, b) => b.length - a.length);
    const made = `${longest}-${longest}`.toLowerCase().padEnd(12, '7');
    const place = await finish(visitor, weak, { password: made, passwordConfirmation: made });
    expect(wordsOf(place), made).to.contain('Ce mot de passe contient votre nom');
    const unread = await finish(visitor, weak, { terms: '' });
    expect(wordsOf(unread)).to.contain('ressaisissez aussi votre mot de passe');
    expect(unread.text).to.match(/data-known="[^"]*DOC0090008/);
    const end = await finish(visitor, weak, { phones: '06 39 98 00 21 ; +33 6 39 98 00 22' });
    expect(heading(end)).to.equal('Connectez-vous');
    expect(wordsOf(end)).to.contain('Votre demande est enregistrée').and.to.contain('48 heures ouvrées');
    expect(wordsOf(await visitor.get('/connexion'))).not.to.contain('Votre demande est enregistrée');

    const [account] = await rppsOf(KNOWN.rpps);
    expect(account).to.include({ state: 'pending', kind: 'professional', identity_proof: 'declared' });
    expect(account.terms_version).to.be.a('string');
    expect(account.terms_accepted_at).to.be.a('date');
    const places2 = await app.database.knex('account_workplaces').where({ account_id: account.id });
    expect(places2).to.have.length(1);
    expect(places2[0]).to.include({ workplace_id: suggested[0], centre_id: centre.id });
    expect(
      await app.database
        .knex('declared_phone_numbers')
        .where({ account_id: account.id })
        .orderBy('number')
        .pluck('number'),
    ).to.deep.equal(['+33639980021', '+33639980022']);
    expect(
      (await listWaiting(app.database.knex, { order: 'oldest', limit: 50, offset: 0 })).some((one) =>
        one.displayName.includes('DOC0090008'),
      ),
    ).to.equal(true);
    expect((await app.waitForMessage(email, { after: 1 })).subject).to.equal(
      'Nous avons bien reçu votre demande',
    );

    const authorization = await client.authorize();
    const form = await new Visitor(app.issuer).get(authorization.url);
    const refused = await visitor.submit(form, { email, password: PASSWORD }).catch(() => undefined);
    expect(refused?.headers.get('location') ?? '').not.to.contain('code=');
    const other = new Visitor(app.issuer);
    const told = await other.submit(await other.get(authorization.url), { email, password: PASSWORD });
    expect(wordsOf(told)).to.contain("Votre compte attend d'être vérifié");
    expect(app.codesTo(email), 'no code, no token').to.equal(1);
  });

  it('takes the form by hand, once the box says so', async () => {
    const { visitor, page } = await begin();
    const { manual: _, ...typed } = { ...BY_HAND, rpps: newRpps() };
    const refused = await visitor.submit(page, { ...typed, action: 'continue' });
    expect(refused.status).to.equal(422);
    expect(wordsOf(refused)).to.contain('cochez cette case pour vous inscrire manuellement');
    expect(typedIn(refused, 'givenName')).to.equal('Zoé-Anne');
    expect(selectedOf(refused, 'profession')).to.equal('50');

    const wrong = await visitor.submit(refused, {
      ...typed,
      rpps: '99700909998',
      manual: 'yes',
      action: 'continue',
    });
    expect(wordsOf(wrong)).to.contain('Ce numéro RPPS contient une erreur de frappe');
    const places = await visitor.submit(wrong, { ...typed, manual: 'yes', action: 'continue' });
    expect(ticked(places)).to.deep.equal([]);
    const [place] = await app.database.knex('workplaces').where({ gone: false }).limit(1).pluck('id');
    const both = await visitor.submit(
      places,
      { action: 'continue', none: 'yes', workplace: place },
      '/lieux',
    );
    expect(wordsOf(both)).to.contain("l'un exclut l'autre");
    expect(ticked(both)).to.deep.equal([place]);
    expect(both.text, 'both come back ticked').to.match(/name="none"[^>]* checked/);
    const none = await visitor.submit(places, { action: 'continue' }, '/lieux');
    expect(wordsOf(none)).to.contain("Cochez au moins un lieu d'exercice");
    const end = await finish(visitor, await upToCredentials(visitor, none, newEmail()));
    expect(wordsOf(end)).to.contain('Votre demande est enregistrée');
    const [account] = await rppsOf(typed.rpps);
    expect(account).to.include({ state: 'pending', family_name: "D'ESSAI0090200", profession_code: '50' });
  });

  it('takes Enter for « search » until the form is filled, by hand or from a line', async () => {
    const { visitor, page } = await begin();
    const buttons = [...page.text.matchAll(/<button\b[^>]*type="submit"[^>]*>/g)].map(([tag]) => tag);
    expect(buttons[0], 'what Enter presses').to.contain('value="enter"').and.to.contain('aria-hidden="true"');
    const found = await visitor.submit(page, { familyName: 'doc0090008', action: 'enter' });
    expect(wordsOf(found)).to.contain('DOC0090008 SACHA');
    const choice = /name="choose" value="([^"]+)"/.exec(found.text)?.[1] ?? '';
    const line = { ...KNOWN, person: choice, profession: '10', civilite: 'M', action: 'enter' };
    expect(heading(await visitor.submit(found, line))).to.equal("Vos lieux d'exercice");

    const typed = { ...BY_HAND, rpps: newRpps(), action: 'enter' };
    const wrong = await visitor.submit(page, { ...typed, rpps: '99700909998' });
    expect(wordsOf(wrong)).to.contain('Ce numéro RPPS contient une erreur de frappe');
    expect(wrong.text, 'no results to go down to').not.to.contain('id="resultats"');
    expect(heading(await visitor.submit(wrong, typed))).to.equal("Vos lieux d'exercice");
  });

  it('shows eight places, and the others behind « Afficher plus »', async () => {
    const { knex } = app.database;
    const names = Array.from({ length: 10 }, (_, index) => `CLINIQUE REPLIEE ${index}`);
    await knex('workplaces').insert(
      names.map((name, index) => ({
        in_finess: true,
        finess: `0B01980${index}0`,
        name,
        search_text: searchTextOf({ name }),
      })),
    );
    const ids = await knex('workplaces').whereLike('name', 'CLINIQUE REPLIEE%').orderBy('name').pluck('id');
    const { visitor, page } = await begin();
    const places = await visitor.submit(page, { ...BY_HAND, rpps: newRpps(), action: 'continue' });
    const boxes = (text: string) => text.match(/name="workplace"/g)?.length ?? 0;
    const folded = (shown: Page) => /<details[^>]*>[\s\S]*?<\/details>/.exec(shown.text)?.[0] ?? '';
    const found = await visitor.submit(places, { action: 'search', query: 'clinique repliee' }, '/lieux');
    expect(boxes(found.text)).to.equal(10);
    expect(folded(found))
      .to.contain('Afficher plus')
      .and.not.to.match(/<details[^>]* open/);
    expect(boxes(folded(found))).to.equal(2);

    const send = (chosen: string[], more: Record<string, string>) => {
      const token = /name="_csrf" value="([^"]*)"/.exec(places.text)?.[1] ?? '';
      const body = new URLSearchParams({ _csrf: token, ...more });
      for (const id of chosen) body.append('workplace', id);
      return visitor.request(`${places.url}/lieux`, {
        method: 'POST',
        body,
        headers: { origin: app.issuer },
      });
    };
    const kept = await send(ids, { action: 'search', query: 'introuvable ici' });
    expect(ticked(kept), 'what is ticked stays so, folded or not').to.have.length(10);
    expect(boxes(folded(kept))).to.equal(2);
    const wrong = await send(ids, { action: 'continue', none: 'yes' });
    expect(folded(wrong), 'unfolded when something is wrong').to.match(/<details[^>]* open/);
  });

  it('takes an edited line for somebody that the directory does not know', async () => {
    const { visitor, page } = await begin();
    const found = await visitor.submit(page, { familyName: 'doc0090008', action: 'search' });
    const choice = /name="choose" value="([^"]+)"/.exec(found.text)?.[1] ?? '';
    const filled = await visitor.submit(found, { choose: choice });
    const line = {
      ...KNOWN,
      person: typedIn(filled, 'person') ?? '',
      profession: '10',
      civilite: 'M',
      action: 'continue',
    };
    for (const edit of [
      { familyName: 'AUTRE0090009' },
      { givenName: 'Camille' },
      { rpps: '99700900048' },
      { profession: '50' },
    ]) {
      const refused = await visitor.submit(filled, { ...line, ...edit });
      expect(refused.status, JSON.stringify(edit)).to.equal(422);
      expect(wordsOf(refused)).to.contain('Choisissez votre ligne');
      const byHand = await visitor.submit(filled, { ...line, ...edit, manual: 'yes' });
      expect(heading(byHand)).to.equal("Vos lieux d'exercice");
      expect(ticked(byHand), 'no workplace of the line').to.deep.equal([]);
    }
    const invented = await visitor.submit(filled, { ...line, person: '10 8nobody' });
    expect(invented.status).to.equal(422);
    const written = { familyName: 'doc0090008', givenName: 'Sacha', rpps: '99700 90008 9' };
    const same = await visitor.submit(filled, { ...line, ...written });
    expect(ticked(same), 'written otherwise, it is the same').to.have.length.of.at.least(1);
    const again = await visitor.get(`${same.url}/retour`);
    expect(typedIn(again, 'person'), 'the line comes back with the form').to.equal(line.person);
  });

  it('asks for a line first, then names what is wrong in the order of the page', async () => {
    const { visitor, page } = await begin();
    const faults = (shown: Page) =>
      [...shown.text.matchAll(/<li><a href="#(\w+)">/g)].map(([, name]) => name);
    const empty = { profession: '10', civilite: '', action: 'continue' };
    expect(faults(await visitor.submit(page, empty))).to.deep.equal(['manual']);
    const byHand = await visitor.submit(page, { ...empty, profession: '', manual: 'yes' });
    expect(faults(byHand)).to.deep.equal(['familyName', 'givenName', 'rpps', 'profession', 'civilite']);
  });

  it('searches as one types: the lines alone, for this browser only, from three signs on, so often and no more', async () => {
    const { visitor, page } = await begin();
    const search = (fields: Record<string, string>, who = visitor) =>
      who.send(page, fields, `${DOCTOR}/recherche`);
    const lines = await search({ familyName: 'homonyme' });
    expect(lines.text)
      .to.match(/^\s*<p/)
      .and.not.to.contain('<html');
    expect(wordsOf(lines)).to.contain('HOMONYME ALEX');
    expect(wordsOf(await search({ familyName: 'ho' }))).to.contain('au moins 3');
    expect((await search({ familyName: 'homonyme' }, new Visitor(app.issuer))).status).to.equal(403);
    expect(wordsOf(await search({ familyName: '%%%_\\' }))).to.contain('Personne ne correspond');

    await app.database
      .knex('throttle_counters')
      .where('key', 'like', 'directorySearch%')
      .update({ points: 1_500 });
    expect(wordsOf(await search({ familyName: 'homonyme' }))).to.contain('en peu de temps');
  });

  it('says nothing of an RPPS number that has an account: its owner is told by mail, and it cannot be approved', async () => {
    const before = app.mailbox.messages().filter(({ to }) => to === 'camille@example.test').length;
    const { visitor, page } = await begin();
    const places = await visitor.submit(page, { ...BY_HAND, rpps: '99700900048', action: 'continue' });
    const end = await finish(visitor, await upToCredentials(visitor, places, newEmail()));
    expect(wordsOf(end)).to.contain('Votre demande est enregistrée');
    const mail = await app.waitForMessage('camille@example.test', { after: before });
    expect(mail.subject).to.equal('Votre numéro RPPS a été déclaré');
    expect(mail.text).to.contain('aucune demande n').and.to.contain(app.deps.settings.SUPPORT_EMAIL);

    const [, pretender] = await rppsOf('99700900048');
    const { knex } = app.database;
    const approval = await knex('approvals').where({ account_id: pretender.id }).first('id');
    const sheet = await findSheet(knex, approval.id);
    expect(sheet?.evidence.lookAlikes.flatMap(({ likenesses }) => likenesses)).to.include('rpps');
    const administrator = await knex('account_roles').first('account_id');
    const decision = await decide(knex, app.deps, {
      approvalId: approval.id,
      by: { accountId: administrator.account_id },
      decision: 'approved',
      reason: '',
      note: '',
      seenHash: sheet?.seenHash ?? '',
    });
    expect(decision).to.deep.equal({ ok: false, why: 'rpps-taken' });
  });

  it('says nothing of an address that has an account: its owner is told by mail', async () => {
    const { visitor, page } = await begin();
    const places = await visitor.submit(page, { ...BY_HAND, rpps: newRpps(), action: 'continue' });
    const address = await visitor.submit(places, { action: 'continue', none: 'yes' }, '/lieux');
    const codes = app.codesTo('dominique@example.test');
    const codePage = await visitor.submit(address, { email: 'Dominique@Example.test' }, '/adresse');
    expect(wordsOf(codePage)).to.contain('Code OTP');
    const mail = await app.waitForMessage('Dominique@example.test');
    expect(mail.subject).to.equal('Votre adresse a déjà un compte');
    const guess = await visitor.submit(codePage, { code: '123456' }, '/code');
    expect(guess.status).to.equal(422);
    expect(app.codesTo('dominique@example.test')).to.equal(codes);
  });

  it('counts who begins, per source and per number, and every line of the directory that is read', async () => {
    const { knex } = app.database;
    const { visitor, page } = await begin();
    const start = (fields: object) => visitor.submit(page, { ...BY_HAND, ...fields, action: 'continue' });
    const rpps = newRpps();
    for (const rule of ['signUpPerSource', 'signUpStartPerRpps']) {
      expect(heading(await start({ rpps }))).to.equal("Vos lieux d'exercice");
      await knex('throttle_counters').where('key', 'like', `${rule}:%`).update({ points: 1_000 });
      const refused = await start({ rpps });
      expect(refused.status).to.equal(422);
      expect(wordsOf(refused)).to.contain('en peu de temps');
      await knex('throttle_counters').delete();
    }
    const read = () => visitor.submit(page, { choose: `10 8${KNOWN.rpps}` });
    expect(typedIn(await read(), 'familyName')).to.equal(KNOWN.familyName);
    await knex('throttle_counters').where('key', 'like', 'directorySearch%').update({ points: 1_500 });
    const refused = await read();
    expect(wordsOf(refused)).to.contain('en peu de temps');
    expect(refused.text).not.to.contain(KNOWN.familyName);
  });

  it('lets several people declare one number: the proof by the Order goes before', async () => {
    const { visitor, page } = await begin();
    const alix = { ...BY_HAND, rpps: '99700900014', action: 'continue' };
    await finish(visitor, await upToCredentials(visitor, await visitor.submit(page, alix), newEmail()));
    const owner = new Visitor(app.issuer);
    const identified = await owner.submit(await owner.get('/inscription/ordre'), {
      rpps: '99700900014',
      birthdate: '17/06/1980',
      terms: 'yes',
    });
    expect(heading(identified)).to.equal('Sécuriser la création de votre espace');
  });

  it('makes one account of two clicks at once', async () => {
    const rpps = newRpps();
    const { visitor, page } = await begin();
    const places = await visitor.submit(page, { ...BY_HAND, rpps, action: 'continue' });
    const credentials = await upToCredentials(visitor, places, newEmail());
    const answers = await Promise.all([finish(visitor, credentials), finish(visitor, credentials)]);
    expect(answers.every(({ status }) => status < 400)).to.equal(true);
    expect(await rppsOf(rpps)).to.have.length(1);
  });

  it('tells of a workplace that no longer exists, at the step and at the end', async () => {
    const { knex } = app.database;
    const [first, second] = await knex('workplaces').where({ gone: false }).limit(2).pluck('id');
    const { visitor, page } = await begin();
    const places = await visitor.submit(page, { ...BY_HAND, rpps: newRpps(), action: 'continue' });
    await knex('workplaces').where({ id: first }).update(GONE);
    const told = await visitor.submit(places, { workplace: first, action: 'continue' }, '/lieux');
    expect(wordsOf(told)).to.contain("n'existe plus");
    const centres = await visitor.submit(told, { workplace: second, action: 'continue' }, '/lieux');
    const address = await visitor.submit(centres, { [`centre-${second}`]: 'none' }, '/laboratoires');
    const email = newEmail();
    const { result: codePage, code } = await app.codeSentBy(email, () =>
      visitor.submit(address, { email }, '/adresse'),
    );
    const credentials = await visitor.submit(codePage, { code }, '/code');
    await knex('workplaces').where({ id: second }).update(GONE);
    const again = await finish(visitor, credentials);
    expect(again.status).to.equal(422);
    expect(wordsOf(again)).to.contain("n'existe plus");
    await knex('workplaces').whereIn('id', [first, second]).update({ in_finess: true });
    const fixed = await visitor.submit(again, { none: 'yes', action: 'continue' }, '/lieux');
    expect(heading(fixed), 'the proved address stays').to.equal('Votre mot de passe');
  });

  it('goes back a page at a time, and belongs to its browser for ten minutes', async () => {
    const { visitor, page } = await begin();
    const places = await visitor.submit(page, { ...BY_HAND, rpps: newRpps(), action: 'continue' });
    const address = await visitor.submit(places, { action: 'continue', none: 'yes' }, '/lieux');
    const email = newEmail();
    await visitor.submit(address, { email }, '/adresse');
    expect(typedIn(await visitor.get(`${places.url}/retour`), 'email'), 'the address').to.equal(email);
    const placesAgain = await visitor.get(`${places.url}/retour`);
    expect(heading(placesAgain)).to.equal("Vos lieux d'exercice");
    expect(placesAgain.text).to.match(/name="none"[^>]* checked/);
    const first = await visitor.get(`${places.url}/retour`);
    expect(heading(first)).to.equal('Je suis un médecin');
    expect(typedIn(first, 'givenName'), 'nothing to type again').to.equal(BY_HAND.givenName);
    expect(selectedOf(first, 'civilite')).to.equal('MME');
    expect(first.text).to.match(/name="manual"[^>]* checked/);
    expect(typedIn(await new Visitor(app.issuer).get(first.url), 'givenName'), 'elsewhere').to.equal('');
    expect((await new Visitor(app.issuer).get(places.url)).status).to.equal(410);
    expect(heading(await visitor.get(`${address.url}/lieux`)), 'a form reloaded').to.equal(
      "Vos lieux d'exercice",
    );
    expect((await visitor.get(places.url.replace('medecin', 'secretariat'))).status).to.equal(410);
    app.clock.advance(11 * MINUTE);
    expect((await visitor.get(places.url)).status).to.equal(410);
  });

  it('is proved by the link of the mail as well as by its code', async () => {
    const { visitor, page } = await begin();
    const places = await visitor.submit(page, { ...BY_HAND, rpps: newRpps(), action: 'continue' });
    const address = await visitor.submit(places, { action: 'continue', none: 'yes' }, '/lieux');
    const email = newEmail();
    const codePage = await visitor.submit(address, { email }, '/adresse');
    const link =
      /https?:\S+confirmer-mon-adresse\/\S+/.exec((await app.waitForMessage(email)).text)?.[0] ?? '';
    const elsewhere = new Visitor(app.issuer);
    const confirm = await elsewhere.get(link);
    expect(heading(await visitor.get(codePage.url)), 'opening it proves nothing').not.to.equal(
      'Votre mot de passe',
    );
    await elsewhere.submit(confirm, {});
    const credentials = await visitor.get(codePage.url);
    expect(heading(credentials)).to.equal('Votre mot de passe');
    expect(wordsOf(await finish(visitor, credentials))).to.contain('Votre demande est enregistrée');
  });

  describe('of a secretary', () => {
    const TYPED = {
      profession: 'SECRETARIAT_MEDICAL',
      civilite: 'M',
      familyName: 'SECRETAIRE0090300',
      givenName: 'Noa',
    };

    it('makes a pending personal account', async () => {
      const { visitor, page } = await begin(SECRETARY);
      const empty = await visitor.submit(page, {});
      expect(empty.status).to.equal(422);
      const places = await visitor.submit(empty, TYPED);
      const first = await visitor.get(`${places.url}/retour`);
      expect(typedIn(first, 'familyName')).to.equal(TYPED.familyName);
      expect(selectedOf(first, 'profession')).to.equal(TYPED.profession);
      const email = newEmail();
      expect(wordsOf(await finish(visitor, await upToCredentials(visitor, places, email)))).to.contain(
        'Votre demande est enregistrée',
      );
      const account = await app.database.knex('accounts').where({ family_name: TYPED.familyName }).first();
      expect(account).to.include({ kind: 'secretary', state: 'pending', rpps: null });
    });

    it('makes a pending shared account, whose first secretary signs in once it is approved', async () => {
      const { visitor, page } = await begin(SECRETARY);
      const untitled = await visitor.submit(page, { ...TYPED, shared: 'yes' });
      expect(wordsOf(untitled)).to.contain('Donnez un intitulé au compte.');
      const title = 'Secrétariat de cardiologie';
      const places = await visitor.submit(untitled, {
        ...TYPED,
        shared: 'yes',
        sharedTitle: title,
        responsibleRpps: '99700 90004 8',
      });
      const email = newEmail();
      await finish(visitor, await upToCredentials(visitor, places, email));
      const { knex } = app.database;
      const account = await knex('accounts').where({ title }).first();
      expect(account).to.include({ kind: 'shared', state: 'pending' });

      const approval = await knex('approvals').where({ account_id: account.id }).first('id');
      const sheet = await findSheet(knex, approval.id);
      expect(sheet?.declared).to.deep.include({
        familyName: title,
        members: ['Noa SECRETAIRE0090300'],
        responsibleRpps: '99700900048',
      });
      const camille = await findSignInByEmail(knex, 'camille@example.test');
      expect(account.responsible_account_id).to.equal(camille?.account.id);
      const administrator = await knex('account_roles').first('account_id');
      const received = app.mailbox.messages().filter(({ to }) => to === email).length;
      expect(
        await decide(knex, app.deps, {
          approvalId: approval.id,
          by: { accountId: administrator.account_id },
          decision: 'approved',
          reason: '',
          note: '',
          seenHash: sheet?.seenHash ?? '',
        }),
      ).to.deep.equal({ ok: true });
      await app.waitForMessage(email, { after: received });
      const client = await createTestClient(app.issuer, 'messagerie');
      const authorization = await client.authorize();
      const back = await signIn(app, new Visitor(app.issuer), authorization.url, {
        email,
        password: PASSWORD,
      });
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()?.sub).to.equal(account.id);
    });
  });
});
