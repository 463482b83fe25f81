import { expect } from 'chai';
import { MINUTE } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Visitor, wordsOf } from '../support/visitor.ts';
import {
  accountIdOf,
  CAMILLE,
  changesOf,
  DOMINIQUE,
  emailIdOf,
  eventsOf,
  SETTINGS,
  SIGN_IN_EMAIL,
  signedIn,
} from './support.ts';

const CABINET = 'camille.cabinet@example.test';
const CURRENT = 'demo-caducee-2026';
const NEXT = 'quatre girafes sous la pluie';

describe('what a person signs in with', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  const passwordHashOf = async (email: string): Promise<string> =>
    (
      await app.database
        .knex('accounts')
        .where({ id: await accountIdOf(app, { email }) })
        .first('password_hash')
    ).password_hash;
  const receivedBy = (to: string) => app.mailbox.messages().filter((message) => message.to === to).length;
  const fieldsFor = (password: string, currentPassword = CURRENT) => ({
    currentPassword,
    password,
    passwordConfirmation: password,
  });

  async function changePassword(visitor: Visitor): Promise<void> {
    const done = await visitor.submit(await visitor.get(SETTINGS), fieldsFor(NEXT), '/parametres');
    expect(wordsOf(done)).to.include('est modifié !');
  }

  async function changeAddress(visitor: Visitor): Promise<void> {
    const fields = { email: await emailIdOf(app, CABINET), currentPassword: CURRENT };
    const done = await visitor.submit(await visitor.get(SIGN_IN_EMAIL), fields, '/adresse-de-connexion');
    expect(wordsOf(done)).to.include('avec votre nouvelle adresse');
  }

  /** Whether the password opens the first step of a sign-in. */
  async function opens(email: string, password: string): Promise<boolean> {
    const visitor = new Visitor(app.issuer);
    const page = await visitor.submit(await visitor.get('/connexion'), { email, password });
    return page.status !== 422;
  }

  describe('the password', () => {
    it('changes with the current one: told everywhere, other sessions end, trusted devices are void', async () => {
      const visitor = await signedIn(app, CAMILLE);
      const elsewhere = await signedIn(app, CAMILLE);
      const account_id = await accountIdOf(app, CAMILLE);
      const { knex } = app.database;
      await knex('trusted_devices').insert({
        id: '00000000-0000-4000-8000-000000000001',
        account_id,
        token_hash: Buffer.alloc(32),
        name: 'Firefox, Linux',
        created_at: app.clock.now(),
        expires_at: new Date(app.clock.now().getTime() + MINUTE),
        last_used_at: app.clock.now(),
      });
      const form = await visitor.get(SETTINGS);
      expect(wordsOf(form))
        .to.include('Mot de passe actuel')
        .and.include('Nouveau mot de passe')
        .and.include('Confirmation du mot de passe');
      const sent = [CAMILLE.email, CABINET].map((to) => [to, receivedBy(to)] as const);
      const done = await visitor.submit(form, fieldsFor(NEXT), '/parametres');
      expect(done.url).to.match(/\/mon-compte\/parametres$/);
      expect(wordsOf(done)).to.include('Votre mot de passe est modifié !');
      for (const [to, after] of sent)
        expect((await app.waitForMessage(to, { after })).subject, to).to.equal(
          'Votre mot de passe a été modifié',
        );
      expect((await elsewhere.request(SETTINGS)).headers.get('location')).to.equal(
        '/connexion?vers=parametres',
      );
      expect(await knex('trusted_devices').where({ holder_id: account_id })).to.deep.equal([]);
      expect(await changesOf(app, CAMILLE)).to.deep.equal([{ change: 'password-changed' }]);
      expect([await opens(CAMILLE.email, CURRENT), await opens(CAMILLE.email, NEXT)]).to.deep.equal([
        false,
        true,
      ]);
      expect((await visitor.get(SETTINGS)).status, 'this session stays').to.equal(200);
      const logs = app.logLines.join('');
      for (const secret of [CURRENT, NEXT]) expect(logs).not.to.include(secret);
    });

    it('stays when something is wrong, said beside its field; no password comes back', async () => {
      const visitor = await signedIn(app, CAMILLE);
      const form = await visitor.get(SETTINGS);
      const hash = await passwordHashOf(CAMILLE.email);
      for (const [fields, words] of [
        [{}, 'Indiquez votre mot de passe actuel.'],
        [fieldsFor(NEXT, ''), 'Indiquez votre mot de passe actuel.'],
        [fieldsFor('court'), 'trop court'],
        [fieldsFor('azertyuiop12'), 'Ce mot de passe'],
        [fieldsFor('camille.cabinet'), 'contient votre nom, votre adresse ou votre numéro'],
        [fieldsFor('99700900048!9970'), 'contient votre nom, votre adresse ou votre numéro'],
        [{ ...fieldsFor(NEXT), passwordConfirmation: 'autre' }, 'Les deux mots de passe sont différents.'],
        [fieldsFor(NEXT, 'ce-nest-pas-lui'), "Ce n'est pas votre mot de passe actuel."],
      ] as const) {
        const refused = await visitor.submit(form, fields, '/parametres');
        expect(refused.status, words).to.equal(422);
        expect(wordsOf(refused)).to.include(words);
        expect(refused.text).not.to.include(NEXT).and.not.include('ce-nest-pas-lui');
      }
      expect(await passwordHashOf(CAMILLE.email)).to.equal(hash);
      expect(await changesOf(app, CAMILLE)).to.deep.equal([]);
      const events = await eventsOf(app, CAMILLE, 'sign-in.refused');
      expect(
        events.map(({ details }) => details),
        'one was compared',
      ).to.deep.equal([{ step: 'current-password' }]);
    });

    it('is not replaced by itself', async () => {
      const visitor = await signedIn(app, CAMILLE);
      const form = await visitor.get(SETTINGS);
      await visitor.submit(form, fieldsFor(NEXT), '/parametres');
      const refused = await visitor.submit(form, fieldsFor(NEXT, NEXT), '/parametres');
      expect([refused.status, wordsOf(refused)].join(' ')).to.match(/^422 .*C'est déjà votre mot de passe/);
    });

    it('is guessed as often as at sign-in, and no more', async () => {
      const visitor = await signedIn(app, CAMILLE);
      const form = await visitor.get(SETTINGS);
      let waits = 0;
      for (let tries = 0; tries < 30; tries += 1) {
        const refused = await visitor.send(form, fieldsFor(NEXT, `faux-${tries}-mot-de-passe`));
        expect(refused.status).to.equal(422);
        if (wordsOf(refused).includes("Trop d'essais")) waits += 1;
      }
      const compared = await eventsOf(app, CAMILLE, 'sign-in.refused');
      expect(waits + compared.length).to.equal(30);
      expect(compared.length).to.be.at.most(10);
      const right = await visitor.send(form, fieldsFor(NEXT));
      expect(right.status, 'nor the right one, for a while').to.equal(422);
      expect(await changesOf(app, CAMILLE)).to.deep.equal([]);
    });

    it('changes once when two are sent at once', async () => {
      const visitor = await signedIn(app, CAMILLE);
      const form = await visitor.get(SETTINGS);
      const answers = await Promise.all(
        ['sept hippopotames bleus', 'huit hippopotames verts'].map((password) =>
          visitor.send(form, fieldsFor(password)),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([303, 422]);
      expect(await changesOf(app, CAMILLE)).to.have.length(1);
    });
  });

  describe('the address', () => {
    it('is chosen among those proved, with the current password, and told to the old one too', async () => {
      const visitor = await signedIn(app, CAMILLE);
      const elsewhere = await signedIn(app, CAMILLE);
      const form = await visitor.get(SIGN_IN_EMAIL);
      expect(wordsOf(form)).to.match(/Vous vous connectez avec camille@example\.test/);
      const email = await emailIdOf(app, CABINET);
      const sent = [CAMILLE.email, CABINET].map((to) => [to, receivedBy(to)] as const);
      const fields = { email, currentPassword: CURRENT };
      const done = await visitor.submit(form, fields, '/adresse-de-connexion');
      expect(wordsOf(done))
        .to.include('avec votre nouvelle adresse')
        .and.include(`connectez avec ${CABINET}`);
      for (const [to, after] of sent) {
        const { subject, text } = await app.waitForMessage(to, { after });
        expect(subject, to).to.equal("L'adresse qui ouvre votre compte a changé");
        expect(text).to.include("Il s'agit de c***t@e***.test.");
      }
      expect((await elsewhere.request(SETTINGS)).status).to.equal(303);
      expect([await opens(CAMILLE.email, CURRENT), await opens(CABINET, CURRENT)]).to.deep.equal([
        false,
        true,
      ]);
      expect(await changesOf(app, CAMILLE)).to.deep.equal([
        { change: 'sign-in-email-changed', email: 'c***t@e***.test' },
      ]);
      const rows = await app.database
        .knex('email_addresses')
        .where({ account_id: await accountIdOf(app, CAMILLE) })
        .orderBy('address');
      expect(rows.map(({ is_sign_in, is_notification }) => [is_sign_in, is_notification])).to.deep.equal([
        [true, false],
        [false, true],
      ]);
    });

    it('stays when something is wrong; the choice comes back', async () => {
      const visitor = await signedIn(app, CAMILLE);
      const form = await visitor.get(SIGN_IN_EMAIL);
      const cabinet = await emailIdOf(app, CABINET);
      for (const [fields, words] of [
        [{ currentPassword: CURRENT }, "Choisissez l'une de vos adresses."],
        [
          { email: await emailIdOf(app, DOMINIQUE.email), currentPassword: CURRENT },
          "Choisissez l'une de vos adresses.",
        ],
        [
          { email: await emailIdOf(app, CAMILLE.email), currentPassword: CURRENT },
          "Choisissez l'une de vos adresses.",
        ],
        [{ email: cabinet }, 'Indiquez votre mot de passe actuel.'],
        [{ email: cabinet, currentPassword: 'faux-mot-de-passe' }, "Ce n'est pas votre mot de passe actuel."],
      ] as [Record<string, string>, string][]) {
        const refused = await visitor.submit(form, fields, '/adresse-de-connexion');
        expect(refused.status, words).to.equal(422);
        expect(wordsOf(refused)).to.include(words);
        expect(refused.text).not.to.include('faux-mot-de-passe');
        if (fields.email === cabinet) expect(refused.text).to.match(/value="[^"]+"[^>]* checked/);
      }
      expect(await changesOf(app, CAMILLE)).to.deep.equal([]);
      const only = await signedIn(app, DOMINIQUE);
      expect(wordsOf(await only.get(SIGN_IN_EMAIL))).to.include("C'est votre seule adresse.");
    });
  });

  for (const [what, change] of [
    ['password', (visitor: Visitor) => changePassword(visitor)],
    ['address', (visitor: Visitor) => changeAddress(visitor)],
  ] as const)
    it(`does not open what was begun with the former ${what}`, async () => {
      const owner = await signedIn(app, CAMILLE);
      const thief = new Visitor(app.issuer);
      const form = await thief.get('/connexion');
      const { result: codePage, code } = await app.codeSentBy(CAMILLE.email, () =>
        thief.submit(form, { email: CAMILLE.email, password: CURRENT }),
      );
      await change(owner);
      const answer = await thief.submit(codePage, { code }, '/code');
      expect(wordsOf(answer)).to.include('Mot de passe oublié').and.not.include('Bonjour');
      expect((await thief.request(SETTINGS)).headers.get('location')).to.equal('/connexion?vers=parametres');
    });

  it('changes only for who signed in a moment ago, with the token of the form', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(SETTINGS);
    for (const url of [SETTINGS, SIGN_IN_EMAIL])
      expect((await visitor.send(await visitor.get('/healthz'), fieldsFor(NEXT), url)).status).to.equal(403);
    app.clock.advance(6 * MINUTE);
    for (const [url, page] of [
      [SETTINGS, 'parametres'],
      [SIGN_IN_EMAIL, 'adresse-de-connexion'],
    ] as const)
      for (const answer of [await visitor.request(url), await visitor.send(form, fieldsFor(NEXT), url)])
        expect([answer.status, answer.headers.get('location')]).to.deep.equal([
          303,
          `/connexion?vers=${page}`,
        ]);
    expect(await changesOf(app, CAMILLE)).to.deep.equal([]);
  });
});
