/** When an account last opened an application. */
import type pg from 'pg';
import { type Clock, fromNow, HOUR } from '../lib/clock.ts';

/** Finer is not needed to tell what is used from what is not, and a row is written at every opening otherwise. */
const RESOLUTION_MS = HOUR;

const RECORD = {
  name: 'application-uses-record',
  text: `INSERT INTO application_uses (account_id, client_id, last_used_at)
         SELECT $1, client_id, $3 FROM applications WHERE client_id = $2
         ON CONFLICT (account_id, client_id) DO UPDATE SET last_used_at = excluded.last_used_at
         WHERE application_uses.last_used_at <= $4`,
};

const horizon = (clock: Clock): Date => fromNow(clock, -RESOLUTION_MS);

/** @param lastUsedAt as it is kept. @returns whether a use now is worth a row. */
export const isUseDue = (clock: Clock, lastUsedAt: Date | undefined): boolean =>
  lastUsedAt === undefined || lastUsedAt <= horizon(clock);

export async function recordUse(
  pool: pg.Pool,
  clock: Clock,
  { accountId, clientId }: { accountId: string; clientId: string },
): Promise<void> {
  await pool.query({ ...RECORD, values: [accountId, clientId, clock.now(), horizon(clock)] });
}
