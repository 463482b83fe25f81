/** Removing a second factor: never the last one that an administrator may sign in with, even when two go at once. */
import { lockPrincipal, type Principal } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn, type SecurityChange } from '../../../accounts/security-change.ts';
import type { JournalEntry } from '../../../audit/journal.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { countStrong, factorRulesOf, mayRemove, type StrongFactor } from '../../../factors/policy.ts';
import { savePreferences } from '../../../factors/preferences.ts';
import type { Db } from '../../../lib/database.ts';

/** Nothing else would sign them in. */
export class LastFactorError extends Error {
  override name = 'LastFactorError';
}

/** What counts for this person in this installation. */
export const rulesOf = (deps: Deps, { account }: Principal) => factorRulesOf(deps, account);

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
