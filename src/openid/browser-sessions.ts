/**
 * What a person reads of their sessions, and which applications were opened in each: the engine's own rows are sealed.
 * Written where the engine's request ends; ended by accounts/access.ts.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type pg from 'pg';
import { type Clock, fromNow, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';
import { grantHash, sessionHash } from './acting-members.ts';
import { memberOf } from './grants.ts';

const SEEN_EVERY_MS = 5 * MINUTE;

/** From where and with what a request comes. */
export interface SeenFrom {
  /** Client address. */
  readonly source: string;
  /** Browser and system; empty when unknown. */
  readonly deviceName: string;
}

export interface BrowserSession extends SeenFrom {
  readonly id: string;
  readonly uidHash: Buffer;
  readonly amr: readonly string[];
  readonly signedInAt: Date;
  readonly lastSeenAt: Date;
}

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly pool: pg.Pool;
}

const KEEP = {
  name: 'browser-sessions-keep',
  text: `
    WITH opened AS (
      INSERT INTO session_applications (uid_hash, client_id, sid, grant_hash, account_id)
      SELECT $1::bytea, $12::text, $13::text, $14::bytea, $3::uuid WHERE $14::bytea IS NOT NULL
      ON CONFLICT DO NOTHING
    )
    INSERT INTO browser_sessions AS known (
      uid_hash, id, account_id, member_id, source, device_name, acr, amr, signed_in_at, last_seen_at)
    VALUES ($1::bytea, $2, $3::uuid, $4, $5, $6, $7, $8, to_timestamp($9::float8), $10)
    ON CONFLICT (uid_hash) DO UPDATE SET
      account_id = excluded.account_id, member_id = excluded.member_id, source = excluded.source,
      device_name = excluded.device_name, acr = excluded.acr, amr = excluded.amr,
      signed_in_at = excluded.signed_in_at, last_seen_at = excluded.last_seen_at
    WHERE known.last_seen_at < $11 OR known.signed_in_at <> excluded.signed_in_at OR known.amr <> excluded.amr
      OR known.holder_id <> coalesce(excluded.member_id, excluded.account_id)`,
};
const SEE = {
  name: 'browser-sessions-see',
  text: `UPDATE browser_sessions SET source = $2, device_name = $3, last_seen_at = $4
         WHERE uid_hash = $1 AND last_seen_at < $5`,
};

/** Keeps what the request leaves behind: the session of who is signed in, and the application that it opened. */
export async function keepSession(
  { clock, keyring, pool }: Deps,
  ctx: KoaContextWithOIDC,
  seenFrom: (ctx: KoaContextWithOIDC) => SeenFrom,
): Promise<void> {
  if (!ctx.oidc) return;
  const { client, entities } = ctx.oidc;
  const session = ctx.oidc.session as (typeof ctx.oidc.session & { destroyed?: boolean }) | undefined;
  const { account } = ctx.oidc;
  if (!session?.accountId || account?.accountId !== session.accountId || session.destroyed) return;
  const { source, deviceName } = seenFrom(ctx);
  const grantId = entities.Grant?.jti;
  const sid = client && session.sidFor(client.clientId);
  await pool.query({
    ...KEEP,
    values: [
      sessionHash(keyring, session.uid),
      newId(),
      account.accountId,
      memberOf(ctx) ?? null,
      source,
      deviceName,
      session.acr ?? null,
      session.amr ?? [],
      session.loginTs ?? 0,
      clock.now(),
      fromNow(clock, -SEEN_EVERY_MS),
      client?.clientId ?? null,
      sid ?? null,
      grantId && sid ? grantHash(keyring, grantId) : null,
    ],
  });
}

/** Keeps that a page of ours was read in a session. */
export async function seeSession(
  { clock, pool }: Pick<Deps, 'clock' | 'pool'>,
  uidHash: Buffer,
  { source, deviceName }: SeenFrom,
): Promise<void> {
  const values = [uidHash, source, deviceName, clock.now(), fromNow(clock, -SEEN_EVERY_MS)];
  await pool.query({ ...SEE, values });
}

/** Sessions of who signs in that are open now, the last one seen first. @param holderId a principal's. */
export async function listSessions(db: Db, holderId: string): Promise<BrowserSession[]> {
  const rows = await db('browser_sessions as seen')
    .join('oidc_sessions as session', 'session.uid_hash', 'seen.uid_hash')
    .where('seen.holder_id', holderId)
    .whereRaw('session.account_id = seen.account_id')
    .whereRaw('session.expires_at > now()')
    .orderBy([{ column: 'seen.last_seen_at', order: 'desc' }, { column: 'seen.id' }])
    .select('seen.*');
  return rows.map((row) => ({
    id: row.id,
    uidHash: row.uid_hash,
    source: row.source,
    deviceName: row.device_name,
    amr: row.amr,
    signedInAt: row.signed_in_at,
    lastSeenAt: row.last_seen_at,
  }));
}

/** Forgets what belongs to sessions that are gone. Young rows stay: their session may not be written yet. */
export async function sweepSessions(db: Db, clock: Clock): Promise<void> {
  const gone = 'NOT EXISTS (SELECT FROM oidc_sessions WHERE oidc_sessions.uid_hash = old.uid_hash)';
  await db.raw(`DELETE FROM browser_sessions old WHERE last_seen_at < ? AND ${gone}`, [
    fromNow(clock, -60 * MINUTE),
  ]);
  await db.raw(
    `DELETE FROM session_applications old WHERE created_at < now() - interval '1 hour' AND ${gone}`,
  );
}
