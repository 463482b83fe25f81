/** The first step of a sign-in: an address and its password, within the limits per account and per source. */
import { type Account, findAccountBySignInEmail, updatePasswordHash } from '../../accounts/accounts.ts';
import { record } from '../../audit/journal.ts';
import { throttledFault } from '../../credentials/code-delivery.ts';
import type { Deps } from '../../deps.ts';
import type { Fault } from '../../lib/fault.ts';
import { throttleRules } from '../../throttle/throttle.ts';

/**
 * Counts the attempt, then compares; a wrong address costs the same work and gets the same answer.
 * @param source client address.
 */
export async function authenticate(
  { knex, clock, hasher, throttle }: Deps,
  { canonical, password, source }: { canonical: string; password: string; source: string },
): Promise<Account | Fault> {
  const account = await findAccountBySignInEmail(knex, canonical);
  const subject = account?.id ?? `unknown:${canonical}`;
  const bySource = await throttle.peek(throttleRules.signInPerSource, source);
  const byAccount = await throttle.consume(throttleRules.signInPerAccount, subject);
  const refused = [byAccount, bySource].find((verdict) => !verdict.allowed);
  if (refused && !refused.allowed) return throttledFault(refused.retryAfterSeconds);

  const matches = await hasher.verify(account?.passwordHash, password).catch(async (error) => {
    // Not compared, so not an attempt: a full queue must not make people wait a quarter of an hour.
    await throttle.refund(throttleRules.signInPerAccount, subject);
    throw error;
  });
  if (matches) {
    // The dummy hash never matches: there is an account.
    const found = account as Account;
    await throttle.clear(throttleRules.signInPerAccount, subject);
    if (found.passwordHash && hasher.needsRehash(found.passwordHash)) {
      await updatePasswordHash(knex, clock, found.id, await hasher.hash(password));
    }
    return found;
  }
  await throttle.consume(throttleRules.signInPerSource, source);
  await record(knex, clock, {
    event: 'sign-in.refused',
    outcome: 'failure',
    subject: account?.id,
    source,
    details: { step: 'password' },
  });
  return { key: 'fault.credentials' };
}
