/**
 * What lets people in without proving all again: sessions, grants, codes and tokens of the engine, and trusted devices.
 * Whatever ends a session from outside the engine ends it through {@link endSessions}, which has the applications that were
 * opened in it told.
 */
import { toldOf, wakeLogoutNotices } from '../applications/logout-notices.ts';
import type { Db } from '../lib/database.ts';

/**
 * Deletes these grants and all that was given under them. What a rotation under way adds is not in the sight of the first
 * DELETE, which waits for that rotation's row: the next one finds it.
 * @param grants digests (openid/acting-members.ts, grantHash).
 */
export async function deleteGrants(db: Db, grants: readonly Buffer[]): Promise<void> {
  for (;;) {
    const { rowCount } = await db.raw(
      `WITH given AS (DELETE FROM oidc_payloads WHERE grant_hash = ANY (:grants) RETURNING 1),
            grants AS (DELETE FROM oidc_payloads WHERE id_hash = ANY (:grants) RETURNING 1)
       SELECT FROM given UNION ALL SELECT FROM grants`,
      { grants: [...grants] },
    );
    if (!rowCount) return;
  }
}

/**
 * Ends sessions: the browser is out at its next request, every grant made in them is gone with its tokens, and the
 * applications that were opened in them are told. Call it in a transaction.
 * @param sessions digests of their uids (openid/acting-members.ts, sessionHash); one that is gone already is no failure.
 * @returns how many were there.
 */
export async function endSessions(db: Db, sessions: readonly Buffer[]): Promise<number> {
  if (sessions.length === 0) return 0;
  // What a request opened before it wrote the session is seen below; what it writes after this, it withdraws itself.
  await db('oidc_sessions')
    .whereIn('uid_hash', [...sessions])
    .orderBy('uid_hash')
    .forUpdate()
    .select('uid_hash');
  const { rows } = await db.raw(
    `WITH ended AS (DELETE FROM oidc_sessions WHERE uid_hash = ANY (:sessions) RETURNING uid_hash),
          seen AS (DELETE FROM browser_sessions WHERE uid_hash = ANY (:sessions)),
          opened AS (
            DELETE FROM session_applications WHERE uid_hash IN (SELECT uid_hash FROM ended)
            RETURNING client_id, sid, grant_hash, account_id),
          told AS (${toldOf('opened')})
     SELECT (SELECT count(*) FROM ended) AS ended, (SELECT count(*) FROM told) AS told,
            ARRAY(SELECT grant_hash FROM opened) AS grants`,
    { sessions: [...sessions] },
  );
  const { ended, told, grants } = rows[0];
  await deleteGrants(db, grants);
  if (told > 0) await wakeLogoutNotices(db);
  return ended;
}

/** Sessions of the account; those of its member only, when `memberId` is told. */
const sessionsOf = (db: Db, accountId: string, memberId: string | undefined) => {
  const sessions = db('oidc_sessions').where({ account_id: accountId });
  if (memberId)
    sessions.whereIn('uid_hash', db('acting_members').where({ member_id: memberId }).select('of_hash'));
  return sessions;
};

/** Ends all of it, in every browser and every application. */
export async function revokeAccess(db: Db, accountId: string): Promise<void> {
  await endSessions(db, await sessionsOf(db, accountId, undefined).pluck('uid_hash'));
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
 * @returns how many sessions ended.
 */
export async function revokeOtherAccess(
  db: Db,
  { accountId, memberId }: { accountId: string; memberId?: string | undefined },
  { session, grants }: KeptAccess,
): Promise<number> {
  const kept = [session, ...grants];
  // Interactions stay: one may be waiting for this very change, and it gives nothing without a session.
  const payloads = db('oidc_payloads')
    .where({ account_id: accountId })
    .whereNot({ model: 'Interaction' })
    .whereNotIn('id_hash', kept)
    .where((other) => other.whereNull('grant_hash').orWhereNotIn('grant_hash', kept));
  if (memberId) {
    const acting = db('acting_members').where({ member_id: memberId }).select('of_hash');
    payloads.where((own) => own.whereIn('grant_hash', acting).orWhereIn('id_hash', acting));
  }
  const others = sessionsOf(db, accountId, memberId).whereNot({ uid_hash: session });
  const ended = await endSessions(db, await others.pluck('uid_hash'));
  await payloads.delete();
  return ended;
}

/** Ends every session of a member and every token given under them; those of other members stay. */
export async function endAccessOfMember(db: Db, memberId: string): Promise<void> {
  const hashes = await db('acting_members').where({ member_id: memberId }).pluck('of_hash');
  await endSessions(db, hashes);
  await deleteGrants(db, hashes);
  await db('acting_members').where({ member_id: memberId }).delete();
}

/**
 * Takes from an application all that who signs in gave it: every grant, and every token of every session. Its own sessions
 * are over too, so it is told. Call it in a transaction.
 * @param memberId of a shared account, whose other members keep what they gave.
 * @returns false when it had nothing.
 */
export async function revokeApplication(
  db: Db,
  { accountId, memberId }: { accountId: string; memberId?: string | undefined },
  clientId: string,
): Promise<boolean> {
  const given = db('oidc_payloads')
    .where({ account_id: accountId, client_id: clientId })
    .whereNot({ model: 'Interaction' })
    .select(db.raw('coalesce(grant_hash, id_hash) AS hash'));
  const own = db.select('hash').from(given.as('given'));
  if (memberId) own.whereIn('hash', db('acting_members').where({ member_id: memberId }).select('of_hash'));
  const grants: Buffer[] = await own.pluck('hash');
  if (grants.length === 0) return false;
  const { rows } = await db.raw(
    `WITH opened AS (
            DELETE FROM session_applications WHERE grant_hash = ANY (:grants) AND client_id = :clientId
            RETURNING client_id, sid, account_id),
          told AS (${toldOf('opened')})
     SELECT count(*) AS told FROM told`,
    { grants, clientId },
  );
  await deleteGrants(db, grants);
  if (rows[0].told > 0) await wakeLogoutNotices(db);
  return true;
}
