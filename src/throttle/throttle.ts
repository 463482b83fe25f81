import type { Pool } from 'pg';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Fault } from '../lib/fault.ts';
import { networkOf } from '../lib/network.ts';
import { countInTurn, findCounter, waitOf } from './growing-wait.ts';

const TABLE = 'throttle_counters';
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Attempts that somebody who remembers half of a password makes, then longer and longer waits. */
const PASSWORD_WAITS = [0, 0, 5, 15, 30, MINUTE, MINUTE, MINUTE, MINUTE];

/** `limit` attempts in a window of `seconds` that starts with the first one. */
export type ThrottleRule = {
  readonly name: string;
  readonly limit: number;
  readonly seconds: number;
  /**
   * How long the next attempt waits after each one. Such a rule's window starts anew with every attempt, so that its
   * limit, once reached, holds for the whole of it.
   */
  readonly waitsSeconds?: readonly number[];
  /** The subject is a client address: a whole IPv6 /64 counts as one, because one machine has all of it. */
  readonly perSource?: true;
};

/**
 * The rules, by name. Those per account bound what guessing one person's secret can do; those per source (an IP
 * address) bound one machine, and are wide because a hospital leaves by one address.
 *
 * `signInPerAccount`: CNIL deliberation 2022-100, case 2 (restriction at 10 failures at most). The window ends by
 * itself, so that nobody can lock a person out for good (OWASP ASVS 5.0.0, 6.1.1), and a device that signed in before
 * is counted by itself (`signInPerDevice`, known-devices.ts). Both `…Daily`: NIST SP 800-63B-4 §3.2.2.
 *
 * Those on passwords everywhere stop who tries one password on everybody from many addresses, far above what people
 * mistype; known devices go on.
 *
 * Codes: a code has five tries of its own; the rules on failures bound who asks for one code after another, a day long.
 * A sign-in counts them per account, a sign-up, which has none, per contact. What is sent to a contact is counted per
 * purpose, so that a stranger's sign-up cannot use up the codes of its owner's sign-in.
 */
export const throttleRules = {
  signInPerAccount: {
    name: 'signInPerAccount',
    limit: 10,
    seconds: 15 * MINUTE,
    waitsSeconds: PASSWORD_WAITS,
  },
  signInPerAccountDaily: { name: 'signInPerAccountDaily', limit: 100, seconds: DAY },
  signInPerDevice: { name: 'signInPerDevice', limit: 10, seconds: 15 * MINUTE, waitsSeconds: PASSWORD_WAITS },
  signInPerDeviceDaily: { name: 'signInPerDeviceDaily', limit: 100, seconds: DAY },
  signInEverywhere: { name: 'signInEverywhere', limit: 15_000, seconds: 15 * MINUTE },
  signInPerSource: { name: 'signInPerSource', limit: 300, seconds: 15 * MINUTE, perSource: true },
  codeSendPerJourney: { name: 'codeSendPerJourney', limit: 12, seconds: HOUR },
  codeSendPerContact: { name: 'codeSendPerContact', limit: 5, seconds: HOUR },
  codeSendPerContactDaily: { name: 'codeSendPerContactDaily', limit: 20, seconds: DAY },
  codeSendPerAccount: { name: 'codeSendPerAccount', limit: 10, seconds: HOUR },
  codeSendPerSource: { name: 'codeSendPerSource', limit: 300, seconds: HOUR, perSource: true },
  codeFailurePerAccount: { name: 'codeFailurePerAccount', limit: 20, seconds: HOUR },
  codeFailurePerAccountDaily: { name: 'codeFailurePerAccountDaily', limit: 60, seconds: DAY },
  codeFailurePerContact: { name: 'codeFailurePerContact', limit: 15, seconds: DAY },
  codeFailurePerSource: { name: 'codeFailurePerSource', limit: 150, seconds: HOUR, perSource: true },
  codeFailureEverywhere: { name: 'codeFailureEverywhere', limit: 3_000, seconds: HOUR },
  proofFailurePerSource: { name: 'proofFailurePerSource', limit: 300, seconds: HOUR, perSource: true },
  tokenFailurePerSource: { name: 'tokenFailurePerSource', limit: 3_000, seconds: HOUR, perSource: true },
  stopNoticePerAccount: { name: 'stopNoticePerAccount', limit: 1, seconds: DAY },
  rescuePerAccount: { name: 'rescuePerAccount', limit: 10, seconds: HOUR },
  rescuePerAccountDaily: { name: 'rescuePerAccountDaily', limit: 30, seconds: DAY },
  rescuePerContact: { name: 'rescuePerContact', limit: 10, seconds: HOUR },
  rescuePerSource: { name: 'rescuePerSource', limit: 60, seconds: HOUR, perSource: true },
  rescueEverywhere: { name: 'rescueEverywhere', limit: 3_000, seconds: HOUR },
  newPasswordPerJourney: { name: 'newPasswordPerJourney', limit: 20, seconds: HOUR },
  invitationPerAccount: { name: 'invitationPerAccount', limit: 30, seconds: DAY },
  invitationPerContact: { name: 'invitationPerContact', limit: 5, seconds: DAY },
  profileChangePerAccount: { name: 'profileChangePerAccount', limit: 5, seconds: DAY },
  exportPerAccount: { name: 'exportPerAccount', limit: 10, seconds: HOUR },
  signUpPerRpps: { name: 'signUpPerRpps', limit: 5, seconds: HOUR },
  directorySearchPerSource: {
    name: 'directorySearchPerSource',
    limit: 1_500,
    seconds: HOUR,
    perSource: true,
  },
  signUpPerRppsDaily: { name: 'signUpPerRppsDaily', limit: 15, seconds: DAY },
  rppsNoticePerRpps: { name: 'rppsNoticePerRpps', limit: 1, seconds: DAY },
  signUpStartPerRpps: { name: 'signUpStartPerRpps', limit: 10, seconds: HOUR },
  signUpPerSource: { name: 'signUpPerSource', limit: 60, seconds: HOUR, perSource: true },
} as const satisfies Record<string, ThrottleRule>;

