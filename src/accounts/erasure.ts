/**
 * Erases closed accounts once nobody may open them again. The row goes with all that refers to it; the identifier is never
 * given again, and stays in the journal, which the law has us keep.
 */
import { record } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { revokeAccess } from './access.ts';

/** Tables that name an account without referring to it. */
const LOOSE_TABLES = ['session_applications', 'logout_notices'];

/** @returns how many accounts this call erased; several nodes share them. */
export async function eraseClosed(db: Db, clock: Clock): Promise<number> {
  for (let erased = 0; ; erased += 1) if (!(await eraseNext(db, clock))) return erased;
}

/** One for each transaction: an entry of the journal holds up all others until it commits. */
async function eraseNext(db: Db, clock: Clock): Promise<boolean> {
  return db.transaction(async (trx) => {
    const row = await trx('accounts')
      .where({ state: 'closed' })
      .where('erase_after', '<=', clock.now())
      .orderBy('erase_after')
      .forUpdate()
      .skipLocked()
      .first('id');
    if (!row) return false;
    await revokeAccess(trx, row.id);
    for (const table of LOOSE_TABLES) await trx(table).where({ account_id: row.id }).delete();
    await trx('accounts').where({ id: row.id }).delete();
    await record(trx, clock, { event: 'account.erased', outcome: 'success', subject: row.id });
    return true;
  });
}
