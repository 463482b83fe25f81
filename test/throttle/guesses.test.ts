import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import pg from 'pg';
import { countGuess, type Guess, limitsOf } from '../../src/throttle/guesses.ts';
import { createThrottle, type Throttle, throttleRules } from '../../src/throttle/throttle.ts';
import { WAYS, type Way, wayRules } from '../../src/throttle/ways.ts';
import { createTestDatabase } from '../support/database.ts';

const hash = (text: string) => createHmac('sha256', 'key of the tests').update(text).digest('base64url');
const SOURCE = '203.0.113.9';

describe('what a guess is counted against', () => {
  const named = (guess: Guess) => limitsOf(guess).map(([{ name }, subject]) => [name, subject]);
  const base = { source: SOURCE, principalId: 'camille' };

  it('is the source first, then the person, then everybody', () => {
    expect(named({ way: 'password', ...base })).to.deep.equal([
      ['signInPerSource', SOURCE],
      ['signInPerAccount', 'camille'],
      ['signInPerAccountDaily', 'camille'],
      ['signInEverywhere', 'password'],
    ]);
    expect(named({ way: 'code', ...base, purpose: 'sign-in' })).to.deep.equal([
      ['codeFailurePerSource', SOURCE],
      ['codeFailurePerAccount', 'camille'],
      ['codeFailurePerAccountDaily', 'camille'],
      ['codeFailureEverywhere', 'sign-in'],
    ]);
  });

  it('is, for an address of nobody, the same limits under another subject', () => {
    const known = named({ way: 'password', ...base });
    const unknown = named({ way: 'password', source: SOURCE, unknown: 'nobody@example.test' });
    expect(unknown.map(([name]) => name)).to.deep.equal(known.map(([name]) => name));
    expect(unknown[1]?.[1]).to.equal('unknown:nobody@example.test');
    expect(named({ way: 'password', ...base, unknown: 'camille@example.test' })).to.deep.equal(known);
  });

  it('is a known device alone, in place of what strangers can use up', () => {
    expect(named({ way: 'password', ...base, deviceId: 'device' })).to.deep.equal([
      ['signInPerDevice', 'device'],
      ['signInPerDeviceDaily', 'device'],
    ]);
    const second = { way: 'totp', ...base } as const;
    expect(named({ ...second, deviceId: 'device' }), 'for passwords only').to.deep.equal(named(second));
  });

  it('is the contact where there is nobody yet, and nothing shared where anybody may begin', () => {
    expect(named({ way: 'code', source: SOURCE, contact: 'sms', purpose: null })).to.deep.equal([
      ['codeFailurePerSource', SOURCE],
      ['codeFailurePerContact', 'sms'],
    ]);
  });

  it('is one count for all that is typed to pass the second step', () => {
    const perPerson = (way: Way) => named({ way, ...base }).filter(([, subject]) => subject === 'camille');
    for (const way of ['totp', 'recovery-code', 'trusted-device'] as const)
      expect(perPerson(way), way).to.deep.equal(perPerson('code'));
  });

  it('is always a source, and a person wherever a secret is short', () => {
    for (const way of WAYS) {
      const { perSource, perPrincipal } = wayRules[way];
      expect(perSource.perSource, way).to.equal(true);
      const short = !['passkey', 'pro-sante-connect', 'card', 'refresh'].includes(way);
      expect(perPrincipal.length > 0, way).to.equal(short);
      // NIST SP 800-63B-4 §3.2.2: no more than 100 failures.
      if (short) expect(Math.max(...perPrincipal.map(({ limit }) => limit)), way).to.be.at.most(100);
      if (short)
        expect(
          perPrincipal.some(({ seconds }) => seconds === 86_400),
          way,
        ).to.equal(true);
    }
  });
});