/** `spent`: the limit is reached, rather than a wait between two attempts. */
export type Verdict =
  | { allowed: true; remaining: number }
  | { allowed: false; retryAfterSeconds: number; spent: boolean };

/** « Come back in N seconds » up to a minute, then in whole minutes rounded up. */
export const throttledFault = (retryAfterSeconds: number): Fault =>
  retryAfterSeconds <= MINUTE
    ? { key: 'fault.throttledSeconds', vars: { seconds: Math.max(1, Math.ceil(retryAfterSeconds)) } }
    : { key: 'fault.throttled', vars: { minutes: Math.ceil(retryAfterSeconds / MINUTE) } };

export type Throttle = {
  /** Counts one attempt and tells whether it is within the limit. */
  consume(rule: ThrottleRule, subject: string): Promise<Verdict>;
  /** What `consume` would tell of the next attempt (`remaining` before it), without counting it. */
  peek(rule: ThrottleRule, subject: string): Promise<Verdict>;
  /** Takes one attempt back: for a rule on failures, `consume` first, then `refund` when it was none. */
  refund(rule: ThrottleRule, subject: string): Promise<void>;
  /** Forgets the attempts. */
  clear(rule: ThrottleRule, subject: string): Promise<void>;
};

/**
 * Counters in PostgreSQL, shared by all nodes. Each `consume` is one atomic statement: of any number of attempts
 * at the same time, exactly `limit` are allowed, or fewer where the rule makes them wait. Counting before the attempt, not after its failure, is what
 * keeps guesses made in parallel within the limit.
 *
 * `hash` is a keyed hash that returns at most 200 characters: a subject (e-mail address, telephone number, RPPS,
 * IP address) is stored in no other form. Every method throws when the database fails; the caller then refuses
 * the attempt.
 */
export function createThrottle(pool: Pool, { hash }: { hash: (text: string) => string }): Throttle {
  const limiters = new Map<string, RateLimiterPostgres>();

  function limiterOf(rule: ThrottleRule): RateLimiterPostgres {
    const known = limiters.get(rule.name);
    if (known !== undefined) return known;
    const limiter = new RateLimiterPostgres({
      storeClient: pool,
      storeType: 'pool',
      tableName: TABLE,
      tableCreated: true,
      // Expired rows are deleted by a scheduled job, once for all nodes.
      clearExpiredByTimeout: false,
      keyPrefix: rule.name,
      points: rule.limit,
      duration: rule.seconds,
    });
    limiters.set(rule.name, limiter);
    return limiter;
  }

  // Hashed with the rule, so that rows of one subject under two rules cannot be told for the same person's.
  const keyOf = (rule: ThrottleRule, subject: string) =>
    hash(`${rule.name}\n${rule.perSource ? networkOf(subject) : subject}`);

  const rowKey = (rule: ThrottleRule, subject: string) => limiterOf(rule).getKey(keyOf(rule, subject));

  return {
    async consume(rule, subject) {
      if (rule.waitsSeconds) {
        const turn = { ...rule, waitsSeconds: rule.waitsSeconds };
        const counted = await countInTurn(pool, rowKey(rule, subject), turn);
        if (typeof counted === 'number') return { allowed: true, remaining: rule.limit - counted };
        return refused(waitOf(rule, counted, Date.now()), counted.points >= rule.limit);
      }
      try {
        const { remainingPoints } = await limiterOf(rule).consume(keyOf(rule, subject));
        return { allowed: true, remaining: remainingPoints };
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return refused(refusal.msBeforeNext, true);
        throw refusal;
      }
    },

    async peek(rule, subject) {
      const now = Date.now();
      const counted = await findCounter(pool, rowKey(rule, subject));
      if (counted === undefined || counted.expire <= now) return { allowed: true, remaining: rule.limit };
      const waitMs = waitOf(rule, counted, now);
      if (waitMs > 0) return refused(waitMs, counted.points >= rule.limit);
      return { allowed: true, remaining: rule.limit - counted.points };
    },

    async refund(rule, subject) {
      // Not the library's reward(): on an expired row that would leave a credit. The wait that the attempt began goes
      // with it; the one before had ended, or the attempt would not have been allowed.
      await pool.query(
        `UPDATE ${TABLE} SET points = points - 1, not_before = NULL
         WHERE key = $1 AND points > 0 AND expire > $2`,
        [rowKey(rule, subject), Date.now()],
      );
    },

    async clear(rule, subject) {
      await limiterOf(rule).delete(keyOf(rule, subject));
    },
  };
}

/** Deletes the counters whose window has ended; returns how many. */
export async function sweepThrottle(knex: Db, clock: Clock): Promise<number> {
  return knex(TABLE).where('expire', '<', clock.now().getTime()).delete();
}

function refused(waitMs: number, spent: boolean): Verdict {
  return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)), spent };
}
