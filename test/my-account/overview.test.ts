import { expect } from 'chai';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';
import {
  ADMIN,
  accountIdOf,
  addPhone,
  CAMILLE,
  changesOf,
  DOMINIQUE,
  OVERVIEW,
  type Person,
  signedIn,
} from './support.ts';

const PASSWORD = 'demo-caducee-2026';
const EMAIL_CODE = '/code-par-e-mail';

describe('the page of strong authentication', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  const columnsOf = async (person: Person) =>
    app.database
      .knex('accounts')
      .where({ id: await accountIdOf(app, person) })
      .first('preferred_factor', 'refuses_email_code');

  /** What the next sign-in of this person asks for. */
  async function askedOf(person: Person, codeTo: string): Promise<string> {
    await app.database.knex('throttle_counters').delete();
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get('/connexion');
    const { result } = await app.codeSentBy(codeTo, () =>
      visitor.submit(form, { email: person.email, password: PASSWORD }),
    );
    return wordsOf(result);
  }

  it('is for who is signed in, who comes to it through the sign-in and finds it on the portal', async () => {
    const visitor = new Visitor(app.issuer);
    const first = await visitor.request(OVERVIEW);
    expect(first.headers.get('location')).to.equal('/connexion?vers=authentification-forte');
    const page = await signIn(app, visitor, OVERVIEW, CAMILLE);
    expect(new URL(page.url).pathname).to.equal(OVERVIEW);
    expect((await visitor.get('/')).text).to.include(`href="${OVERVIEW}"`);
  });

  it('tells what there is, how strong it is and what to set up next', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const bare = wordsOf(await visitor.get(OVERVIEW));
    for (const text of [
      "Ajoutez une clé d'accès",
      "Aucune clé d'accès Résiste à l'hameçonnage",
      'Aucune application Second facteur',
      'Aucun téléphone Second facteur Un code par SMS. Un numéro peut être détourné',
      'c***e@e***.test Vérification en deux étapes',
      'Aucun code Second facteur, pour dépanner',
      '0 appareil enregistré.',
    ])
      expect(bare).to.include(text);
    expect(bare, 'nothing to choose').not.to.include('Proposé en premier');
    expect(bare).not.to.include('Ne plus accepter le code par e-mail');

    const { knex } = app.database;
    const account_id = await accountIdOf(app, CAMILLE);
    const id = account_id;
    const created_at = app.clock.now();
    await knex('passkeys').insert({
      ...{ id, account_id, credential_id: Buffer.from('c'), public_key: Buffer.from('k'), sign_count: 0 },
      ...{
        transports: [],
        aaguid: id,
        is_backup_eligible: false,
        is_backed_up: false,
        name: 'Clé',
        created_at,
      },
    });
    await knex('totp_credentials').insert({
      id,
      account_id,
      secret: Buffer.from('s'),
      last_step: 0,
      created_at,
    });
    await knex('recovery_codes').insert({ id, account_id, code_hash: Buffer.from('h'), created_at });
    const device = { account_id, name: 'Firefox', created_at, last_used_at: created_at };
    await knex('trusted_devices').insert([
      { ...device, id, token_hash: Buffer.from('1'), expires_at: new Date(created_at.getTime() + MINUTE) },
      {
        ...device,
        id: '00000000-0000-4000-8000-000000000001',
        token_hash: Buffer.from('2'),
        expires_at: created_at,
      },
    ]);
    const rich = wordsOf(await visitor.get(OVERVIEW));
    for (const text of [
      'Votre compte est bien protégé',
      "1 clé d'accès Résiste",
      'En place Second facteur',
      '1 code restant',
      '1 appareil enregistré.',
      'Proposé en premier',
    ])
      expect(rich).to.include(text);
  });

  it('changes what is proposed first, and tells it', async () => {
    const visitor = await signedIn(app, DOMINIQUE);
    const elsewhere = await signedIn(app, DOMINIQUE);
    const page = await visitor.get(OVERVIEW);
    expect(page.text).to.match(/value="sms"[^>]* checked/);
    const done = await visitor.submit(page, { preferred: 'email' }, OVERVIEW);
    expect(wordsOf(done)).to.include('le code par e-mail vous sera proposé en premier');
    expect(done.text).to.match(/value="email"[^>]* checked/);
    expect(await changesOf(app, DOMINIQUE)).to.deep.equal([
      { change: 'preferred-factor-changed', factor: 'email' },
    ]);
    expect((await app.waitForMessage(DOMINIQUE.email)).subject).to.include('moyen de confirmation');
    expect((await elsewhere.request(OVERVIEW)).status, 'the other session ended').to.equal(303);
    expect(await askedOf(DOMINIQUE, DOMINIQUE.email)).to.include('par e-mail');

    await visitor.submit(done, { preferred: 'email' }, OVERVIEW);
    expect(await changesOf(app, DOMINIQUE), 'the same again is no change').to.have.length(1);
  });

  it('takes for the first one only what the person can use', async () => {
    const visitor = await signedIn(app, DOMINIQUE);
    const page = await visitor.get(OVERVIEW);
    for (const preferred of ['totp', 'passkey', 'recovery-code', 'none', '']) {
      const refused = await visitor.submit(page, { preferred }, OVERVIEW);
      expect(refused.status, preferred).to.equal(422);
      expect(wordsOf(refused)).to.include('Choisissez un moyen de confirmation.');
    }
    expect((await columnsOf(DOMINIQUE)).preferred_factor).to.equal('sms');
  });

  it('lets who has a second factor give up the code by e-mail, and take it back', async () => {
    const visitor = await signedIn(app, DOMINIQUE);
    const page = await visitor.get(OVERVIEW);
    const refusing = await visitor.submit(page, { refuse: 'yes' }, EMAIL_CODE);
    expect(wordsOf(refusing))
      .to.include("le code par e-mail n'ouvre plus votre compte")
      .and.to.include("Vous ne l'acceptez plus");
    const other = new Visitor(app.issuer);
    const form = await other.get('/connexion');
    await app.codeSentBy(DOMINIQUE.codeTo, () =>
      other.submit(form, { email: DOMINIQUE.email, password: PASSWORD }),
    );
    const channels = await other.get(`${form.url}/canal`);
    expect(wordsOf(channels)).not.to.include('Par e-mail');
    const sent = app.codesTo(DOMINIQUE.email);
    expect((await other.submit(channels, { channel: 'email' }, '/canal')).status).to.equal(422);
    expect(app.codesTo(DOMINIQUE.email)).to.equal(sent);

    const accepting = await visitor.submit(refusing, {}, EMAIL_CODE);
    expect(wordsOf(accepting)).to.include('ouvre de nouveau votre compte');
    expect((await columnsOf(DOMINIQUE)).refuses_email_code).to.equal(false);
    expect(await changesOf(app, DOMINIQUE)).to.deep.equal([
      { change: 'email-code-refused' },
      { change: 'email-code-accepted' },
    ]);
  });

  it('lets nobody give up the code by e-mail who has nothing else, nor an administrator who never had it', async () => {
    for (const person of [CAMILLE, ADMIN]) {
      const visitor = await signedIn(app, person);
      const page = await visitor.get(OVERVIEW);
      expect(wordsOf(page)).not.to.include('Ne plus accepter');
      const form = await visitor.get('/inscription/ordre');
      const answer = await visitor.send(form, { refuse: 'yes' }, `${OVERVIEW}${EMAIL_CODE}`);
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, OVERVIEW]);
      expect((await columnsOf(person)).refuses_email_code).to.equal(false);
    }
    const administrator = wordsOf(await (await signedIn(app, ADMIN)).get(OVERVIEW));
    expect(administrator)
      .to.include('Vous êtes administrateur')
      .and.to.include('Jamais pour un administrateur');
  });

  it('is read with an old sign-in, and changed with a new one', async () => {
    const visitor = await signedIn(app, DOMINIQUE);
    const page = await visitor.get(OVERVIEW);
    app.clock.advance(6 * MINUTE);
    const again = '/connexion?vers=authentification-forte&pour=authentification-forte';
    for (const action of [OVERVIEW, `${OVERVIEW}${EMAIL_CODE}`]) {
      const answer = await visitor.send(page, { preferred: 'email', refuse: 'yes' }, action);
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, again]);
    }
    expect(await columnsOf(DOMINIQUE)).to.deep.equal({ preferred_factor: 'sms', refuses_email_code: false });
    const old = await visitor.get(OVERVIEW);
    expect(wordsOf(old)).to.include('Changer ces réglages').and.not.to.include('Enregistrer');
    expect(wordsOf(await signIn(app, visitor, again, DOMINIQUE))).to.include('Enregistrer');
  });

  it('takes no form without its token', async () => {
    const visitor = await signedIn(app, DOMINIQUE);
    const page = await visitor.get(OVERVIEW);
    for (const action of [OVERVIEW, `${OVERVIEW}${EMAIL_CODE}`])
      expect((await visitor.send(page, { _csrf: '', preferred: 'email' }, action)).status).to.equal(403);
    expect((await visitor.get(`${OVERVIEW}${EMAIL_CODE}`)).url).to.match(/authentification-forte$/);
  });

  it('is each secretary’s own, on a shared account', async () => {
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    const { knex } = app.database;
    const member = (email: string) => ({
      ...{
        familyName: 'SECRETAIRE',
        givenName: email.slice(0, 4),
        phones: [],
        passwordHash,
        termsVersion: '1',
      },
      email: { address: email, canonical: email },
    });
    const { accountId, memberId } = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat',
      state: 'active',
      firstMember: member('anne@example.test'),
    });
    await addMember(knex, app.deps, accountId, member('noel@example.test'), { invitedBy: memberId });
    const anne = await signedIn(app, { email: 'anne@example.test' });
    const noel = await signedIn(app, { email: 'noel@example.test' });
    await addPhone(app, anne, '+33639980061');
    await anne.submit(await anne.get(OVERVIEW), { preferred: 'sms' }, OVERVIEW);
    await anne.submit(await anne.get(OVERVIEW), { refuse: 'yes' }, EMAIL_CODE);
    const rows = await knex('account_members')
      .orderBy('created_at')
      .select('preferred_factor', 'refuses_email_code');
    expect(rows).to.deep.equal([
      { preferred_factor: 'sms', refuses_email_code: true },
      { preferred_factor: null, refuses_email_code: false },
    ]);
    expect(wordsOf(await noel.get(OVERVIEW)), 'their session stays').to.include('Aucun téléphone');
    expect(await askedOf({ email: 'anne@example.test' }, '+33639980061')).to.include('par SMS');
    expect(await askedOf({ email: 'noel@example.test' }, 'noel@example.test')).to.include('par e-mail');
  });
});
