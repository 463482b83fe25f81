/**
 * Guessing, bounded for every way in by one table (ways.ts): per source, per person (or per contact where there is
 * no account) and everywhere, or else per device that knows the person; in PostgreSQL, so for all nodes and over restarts.
 *
 *     const counted = await countGuess(deps, { way: 'totp', principalId: principal.id, source: clientAddress(ctx) });
 *     if (!counted.allowed) return showFault(counted.fault);
 *     // compare, then exactly one of:
 *     await counted.succeeded();
 *     await counted.failed();
 *     await counted.notCompared();
 *
 * The try is counted before the comparison, so that guesses made at the same time stay within the limit, and stays counted
 * when the request dies on the way.
 */
import type { Db } from '../lib/database.ts';
import type { Fault } from '../lib/fault.ts';
import { forgetKnownDevice } from './known-devices.ts';
import { enqueueStop } from './stops.ts';
import { type Throttle, type ThrottleRule, throttledFault } from './throttle.ts';
import { type Way, wayRules } from './ways.ts';

export interface Guess {
  readonly way: Way;
  /** Client address. */
  readonly source: string;
  /** `Principal.id` (accounts/principals.ts): one count whatever was typed to name the person. */
  readonly principalId?: string | undefined;
  /**
   * What was typed, in canonical form, when it is nobody's: it counts and waits like a person, so that the answer does not
   * tell that it is not.
   */
  readonly unknown?: string | undefined;
  /** From `findKnownDevice` (known-devices.ts): counted by itself instead of with strangers. */
  readonly deviceId?: string | undefined;
  /** Address or number, where there is no person yet. */
  readonly contact?: string | undefined;
  /** Sets apart what is counted everywhere; the way by default. `null` leaves it out: anybody may begin such a journey. */
  readonly purpose?: string | null;
}

export type Counted =
  | {
      readonly allowed: true;
      /** It was the right one. */
      succeeded(): Promise<void>;
      /** It was compared, and wrong. The last one allowed is told and recorded (stops.ts). */
      failed(): Promise<void>;
      /** Nothing was compared (a full queue, a code that had expired): gives the try back. */
      notCompared(): Promise<void>;
    }
  | { readonly allowed: false; readonly fault: Fault; readonly retryAfterSeconds: number };

type Limit = readonly [rule: ThrottleRule, subject: string];

interface Deps {
  readonly knex: Db;
  readonly throttle: Throttle;
}

/** What this guess is counted against, in order. */
export function limitsOf(guess: Guess): Limit[] {
  const { way, source, principalId, unknown, deviceId, contact, purpose = way } = guess;
  const rules = wayRules[way];
  const device = rules.perDevice && deviceId ? rules.perDevice : undefined;
  const person = principalId ?? (unknown === undefined ? undefined : `unknown:${unknown}`);
  const against = (subject: string | undefined, some: readonly ThrottleRule[]): Limit[] =>
    subject === undefined ? [] : some.map((rule) => [rule, subject] as const);
  return [
    // A ward of colleagues and patients is one source.
    ...against(device ? undefined : source, [rules.perSource]),
    ...(device ? against(deviceId, device) : against(person, rules.perPrincipal)),
    ...against(contact, rules.perContact),
    ...(rules.everywhere && purpose !== null && !device ? against(purpose, [rules.everywhere]) : []),
  ];
}

/**
 * Counts one try, unless one of its limits is reached.
 *
 * One limit after the other: what is refused by one is given back to those before it, and does not use up the next, which
 * other people share.
 */
export async function countGuess({ knex, throttle }: Deps, guess: Guess): Promise<Counted> {
  const { clearedBySuccess, perDevice = [], perPrincipal } = wayRules[guess.way];
  const counted: Limit[] = [];
  const reached: ThrottleRule[] = [];
  const takeBack = async (limits: readonly Limit[]) => {
    for (const [rule, subject] of limits) await throttle.refund(rule, subject);
  };

  for (const [rule, subject] of limitsOf(guess)) {
    const verdict = await throttle.consume(rule, subject);
    if (!verdict.allowed) {
      await takeBack(counted);
      const { retryAfterSeconds } = verdict;
      return { allowed: false, fault: throttledFault(retryAfterSeconds), retryAfterSeconds };
    }
    counted.push([rule, subject]);
    if (verdict.remaining === 0) reached.push(rule);
  }

  return {
    allowed: true,
    async succeeded() {
      const isCleared = ([rule]: Limit) => clearedBySuccess.includes(rule);
      for (const [rule, subject] of counted.filter(isCleared)) await throttle.clear(rule, subject);
      await takeBack(counted.filter((limit) => !isCleared(limit)));
    },
    async failed() {
      const { way, source, principalId, deviceId } = guess;
      const onKnownDevice = reached.some((rule) => perDevice.includes(rule));
      if (deviceId && onKnownDevice) await forgetKnownDevice(knex, deviceId);
      const stopping = reached.find((rule) => perDevice.includes(rule) || perPrincipal.includes(rule));
      if (stopping)
        await enqueueStop(knex, { way, principalId, count: stopping.limit, onKnownDevice, source });
    },
    notCompared: () => takeBack(counted),
  };
}
