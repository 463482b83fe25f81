/** Whether a password is somebody's: the one place where one is compared, and counted first. */
import type { Principal } from '../accounts/principals.ts';
import { record } from '../audit/journal.ts';
import type { Deps } from '../deps.ts';
import type { Fault } from '../lib/fault.ts';
import { countGuess } from '../throttle/guesses.ts';
import { findKnownDevice } from '../throttle/known-devices.ts';

interface Attempt {
  /** Absent when what was typed names nobody. */
  readonly principal: Principal | undefined;
  /** What was typed to name them, in canonical form (accounts/contacts.ts). */
  readonly unknown?: string | undefined;
  readonly password: string;
  /** Client address. */
  readonly source: string;
  /** What the browser holds of a device that signed in before (http/device-cookie.ts). */
  readonly deviceToken: string | undefined;
  /** Where it is asked for: at sign-in, or before a change of who is signed in. */
  readonly step: 'password' | 'current-password';
}

export type PasswordVerdict =
  | { readonly verdict: 'matches'; readonly principal: Principal }
  | { readonly verdict: 'wrong' }
  | { readonly verdict: 'throttled'; readonly fault: Fault };

/** Counts the attempt, then compares; nobody's password costs the same work. */
export async function checkPassword(
  deps: Deps,
  { principal, unknown, password, source, deviceToken, step }: Attempt,
): Promise<PasswordVerdict> {
  const { knex, clock, hasher } = deps;
  const counted = await countGuess(deps, {
    way: 'password',
    source,
    principalId: principal?.id,
    unknown,
    deviceId: await findKnownDevice(knex, deps, principal?.id, deviceToken),
  });
  if (!counted.allowed) return { verdict: 'throttled', fault: counted.fault };

  const matches = await hasher.verify(principal?.passwordHash, password).catch(async (error) => {
    // Not compared, so not an attempt: a full queue must not make people wait a quarter of an hour.
    await counted.notCompared();
    throw error;
  });
  // The dummy hash never matches: there is somebody.
  if (matches && principal) {
    await counted.succeeded();
    return { verdict: 'matches', principal };
  }
  await record(knex, clock, {
    event: 'sign-in.refused',
    outcome: 'failure',
    subject: principal?.account.id,
    source,
    details: { step, member: principal?.member?.id },
  });
  await counted.failed();
  return { verdict: 'wrong' };
}
