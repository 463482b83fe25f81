/** Removing a second factor: never the last one that an administrator may sign in with, even when two go at once. */
import { lockPrincipal, type Principal } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn, type SecurityChange } from '../../../accounts/security-change.ts';
import type { JournalEntry } from '../../../audit/journal.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { allowedFactors, countStrong, mayRemove, type StrongFactor } from '../../../factors/policy.ts';
import { savePreferences } from '../../../factors/preferences.ts';
import type { Db } from '../../../lib/database.ts';

/** Nothing else would sign this administrator in. */
export class LastFactorError extends Error {
  override name = 'LastFactorError';
}

/** What counts for this person in this installation (factors/policy.ts). */
export const rulesOf = ({ sms, settings }: Deps, { account }: Principal) => ({
  smsAvailable: sms !== undefined,
  allowed: allowedFactors(settings, account),
});

/**
 * @param remove returns false when it is gone already.
 * @throws {LastFactorError}
 * @throws {CaduceeError} notFound, when it is gone already.
 */
export const removeFactor = (
  deps: Deps,
  fresh: FreshSignIn,
  {
    kind,
    change,
    details,
  }: { kind: StrongFactor; change: SecurityChange; details?: JournalEntry['details'] },
  remove: (trx: Db, principal: Principal) => Promise<boolean>,
): Promise<void> =>
  changeSecurity(deps.knex, deps, fresh, { change, ...(details && { details }) }, async (trx) => {
    const principal = await lockPrincipal(trx, fresh.principal);
    const rules = rulesOf(deps, fresh.principal);
    if (!principal || !mayRemove(principal, kind, rules)) throw new LastFactorError();
    if (!(await remove(trx, principal))) throw new CaduceeError('notFound');
    if (principal.preferredFactor === kind && countStrong(principal, rules)[kind] === 1)
      await savePreferences(trx, deps.clock, principal, { preferredFactor: null });
  });
