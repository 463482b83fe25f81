import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import pg from 'pg';
import { createThrottle, sweepThrottle, type Throttle, throttleRules } from '../../src/throttle/throttle.ts';
import { createTestDatabase } from '../support/database.ts';

const hash = (text: string) => createHmac('sha256', 'key of the tests').update(text).digest('base64url');
const short = { name: 'short', limit: 3, seconds: 1 };
const rule = { name: 'rule', limit: 3, seconds: 600 };

describe('throttle', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let throttle: Throttle;

  before(async () => {
    database = await createTestDatabase();
    throttle = createThrottle(database.pool, { hash });
  });
  after(() => database.drop());

  it('allows up to the limit, then tells how long to wait', async () => {
    for (const remaining of [2, 1, 0]) {
      expect(await throttle.consume(rule, 'zoe')).to.deep.equal({ allowed: true, remaining });
    }
    const verdict = await throttle.consume(rule, 'zoe');
    expect(verdict.allowed).to.equal(false);
    expect(verdict).to.have.property('retryAfterSeconds').within(590, 600);
    expect(await throttle.consume(rule, 'ana')).to.deep.equal({ allowed: true, remaining: 2 });
    expect(await throttle.consume({ ...rule, name: 'other' }, 'zoe')).to.deep.equal({
      allowed: true,
      remaining: 2,
    });
  });

  it('tells of the next attempt without counting it', async () => {
    for (const remaining of [3, 3]) {
      expect(await throttle.peek(rule, 'peek')).to.deep.equal({ allowed: true, remaining });
    }
    for (let attempt = 0; attempt < 3; attempt++) await throttle.consume(rule, 'peek');
    expect(await throttle.peek(rule, 'peek')).to.have.property('allowed', false);
  });

  it('forgets on demand, and takes back what was no failure', async () => {
    for (let attempt = 0; attempt < 4; attempt++) await throttle.consume(rule, 'clear');
    await throttle.clear(rule, 'clear');
    expect(await throttle.peek(rule, 'clear')).to.deep.equal({ allowed: true, remaining: 3 });
    await throttle.clear(rule, 'never seen');
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(await throttle.consume(rule, 'refund')).to.deep.equal({ allowed: true, remaining: 2 });
      await throttle.refund(rule, 'refund');
    }
    await throttle.refund(rule, 'refund');
    await throttle.refund(rule, 'never seen');
    expect(await throttle.peek(rule, 'refund')).to.deep.equal({ allowed: true, remaining: 3 });
  });

  it('starts a new window when one has ended, and sweeps the old ones only', async () => {
    for (let attempt = 0; attempt < 4; attempt++) await throttle.consume(short, 'window');
    expect(await throttle.peek(short, 'window')).to.have.property('allowed', false);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await throttle.refund(short, 'window');
    expect(await throttle.consume(short, 'window')).to.deep.equal({ allowed: true, remaining: 2 });
    await throttle.consume(short, 'old');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await throttle.consume(rule, 'kept');
    expect(await sweepThrottle(database.knex, { now: () => new Date() })).to.be.at.least(2);
    expect(await throttle.peek(rule, 'kept')).to.deep.equal({ allowed: true, remaining: 2 });
  });

  it('allows exactly the limit of 200 attempts at once, from two nodes', async () => {
    const elsewhere = new pg.Pool({ connectionString: database.url, max: 10 });
    try {
      const nodes = [throttle, createThrottle(elsewhere, { hash })];
      const verdicts = await Promise.all(
        Array.from({ length: 200 }, (_, at) =>
          nodes[at % 2]!.consume(throttleRules.codeSendPerAccount, 'parallel'),
        ),
      );
      expect(verdicts.filter(({ allowed }) => allowed)).to.have.length(10);
      const remaining = verdicts.flatMap((verdict) => (verdict.allowed ? [verdict.remaining] : []));
      expect(remaining.sort((a, b) => a - b)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    } finally {
      await elsewhere.end();
    }
  });

  describe('with waits that grow', () => {
    const growing = { name: 'growing', limit: 5, seconds: 900, waitsSeconds: [0, 5, 15, 30] };
    const moved = (milliseconds: number) =>
      database.knex('throttle_counters').decrement({ expire: milliseconds, not_before: milliseconds });

    it('tells how long until the next attempt, then until the end of the stop', async () => {
      expect(await throttle.consume(growing, 'zoe')).to.deep.equal({ allowed: true, remaining: 4 });
      for (const [remaining, waitSeconds] of [
        [3, 5],
        [2, 15],
        [1, 30],
      ] as const) {
        expect(await throttle.peek(growing, 'zoe')).to.deep.equal({
          allowed: true,
          remaining: remaining + 1,
        });
        expect(await throttle.consume(growing, 'zoe')).to.deep.equal({ allowed: true, remaining });
        await moved(500);
        const early = { allowed: false, retryAfterSeconds: waitSeconds, spent: false };
        // Refused ones neither count nor make the wait longer.
        for (const verdict of [throttle.consume, throttle.consume, throttle.peek])
          expect(await verdict(growing, 'zoe')).to.deep.equal(early);
        await moved(waitSeconds * 1_000 - 500);
      }
      expect(await throttle.consume(growing, 'zoe')).to.deep.equal({ allowed: true, remaining: 0 });
      await moved(1_500);
      const stopped = { allowed: false, retryAfterSeconds: 899, spent: true };
      expect(await throttle.consume(growing, 'zoe')).to.deep.equal(stopped);
      expect(await throttle.peek(growing, 'zoe')).to.deep.equal(stopped);
      await moved(898_500);
      expect(await throttle.consume(growing, 'zoe')).to.deep.equal({ allowed: true, remaining: 4 });
    });

    it('remembers a count for the whole window after the last attempt', async () => {
      for (let attempt = 0; attempt < 2; attempt++) await throttle.consume(growing, 'slow');
      await moved(890_000);
      expect(await throttle.consume(growing, 'slow')).to.deep.equal({ allowed: true, remaining: 2 });
      await moved(890_000);
      expect(await throttle.consume(growing, 'slow')).to.deep.equal({ allowed: true, remaining: 1 });
    });

    it('takes the wait back with the attempt', async () => {
      for (let attempt = 0; attempt < 10; attempt++) {
        expect(await throttle.consume(growing, 'refund')).to.deep.equal({ allowed: true, remaining: 4 });
        expect(await throttle.consume(growing, 'refund')).to.deep.equal({ allowed: true, remaining: 3 });
        await throttle.refund(growing, 'refund');
        await throttle.refund(growing, 'refund');
      }
      await throttle.consume(growing, 'refund');
      await throttle.consume(growing, 'refund');
      await throttle.clear(growing, 'refund');
      expect(await throttle.peek(growing, 'refund')).to.deep.equal({ allowed: true, remaining: 5 });
    });

    it('allows of 200 attempts at once, from two nodes, only those that need not wait', async () => {
      const elsewhere = new pg.Pool({ connectionString: database.url, max: 10 });
      try {
        const nodes = [throttle, createThrottle(elsewhere, { hash })];
        const verdicts = await Promise.all(
          Array.from({ length: 200 }, (_, at) =>
            nodes[at % 2]!.consume(throttleRules.signInPerAccount, 'parallel'),
          ),
        );
        expect(verdicts.filter(({ allowed }) => allowed)).to.have.length(3);
        for (const verdict of verdicts)
          if (!verdict.allowed)
            expect(verdict).to.deep.equal({ ...verdict, retryAfterSeconds: 5, spent: false });
      } finally {
        await elsewhere.end();
      }
    });
  });

  it('stores no subject in clear', async () => {
    const subjects = ['zoe.essai@example.test', '+33639980012', '99700900014', '192.0.2.7'];
    for (const subject of subjects) await throttle.consume(throttleRules.codeSendPerContact, subject);
    const { rows } = await database.pool.query('SELECT key FROM throttle_counters');
    const keys = rows.map((row: { key: string }) => row.key).join('\n');
    for (const subject of subjects) expect(keys).not.to.include(subject);
  });

  it('throws when the database does not answer', async () => {
    const nowhere = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/nowhere' });
    const blind = createThrottle(nowhere, { hash });
    for (const attempt of [blind.consume, blind.peek, blind.refund, blind.clear]) {
      expect(await attempt(rule, 'zoe').catch((error) => error)).to.be.instanceOf(Error);
    }
    await nowhere.end();
  });

  it('has rules that name themselves', () => {
    for (const [name, { name: own, limit, seconds }] of Object.entries(throttleRules)) {
      expect([own, limit > 0, seconds > 0]).to.deep.equal([name, true, true]);
    }
  });
});
