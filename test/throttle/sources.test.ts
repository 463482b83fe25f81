import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { SECOND } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { registerDoctor } from '../support/doctors.ts';
import { attemptsOf, leaveAttempts } from '../support/throttle.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const DOMINIQUE_PHONE = '+33639980007';
const WRONG_PASSWORD = 'neuf girafes au soleil';
const WAIT = "Trop d'essais en peu de temps.";
const BAD_CREDENTIALS = "L'adresse mail ou le mot de passe n'est pas correct.";
const UNKNOWN_PAIR = 'ne correspondent pas à celles connues de l';

describe('a source', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ settings: { TRUSTED_PROXIES: '1' } });
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  /** A browser at the first page of a sign-in. */
  async function begin(forwardedFor?: string): Promise<{ visitor: Visitor; form: Page }> {
    const visitor = new Visitor(app.issuer, forwardedFor);
    return { visitor, form: await visitor.get('/connexion') };
  }

  /** One wrong password, from `forwardedFor`. @returns whether it was compared. */
  async function isCompared(visitor: Visitor, form: Page, forwardedFor?: string): Promise<boolean> {
    visitor.forwardedFor = forwardedFor;
    const email = `nobody${Math.random()}@example.test`;
    const words = wordsOf(await visitor.send(form, { email, password: WRONG_PASSWORD }));
    if (!words.includes(BAD_CREDENTIALS)) expect(words).to.include(WAIT);
    return words.includes(BAD_CREDENTIALS);
  }

  const journaledSource = async () => {
    const row = await app.database
      .knex('journal')
      .where({ event: 'sign-in.refused' })
      .orderBy('seq', 'desc')
      .first();
    return JSON.parse(row.entry).source;
  };

  const SAME: readonly [what: string, first: string, same: readonly string[], other: string][] = [
    [
      'a whole IPv6 /64',
      '2001:db8:1:2::1',
      ['2001:db8:1:2:ffff::9', '2001:DB8:1:2::abcd', '[2001:db8:1:2::7]:4711', '10.0.0.1, 2001:db8:1:2::8'],
      '2001:db8:1:3::1',
    ],
    [
      'an address from every port',
      '203.0.113.51:20001',
      ['203.0.113.51:20002', '203.0.113.51', '::ffff:203.0.113.51', '10.0.0.2, 203.0.113.51:20003'],
      '203.0.113.52:20001',
    ],
    [
      'who is behind a proxy that names nobody',
      'unknown',
      ['_hidden', 'x', '127.0.0.1', ' '],
      '203.0.113.53',
    ],
  ];
  for (const [what, first, same, other] of SAME) {
    it(`is ${what}`, async () => {
      const { visitor, form } = await begin();
      expect(await isCompared(visitor, form, first)).to.equal(true);
      await leaveAttempts(app, 'signInPerSource', 1);
      expect(await isCompared(visitor, form, same[0])).to.equal(true);
      for (const one of same) expect(await isCompared(visitor, form, one), one).to.equal(false);
      expect(await isCompared(visitor, form, other), other).to.equal(true);
    });
  }

  it('is journaled as the bare address that the last proxy saw', async () => {
    const { visitor, form } = await begin();
    for (const [written, source] of [
      ['198.51.100.1, [2001:db8:1:2::1]:4711', '2001:db8:1:2::1'],
      ['203.0.113.51:20001', '203.0.113.51'],
      ['203.0.113.51, <script>', '127.0.0.1'],
    ] as const) {
      expect(await isCompared(visitor, form, written)).to.equal(true);
      expect(await journaledSource(), written).to.equal(source);
    }
  });

  it('that has used up its tries uses up none of an account', async () => {
    const { visitor, form } = await begin('203.0.113.9');
    await isCompared(visitor, form, '203.0.113.9');
    await leaveAttempts(app, 'signInPerSource', 0);
    for (let tries = 0; tries < 12; tries += 1) {
      const page = await visitor.send(form, { email: CAMILLE, password: WRONG_PASSWORD });
      expect(wordsOf(page)).to.include(WAIT);
    }
    const owner = await begin('198.51.100.1');
    const page = await owner.visitor.submit(owner.form, { email: CAMILLE, password: DEMO_PASSWORD });
    expect(wordsOf(page)).to.include('Un code vous attend');
  });

  it('does not pay for an account that has used up its tries', async () => {
    const { visitor, form } = await begin('203.0.113.10');
    await visitor.send(form, { email: CAMILLE, password: WRONG_PASSWORD });
    await leaveAttempts(app, 'signInPerAccount', 0);
    for (let tries = 0; tries < 6; tries += 1) {
      const page = await visitor.send(form, { email: CAMILLE, password: WRONG_PASSWORD });
      expect(wordsOf(page)).to.include(WAIT);
    }
    expect(await attemptsOf(app, 'signInPerSource')).to.deep.equal([1]);
  });

  it('that has used up its tries uses up none of an RPPS number', async () => {
    const doctor = await registerDoctor(app, 1);
    const stranger = new Visitor(app.issuer, '203.0.113.11');
    const form = await stranger.get('/inscription/ordre');
    const guess = { rpps: '99700900014', birthdate: '02/02/1970', terms: 'yes' };
    expect(wordsOf(await stranger.send(form, guess))).to.include(UNKNOWN_PAIR);
    await leaveAttempts(app, 'signUpPerSource', 0);
    for (let tries = 0; tries < 16; tries += 1) {
      const page = await stranger.send(form, { ...guess, rpps: doctor.rpps });
      expect(wordsOf(page)).to.include(WAIT);
    }
    const owner = new Visitor(app.issuer, '198.51.100.2');
    const { rpps, birthdate } = doctor;
    const page = await owner.submit(await owner.get('/inscription/ordre'), { rpps, birthdate, terms: 'yes' });
    expect(wordsOf(page)).to.include('Sécuriser la création de votre espace');
  });

  it('is not counted for codes that were not sent', async () => {
    const source = '203.0.113.12';
    const { visitor, form } = await begin(source);
    const { result: page } = await app.codeSentBy(CAMILLE, () =>
      visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }),
    );
    await leaveAttempts(app, 'codeSendPerSource', 1);
    const sent = app.codesTo(CAMILLE);
    for (let tries = 0; tries < 5; tries += 1) {
      expect(wordsOf(await visitor.submit(page, {}, '/renvoyer'))).to.match(/Un code vient de partir/);
    }
    await leaveAttempts(app, 'codeSendPerContact', 0);
    app.clock.advance(31 * SECOND);
    for (let tries = 0; tries < 5; tries += 1) {
      expect(wordsOf(await visitor.submit(page, {}, '/renvoyer'))).to.match(/minutes/);
    }
    await app.database.knex('throttle_counters').where('key', 'like', 'codeSendPerContact:%').delete();
    await leaveAttempts(app, 'codeSendPerAccount', 0);
    await visitor.submit(page, {}, '/renvoyer');
    expect(app.codesTo(CAMILLE)).to.equal(sent);

    const colleague = await begin(source);
    const { result } = await app.codeSentBy(DOMINIQUE_PHONE, () =>
      colleague.visitor.submit(colleague.form, { email: DOMINIQUE, password: DEMO_PASSWORD }),
    );
    expect(wordsOf(result), 'the one that was left').to.include('Un code vous attend');
    const third = await begin(source);
    await leaveAttempts(app, 'codeSendPerContact', 5);
    await leaveAttempts(app, 'codeSendPerAccount', 10);
    const last = await third.visitor.submit(third.form, { email: CAMILLE, password: DEMO_PASSWORD });
    expect(wordsOf(last)).to.include(WAIT);
  });
});