describe('a guess', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let throttle: Throttle;
  before(async () => {
    database = await createTestDatabase();
    throttle = createThrottle(database.pool, { hash });
  });
  after(() => database.drop());
  beforeEach(() => database.knex('throttle_counters').delete());

  const used = async (rule: keyof typeof throttleRules, subject: string): Promise<number> => {
    const verdict = await throttle.peek(throttleRules[rule], subject);
    return verdict.allowed ? throttleRules[rule].limit - verdict.remaining : throttleRules[rule].limit;
  };
  const password = { way: 'password', source: SOURCE, principalId: 'camille' } as const;
  const count = async (guess: Guess) => {
    const counted = await countGuess({ throttle, knex: database.knex }, guess);
    if (!counted.allowed) throw new Error(counted.fault.key);
    return counted;
  };

  it('that failed stays counted everywhere', async () => {
    await (await count(password)).failed();
    for (const [rule, subject] of limitsOf(password))
      expect(await used(rule.name as keyof typeof throttleRules, subject), rule.name).to.equal(1);
  });

  it('that was not compared is given back everywhere', async () => {
    await (await count(password)).notCompared();
    for (const [rule, subject] of limitsOf(password))
      expect(await used(rule.name as keyof typeof throttleRules, subject), rule.name).to.equal(0);
  });

  it('whose request died stays counted', async () => {
    await count(password);
    expect(await used('signInPerAccount', 'camille')).to.equal(1);
  });

  it('that was right clears the failures of a password, but neither the day nor the source', async () => {
    for (let failures = 0; failures < 3; failures += 1) await (await count(password)).failed();
    await database.knex('throttle_counters').update({ not_before: null });
    await (await count(password)).succeeded();
    expect(await used('signInPerAccount', 'camille')).to.equal(0);
    expect(await used('signInPerAccountDaily', 'camille')).to.equal(3);
    expect(await used('signInPerSource', SOURCE)).to.equal(3);
    expect(await used('signInEverywhere', 'password')).to.equal(3);
  });

  it('that was right clears no failure of the second step: a stranger who knows the password has that count', async () => {
    const totp = { way: 'totp', source: SOURCE, principalId: 'camille' } as const;
    for (let failures = 0; failures < 3; failures += 1) await (await count(totp)).failed();
    await (await count(totp)).succeeded();
    expect(await used('codeFailurePerAccount', 'camille')).to.equal(3);
  });

  it('that is refused uses up nothing, and says how long to wait in words', async () => {
    for (let failures = 0; failures < 3; failures += 1) await (await count(password)).failed();
    const refused = await countGuess({ throttle, knex: database.knex }, password);
    expect(refused).to.deep.equal({
      allowed: false,
      retryAfterSeconds: 5,
      fault: { key: 'fault.throttledSeconds', vars: { seconds: 5 } },
    });
    expect(await used('signInPerSource', SOURCE)).to.equal(3);
    expect(await used('signInEverywhere', 'password')).to.equal(3);
  });

  it('on a known device neither waits for strangers nor counts with them', async () => {
    for (let failures = 0; failures < 3; failures += 1) await (await count(password)).failed();
    const known = { ...password, deviceId: 'device' };
    for (let failures = 0; failures < 3; failures += 1) await (await count(known)).failed();
    expect((await countGuess({ throttle, knex: database.knex }, known)).allowed).to.equal(false);
    expect(await used('signInPerAccountDaily', 'camille')).to.equal(3);
    expect(
      (await countGuess({ throttle, knex: database.knex }, { ...known, deviceId: 'other' })).allowed,
    ).to.equal(true);
  });

  for (const way of ['code', 'totp', 'recovery-code', 'rescue'] as const) {
    it(`by ${way} is compared so many times of 200 at once, from two nodes`, async () => {
      const elsewhere = new pg.Pool({ connectionString: database.url, max: 10 });
      try {
        const nodes = [throttle, createThrottle(elsewhere, { hash })];
        const counted = await Promise.all(
          Array.from({ length: 200 }, (_, at) =>
            countGuess(
              { throttle: nodes[at % 2]!, knex: database.knex },
              { way, source: `203.0.113.${at}`, principalId: 'parallel' },
            ),
          ),
        );
        const [hourly] = wayRules[way].perPrincipal;
        expect(counted.filter(({ allowed }) => allowed)).to.have.length(hourly!.limit);
      } finally {
        await elsewhere.end();
      }
    });
  }
});
