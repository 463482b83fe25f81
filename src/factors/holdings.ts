/** What who signs in holds besides their factors' own pages: how many trusted devices, and since when a second factor. */
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { StrongFactor } from './policy.ts';

/** @param holderId of the principal. */
export async function countTrustedDevices(db: Db, clock: Clock, holderId: string): Promise<number> {
  const row = await db('trusted_devices')
    .where({ holder_id: holderId })
    .where('expires_at', '>', clock.now())
    .count({ count: '*' })
    .first();
  return Number(row?.count ?? 0);
}

const SINCE: Readonly<Record<StrongFactor, string>> = {
  passkey: 'SELECT created_at AS at FROM passkeys WHERE holder_id = :holderId',
  totp: 'SELECT created_at AS at FROM totp_credentials WHERE holder_id = :holderId',
  sms: `SELECT verified_at AS at FROM phone_numbers
        WHERE coalesce(member_id, account_id) = :holderId`,
};

/** Whether they had a second factor of one of these kinds at that instant, which they still have. */
export async function hadStrongFactor(
  db: Db,
  { holderId, kinds, at }: { holderId: string; kinds: readonly StrongFactor[]; at: Date },
): Promise<boolean> {
  if (kinds.length === 0) return false;
  const { rows } = await db.raw(
    `SELECT EXISTS (SELECT FROM (${kinds.map((kind) => SINCE[kind]).join(' UNION ALL ')}) factors
                    WHERE at <= :at) AS had`,
    { holderId, at },
  );
  return rows[0].had;
}
