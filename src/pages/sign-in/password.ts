/** The first step of a sign-in: an address and its password. */
import { findSignInByEmail, type Principal, updatePasswordHash } from '../../accounts/principals.ts';
import { record } from '../../audit/journal.ts';
import { throttledFault } from '../../credentials/code-delivery.ts';
import type { Deps } from '../../deps.ts';
import type { Fault } from '../../lib/fault.ts';
import { throttleRules } from '../../throttle/throttle.ts';

interface Attempt {
  /** Canonical form of the address (accounts/contacts.ts). */
  readonly canonical: string;
  readonly password: string;
  /** Client address. */
  readonly source: string;
}

/**
 * Counts the attempt, then compares; a wrong address costs the same work and gets the same answer. The source is counted
 * first: one that has used up its tries cannot use up those of an account.
 */
export async function authenticate(
  deps: Deps,
  { canonical, password, source }: Attempt,
): Promise<Principal | Fault> {
  const { knex, clock, hasher, throttle } = deps;
  const { signInPerSource, signInPerAccount } = throttleRules;
  const principal = await findSignInByEmail(knex, canonical);
  const subject = principal?.id ?? `unknown:${canonical}`;
  const bySource = await throttle.consume(signInPerSource, source);
  if (!bySource.allowed) return throttledFault(bySource.retryAfterSeconds);
  const byAccount = await throttle.consume(signInPerAccount, subject);
  if (!byAccount.allowed) {
    await throttle.refund(signInPerSource, source);
    return throttledFault(byAccount.retryAfterSeconds);
  }

  const matches = await hasher.verify(principal?.passwordHash, password).catch(async (error) => {
    // Not compared, so not an attempt: a full queue must not make people wait a quarter of an hour.
    await throttle.refund(signInPerAccount, subject);
    await throttle.refund(signInPerSource, source);
    throw error;
  });
  if (matches) {
    // The dummy hash never matches: there is somebody.
    const found = principal as Principal;
    await throttle.clear(signInPerAccount, subject);
    await throttle.refund(signInPerSource, source);
    if (found.passwordHash && hasher.needsRehash(found.passwordHash)) {
      await updatePasswordHash(knex, clock, found, await hasher.hash(password));
    }
    return found;
  }
  await record(knex, clock, {
    event: 'sign-in.refused',
    outcome: 'failure',
    subject: principal?.account.id,
    source,
    details: { step: 'password', member: principal?.member?.id },
  });
  return { key: 'fault.credentials' };
}
