/** What lets people in without proving all again: sessions, grants, codes and tokens of the engine, and trusted devices. */
import type { Db } from '../lib/database.ts';

/** Ends all of it, in every browser and every application. */
export async function revokeAccess(db: Db, accountId: string): Promise<void> {
  await db('oidc_sessions').where({ account_id: accountId }).delete();
  await db('oidc_payloads').where({ account_id: accountId }).delete();
  await db('trusted_devices').where({ account_id: accountId }).delete();
}

/** What stays when the rest ends: the session of the browser that asks, and what applications got in it. */
export interface KeptAccess {
  /** Digest of the session's uid (openid/acting-members.ts, sessionHash). */
  readonly session: Buffer;
  /** Digests of its grants (grantHash). */
  readonly grants: readonly Buffer[];
}

/**
 * Ends every other session of who signs in, and every token that was not given in the one kept.
 * @param memberId of a shared account, whose other members keep theirs.
 */
export async function revokeOtherAccess(
  db: Db,
  { accountId, memberId }: { accountId: string; memberId?: string | undefined },
  { session, grants }: KeptAccess,
): Promise<void> {
  const kept = [session, ...grants];
  const sessions = db('oidc_sessions').where({ account_id: accountId }).whereNot({ uid_hash: session });
  // Interactions stay: one may be waiting for this very change, and it gives nothing without a session.
  const payloads = db('oidc_payloads')
    .where({ account_id: accountId })
    .whereNot({ model: 'Interaction' })
    .whereNotIn('id_hash', kept)
    .where((other) => other.whereNull('grant_hash').orWhereNotIn('grant_hash', kept));
  if (memberId) {
    const acting = db('acting_members').where({ member_id: memberId }).select('of_hash');
    sessions.whereIn('uid_hash', acting);
    payloads.where((own) => own.whereIn('grant_hash', acting).orWhereIn('id_hash', acting));
  }
  await sessions.delete();
  await payloads.delete();
}
