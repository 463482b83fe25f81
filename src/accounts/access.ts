/** What the engine keeps for an account: its sessions, grants, codes and tokens. */
import type { Db } from '../lib/database.ts';

/** Ends all of it, in every browser and every application. */
export async function revokeAccess(db: Db, accountId: string): Promise<void> {
  await db('oidc_sessions').where({ account_id: accountId }).delete();
  await db('oidc_payloads').where({ account_id: accountId }).delete();
}
