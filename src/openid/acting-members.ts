/**
 * Which member of a shared account stands behind a session or a grant. The engine knows the account only; a session keeps
 * its uid when its identifier changes, and a grant outlives the session it was made in.
 */
import type pg from 'pg';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';

/** The engine's digests of what a member may stand behind; the same as its rows have. */
export const sessionHash = (keyring: Keyring, uid: string): Buffer =>
  keyring.lookupHash('engine/Session-uid', uid);
export const grantHash = (keyring: Keyring, grantId: string): Buffer =>
  keyring.lookupHash('engine/Grant', grantId);

const REMEMBER = {
  name: 'acting-members-remember',
  text: `INSERT INTO acting_members (of_hash, member_id) VALUES ($1, $2)
         ON CONFLICT (of_hash) DO UPDATE SET member_id = excluded.member_id
         WHERE acting_members.member_id <> excluded.member_id`,
};
const FIND = {
  name: 'acting-members-find',
  text: 'SELECT member_id FROM acting_members WHERE of_hash = $1',
};

export async function rememberMember(pool: pg.Pool, hash: Buffer, memberId: string): Promise<void> {
  await pool.query({ ...REMEMBER, values: [hash, memberId] });
}

export async function findActingMember(pool: pg.Pool, hash: Buffer): Promise<string | undefined> {
  const { rows } = await pool.query({ ...FIND, values: [hash] });
  return rows[0]?.member_id;
}

/** Forgets who stood behind what is gone. Young rows stay: what they are of may not be written yet. */
export async function sweepActingMembers(db: Db): Promise<void> {
  await db.raw(
    `DELETE FROM acting_members WHERE created_at < now() - interval '1 hour'
       AND NOT EXISTS (SELECT FROM oidc_sessions WHERE uid_hash = of_hash)
       AND NOT EXISTS (SELECT FROM oidc_payloads WHERE id_hash = of_hash)`,
  );
}
