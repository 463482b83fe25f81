import { expect } from 'chai';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { registerDoctor } from '../support/doctors.ts';
import { leaveAttempts } from '../support/throttle.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'sept girafes sous la pluie';
const WAIT = "Trop d'essais en peu de temps. Réessayez dans 60 minutes.";
const MORE = 4;

describe('the new password of a sign-up', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  let rank = 0;
  /** A journey at the page that asks for an address and a password. */
  async function atCredentials(): Promise<{ visitor: Visitor; page: Page }> {
    rank += 1;
    const { rpps, birthdate, phone } = await registerDoctor(app, rank);
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get('/inscription/ordre');
    const choice = await visitor.submit(form, { rpps, birthdate, terms: 'yes' });
    const { result, code } = await app.codeSentBy(phone, () =>
      visitor.submit(choice, { contact: 'sms' }, '/contact'),
    );
    return { visitor, page: await visitor.submit(result, { code }, '/code') };
  }

  /** Counts the hashes while `act` runs. */
  async function hashesDuring<T>(act: () => Promise<T>): Promise<{ result: T; hashes: number }> {
    const { hasher } = app.deps;
    const { hash } = hasher;
    let hashes = 0;
    hasher.hash = (password) => {
      hashes += 1;
      return hash.call(hasher, password);
    };
    try {
      return { result: await act(), hashes };
    } finally {
      hasher.hash = hash;
    }
  }

  const fieldsFor = (email: string, password = PASSWORD) => ({
    email,
    emailConfirmation: email,
    password,
    passwordConfirmation: password,
  });

  it('is hashed twenty times in one journey, however many are sent at once', async () => {
    const { limit } = throttleRules.newPasswordPerJourney;
    expect(limit).to.equal(20);
    const { visitor, page } = await atCredentials();
    const send = (password: string) =>
      visitor.send(page, fieldsFor('noa@example.test', password), `${page.url}/identifiants`);
    const faulty = await hashesDuring(() => send('court'));
    expect(faulty.hashes, 'one with a fault costs nothing').to.equal(0);
    await send(PASSWORD);
    await visitor.get(`${page.url}/retour`);
    // No more codes to this address: the journey stays at this page, whatever is sent.
    await leaveAttempts(app, 'codeSendPerContact', 0);

    const { result: pages, hashes } = await hashesDuring(() =>
      Promise.all(Array.from({ length: limit + MORE }, () => send(PASSWORD))),
    );
    expect(hashes).to.equal(limit - 1);
    const told = pages.filter(({ text }) => text.includes('id="password-fault"'));
    expect(told).to.have.length(MORE + 1);
    for (const refused of told) {
      expect(refused.status).to.equal(422);
      expect(wordsOf(refused)).to.include(WAIT);
      expect(refused.text).to.include('value="noa@example.test"').and.not.include(PASSWORD);
    }

    const fresh = await atCredentials();
    const proof = await fresh.visitor.submit(fresh.page, fieldsFor('noa2@example.test'), '/identifiants');
    expect(wordsOf(proof), 'another journey').to.include('noa2@example.test').and.not.include(WAIT);
  });
});
