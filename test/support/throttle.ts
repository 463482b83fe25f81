/** Counters as if time had passed or others had tried: a limit of hundreds is reached at once. */
import { type ThrottleRule, throttleRules } from '../../src/throttle/throttle.ts';
import type { TestApp } from './app.ts';

type Rule = keyof typeof throttleRules;

const counters = (app: TestApp, rule: Rule) =>
  app.database.knex('throttle_counters').where('key', 'like', `${rule}:%`);

/** Leaves so many attempts to every subject that the rule has counted. */
export async function leaveAttempts(app: TestApp, rule: Rule, left: number): Promise<void> {
  const { limit }: ThrottleRule = throttleRules[rule];
  const changed = await counters(app, rule).update({ points: limit - left });
  if (changed === 0) throw new Error(`${rule} has counted nobody`);
}

/** How many attempts each subject of the rule has used, refused ones included; the most first. */
export const attemptsOf = (app: TestApp, rule: Rule): Promise<number[]> =>
  counters(app, rule).orderBy('points', 'desc').pluck('points');

/** Lets time pass for every window and every wait. */
export const ageCounters = (app: TestApp, milliseconds: number) =>
  app.database.knex('throttle_counters').decrement({ expire: milliseconds, not_before: milliseconds });

/** Lets whoever must wait between two attempts make the next one now; who has reached a limit still has. */
export const endWaits = (app: TestApp) => app.database.knex('throttle_counters').update({ not_before: null });
