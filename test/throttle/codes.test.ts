import { expect } from 'chai';
import { checkCode } from '../../src/credentials/code-delivery.ts';
import { CODE_TRIES, consumeCode, createCode, tryCode } from '../../src/credentials/one-time-codes.ts';
import { SECOND } from '../../src/lib/clock.ts';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type RegisteredDoctor, registerDoctor } from '../support/doctors.ts';
import { ageCounters, attemptsOf, leaveAttempts } from '../support/throttle.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const HOUR = 3_600 * SECOND;
const COMPARED = "Ce code n'est pas le bon.";
const EXHAUSTED = 'ce code ne sert plus';
const WAIT = "Trop d'essais en peu de temps. Réessayez dans";

const wrong = (code: string): string => (code === '000000' ? '111111' : '000000');

/** A sign-up at the page that asks for the code. */
interface Room {
  readonly visitor: Visitor;
  readonly page: Page;
  readonly code: string;
}

describe('codes of sign-ups', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ settings: { TRUSTED_PROXIES: '1' } });
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  let rank = 0;
  const newDoctor = () => {
    rank += 1;
    return registerDoctor(app, rank);
  };

  async function begin(
    { rpps, birthdate, phone, email }: RegisteredDoctor,
    { contact = 'sms', source = '203.0.113.9' }: { contact?: 'sms' | 'email'; source?: string } = {},
  ): Promise<Room> {
    const visitor = new Visitor(app.issuer, source);
    const form = await visitor.get('/inscription/ordre');
    const choice = await visitor.submit(form, { rpps, birthdate, terms: 'yes' });
    const { result: page, code } = await app.codeSentBy(contact === 'sms' ? phone : email, () =>
      visitor.submit(choice, { contact }, '/contact'),
    );
    return { visitor, page, code };
  }

  const enter = ({ visitor, page }: Room, code: string) => visitor.submit(page, { code }, '/code');
  const wordsAfter = async (room: Room, code: string) => wordsOf(await enter(room, code));

  /** Sends so many wrong codes. @returns how many were compared. */
  async function guess(room: Room, times: number): Promise<number> {
    let compared = 0;
    for (let tries = 0; tries < times; tries += 1) {
      const words = await wordsAfter(room, wrong(room.code));
      if (words.includes(COMPARED) || words.includes(EXHAUSTED)) compared += 1;
      else expect(words).to.include(WAIT);
    }
    return compared;
  }

  const refusals = async () => {
    const rows = await app.database.knex('journal').where({ event: 'code.refused' }).orderBy('seq');
    return rows.map(({ entry }) => JSON.parse(entry).details);
  };

  it('are compared fifteen times a day for one contact, over every journey and every new code', async () => {
    const { limit } = throttleRules.codeFailurePerContact;
    expect(limit).to.equal(3 * CODE_TRIES);
    const doctor = await newDoctor();
    const earlier = (await refusals()).length;
    expect(await guess(await begin(doctor), CODE_TRIES)).to.equal(CODE_TRIES);
    expect(await guess(await begin(doctor, { source: '198.51.100.7' }), CODE_TRIES)).to.equal(CODE_TRIES);
    const third = await begin(doctor);
    expect(await guess(third, CODE_TRIES - 1)).to.equal(CODE_TRIES - 1);
    expect(await wordsAfter(third, third.code), 'the right one is not counted').not.to.include(WAIT);

    const last = await begin(doctor, { source: '198.51.100.8' });
    expect(await guess(last, 3), 'one was left').to.equal(1);
    expect(await wordsAfter(last, last.code)).to.include(`${WAIT} 1440 minutes.`);
    const told = (await refusals()).slice(earlier);
    expect(told).to.have.length(limit);
    for (const details of told) expect(details).to.include({ purpose: 'sign-up', rpps: doctor.rpps });

    const other = await begin(doctor, { contact: 'email' });
    expect(await guess(other, 1), 'another contact').to.equal(1);

    await ageCounters(app, 23 * HOUR);
    expect(await wordsAfter(last, last.code)).to.include(`${WAIT} 60 minutes.`);
    await ageCounters(app, HOUR);
    expect(wordsOf(await enter(last, last.code))).not.to.include(WAIT);
  });

  it('are neither counted nor journaled once they cannot be entered any more', async () => {
    const room = await begin(await newDoctor());
    const earlier = (await refusals()).length;
    await guess(room, CODE_TRIES);
    for (let tries = 0; tries < 12; tries += 1) {
      expect(await wordsAfter(room, room.code)).to.include(EXHAUSTED);
    }
    for (const rule of ['codeFailurePerContact', 'codeFailurePerSource', 'codeFailureEverywhere'] as const)
      expect(await attemptsOf(app, rule), rule).to.deep.equal([CODE_TRIES]);
    expect((await refusals()).slice(earlier).map(({ reason }) => reason)).to.deep.equal([
      ...Array(CODE_TRIES - 1).fill('wrong'),
      'exhausted',
    ]);
  });

  const DEAD: readonly [verdict: string, kill: (code: string, key: DeadKey) => Promise<unknown>][] = [
    [
      'never sent',
      async (_code, { journeyHash }) =>
        app.database.knex('one_time_codes').where({ journey_hash: journeyHash }).delete(),
    ],
    [
      'used',
      async (code, key) => {
        const answer = await tryCode(app.database.knex, app.deps, key, code);
        if (answer.verdict === 'accepted') await consumeCode(app.database.knex, app.clock, answer.id);
      },
    ],
    [
      'expired',
      async (_code, { journeyHash }) =>
        app.database
          .knex('one_time_codes')
          .where({ journey_hash: journeyHash })
          .update({ expires_at: app.clock.now() }),
    ],
  ];
  interface DeadKey {
    readonly journeyHash: Buffer;
    readonly purpose: 'sign-up';
  }
  for (const [index, [what, kill]] of DEAD.entries()) {
    it(`cost nothing when they were ${what}`, async () => {
      const key: DeadKey = { journeyHash: Buffer.alloc(32, 40 + index), purpose: 'sign-up' };
      const code = await createCode(app.database.knex, app.deps, { ...key, channel: 'sms' });
      await kill(code, key);
      const earlier = (await refusals()).length;
      const checked = await checkCode(app.deps, {
        ...key,
        contact: { channel: 'sms', to: '+33639982999' },
        source: '203.0.113.9',
        input: code,
      });
      expect(checked.ok).to.equal(false);
      expect(await attemptsOf(app, 'codeFailurePerContact')).to.deep.equal([0]);
      expect(await attemptsOf(app, 'codeFailurePerSource')).to.deep.equal([0]);
      expect(await refusals()).to.have.length(earlier);
    });
  }

  it('are compared so many times an hour for one source, which then uses up nobody’s tries', async () => {
    const [one, two] = [await newDoctor(), await newDoctor()];
    expect(throttleRules.codeFailurePerSource).to.include({ limit: 150, seconds: 3_600 });
    const room = await begin(one);
    const next = await begin(two);
    await guess(room, 1);
    await leaveAttempts(app, 'codeFailurePerSource', 1);
    expect(await guess(room, 2)).to.equal(1);
    expect(await guess(next, 20), 'whoever they are for').to.equal(0);
    expect(await guess(await begin(two, { source: '198.51.100.9' }), CODE_TRIES)).to.equal(CODE_TRIES);
    await ageCounters(app, HOUR);
    expect(await guess(next, 1)).to.equal(1);
  });

  it('are compared so many times an hour in all, whoever tries, and sign-ins go on', async () => {
    const room = await begin(await newDoctor());
    await guess(room, 1);
    await leaveAttempts(app, 'codeFailureEverywhere', 0);
    const other = await begin(await newDoctor(), { source: '198.51.100.10' });
    expect(await guess(other, 1)).to.equal(0);
    expect(await attemptsOf(app, 'codeFailurePerContact'), 'it counts against nobody').to.deep.equal([1, 0]);

    const visitor = new Visitor(app.issuer, '198.51.100.11');
    const form = await visitor.get('/connexion');
    const { result: page, code } = await app.codeSentBy('camille@example.test', () =>
      visitor.submit(form, { email: 'camille@example.test', password: 'demo-caducee-2026' }),
    );
    expect(wordsOf(await visitor.submit(page, { code }, '/code'))).to.include('Bonjour Camille');
  });

  it('that a stranger asked for to an address do not stop its owner’s sign-in', async () => {
    const room = await begin(await newDoctor());
    const { visitor } = room;
    const form = await enter(room, room.code);
    const email = 'camille@example.test';
    const password = 'sept girafes sous la pluie';
    let page = await visitor.submit(
      form,
      { email, emailConfirmation: email, password, passwordConfirmation: password },
      '/identifiants',
    );
    for (let sends = 1; sends < 7; sends += 1) {
      app.clock.advance(31 * SECOND);
      page = await visitor.submit(page, {}, '/renvoyer');
    }
    const [used] = await attemptsOf(app, 'codeSendPerContact');
    expect(used, 'the stranger has used up theirs').to.be.greaterThan(throttleRules.codeSendPerContact.limit);

    const owner = new Visitor(app.issuer, '198.51.100.12');
    const { result } = await app.codeSentBy(email, async () =>
      owner.submit(await owner.get('/connexion'), { email, password: 'demo-caducee-2026' }),
    );
    expect(wordsOf(result)).to.include('Un code vous attend');
  });
});
