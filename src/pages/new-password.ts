/** A new password, typed twice: every page that asks for one checks and hashes it here. */
import { judgePassword } from '../credentials/password-policy.ts';
import type { Deps } from '../deps.ts';
import type { Fields } from '../http/forms.ts';
import type { Fault } from '../lib/fault.ts';
import { throttledFault, throttleRules } from '../throttle/throttle.ts';

/** Of the name of a workplace: shorter words are articles and titles. */
const MIN_PLACE_WORD_LENGTH = 5;

/** Words of the names and towns of workplaces that a password must not be made of. */
export const placeWords = (places: readonly string[]): string[] =>
  places
    .flatMap((place) => place.split(/[^\p{L}\p{M}]+/u))
    .filter((word) => word.length >= MIN_PLACE_WORD_LENGTH);

/**
 * @param personal words that the password must not be made of.
 * @returns the faults beside their fields, `password` and `passwordConfirmation`; none when it may be used.
 */
export function newPasswordFaults(
  { password = '', passwordConfirmation = '' }: Fields,
  personal: string[],
): Record<string, Fault> {
  const judged = judgePassword(password, { personal });
  const faults: Record<string, Fault> = judged.ok ? {} : { password: judged.fault };
  if (passwordConfirmation === '')
    faults.passwordConfirmation = { key: 'fault.required.passwordConfirmation' };
  else if (judged.ok && passwordConfirmation !== password)
    faults.passwordConfirmation = { key: 'fault.password.mismatch' };
  return faults;
}

/**
 * Hashes the password of a journey, so many times and no more: hashing is slow by design, and other people wait for it.
 * @returns the fault for the field `password` when this journey asked too often.
 */
export async function hashNewPassword(
  { hasher, throttle }: Deps,
  journeyHash: Buffer,
  password: string,
): Promise<{ ok: true; hash: string } | { ok: false; fault: Fault }> {
  const verdict = await throttle.consume(throttleRules.newPasswordPerJourney, journeyHash.toString('hex'));
  if (!verdict.allowed) return { ok: false, fault: throttledFault(verdict.retryAfterSeconds) };
  return { ok: true, hash: await hasher.hash(password) };
}
