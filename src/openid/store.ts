/**
 * The engine's rows in PostgreSQL: named statements, prepared once per connection, and one statement that writes all
 * that a request changed. Identifiers arrive here as digests and payloads sealed.
 */
import type pg from 'pg';
import { type LogoutNotice, toldOf } from '../applications/logout-notices.ts';

export interface PayloadRow {
  readonly idHash: Buffer;
  readonly model: string;
  readonly payload: Buffer;
  readonly grantHash: Buffer | null;
  readonly accountId: string | null;
  readonly clientId: string | null;
  readonly userCodeHash: Buffer | null;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface SessionRow {
  readonly uidHash: Buffer;
  readonly idHash: Buffer;
  /** Identifier that still opens this session for a moment, when it just changed hands within one sign-in. */
  readonly previousIdHash: Buffer | null;
  readonly accountId: string | null;
  readonly payload: Buffer;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** Version that was read; 0 for a session that was never stored. */
  readonly version: number;
}

export interface Changes {
  readonly consumed: readonly Buffer[];
  readonly destroyed: readonly Buffer[];
  readonly upserted: readonly PayloadRow[];
  readonly session: SessionRow | undefined;
  readonly destroyedSession: Buffer | undefined;
  /** Applications that were signed out of a session that stays. */
  readonly loggedOut: readonly LogoutNotice[];
}

export interface StoredPayload {
  readonly payload: Buffer;
  /** Seconds since the epoch. */
  readonly consumedAt: number | undefined;
  /** The grant that it belongs to, when that is stored too. */
  readonly grant?: { readonly idHash: Buffer; readonly payload: Buffer } | undefined;
}

export interface StoredSession {
  readonly uidHash: Buffer;
  readonly idHash: Buffer;
  readonly payload: Buffer;
  readonly version: number;
}

/** Tabs that were opened together send the identifier from before a sign-in for this long. */
const PREVIOUS_ID_GRACE = `interval '10 seconds'`;

const FIND = {
  name: 'engine-find',
  // With its grant, which the engine reads next: the digest of a grant's identifier is the same in both places.
  text: `SELECT p.payload, extract(epoch FROM p.consumed_at)::bigint AS consumed_at, p.grant_hash, g.payload AS grant_payload
         FROM oidc_payloads p LEFT JOIN oidc_payloads g ON g.id_hash = p.grant_hash WHERE p.id_hash = $1`,
};
const FIND_BY_USER_CODE = {
  name: 'engine-find-by-user-code',
  text: `SELECT payload, id_hash, extract(epoch FROM consumed_at)::bigint AS consumed_at
         FROM oidc_payloads WHERE user_code_hash = $1`,
};
const FIND_SESSION = {
  name: 'engine-find-session',
  text: `SELECT uid_hash, id_hash, payload, version FROM oidc_sessions
         WHERE id_hash = $1 OR (previous_id_hash = $1 AND previous_until > now())`,
};
const FIND_SESSION_BY_UID = {
  name: 'engine-find-session-by-uid',
  text: 'SELECT uid_hash, id_hash, payload, version FROM oidc_sessions WHERE uid_hash = $1',
};
const REVOKE_GRANTS = {
  name: 'engine-revoke-grants',
  text: 'DELETE FROM oidc_payloads WHERE grant_hash = ANY ($1::bytea[])',
};
const REMEMBER = {
  name: 'engine-remember',
  text: `INSERT INTO oidc_payloads (id_hash, model, payload, expires_at)
         VALUES ($1, $2, $3, to_timestamp($4)) ON CONFLICT (id_hash) DO NOTHING`,
};

// What is issued depends on every row being consumed by this very statement: of two that race, one issues nothing.
const apply = (more: { ctes: string; told: string }) => `
    WITH consumed AS (
      UPDATE oidc_payloads SET consumed_at = now()
      WHERE id_hash = ANY ($1::bytea[]) AND consumed_at IS NULL RETURNING 1
    ), destroyed AS (
      DELETE FROM oidc_payloads WHERE id_hash = ANY ($2::bytea[])
    ), upserted AS (
      INSERT INTO oidc_payloads
        (id_hash, model, payload, grant_hash, account_id, client_id, user_code_hash, expires_at)
      SELECT id_hash, model, payload, grant_hash, account_id, client_id, user_code_hash, to_timestamp(expires_at)
      FROM unnest($3::bytea[], $4::text[], $5::bytea[], $6::bytea[], $7::uuid[], $8::text[], $9::bytea[], $10::float8[])
        AS row (id_hash, model, payload, grant_hash, account_id, client_id, user_code_hash, expires_at)
      WHERE (SELECT count(*) FROM consumed) = cardinality($1::bytea[])
      ON CONFLICT (id_hash) DO UPDATE SET
        payload = excluded.payload, grant_hash = excluded.grant_hash, account_id = excluded.account_id,
        client_id = excluded.client_id, user_code_hash = excluded.user_code_hash, expires_at = excluded.expires_at
    ), session_inserted AS (
      INSERT INTO oidc_sessions (uid_hash, id_hash, account_id, payload, expires_at)
      SELECT $11::bytea, $12::bytea, $14::uuid, $15::bytea, to_timestamp($16::float8) WHERE $17::int = 0
      ON CONFLICT (uid_hash) DO NOTHING RETURNING 1
    ), session_updated AS (
      UPDATE oidc_sessions SET
        id_hash = $12::bytea, account_id = $14::uuid, payload = $15::bytea, expires_at = to_timestamp($16::float8),
        version = version + 1,
        previous_id_hash = CASE WHEN id_hash = $12::bytea THEN previous_id_hash ELSE $13::bytea END,
        previous_until = CASE WHEN id_hash = $12::bytea THEN previous_until ELSE now() + ${PREVIOUS_ID_GRACE} END
      WHERE uid_hash = $11::bytea AND version = $17::int RETURNING 1
    ), session_destroyed AS (
      DELETE FROM oidc_sessions WHERE uid_hash = $18::bytea
    )${more.ctes}
    SELECT (SELECT count(*) FROM consumed)::int AS consumed,
           (SELECT count(*) FROM session_inserted)::int + (SELECT count(*) FROM session_updated)::int AS sessions,
           ${more.told} AS told`;
const APPLY = { name: 'engine-apply', text: apply({ ctes: '', told: '0' }) };
const APPLY_AND_TELL = {
  name: 'engine-apply-and-tell',
  text: apply({
    ctes: `, unseen AS (
      DELETE FROM browser_sessions WHERE uid_hash = $18::bytea
    ), forgotten AS (
      DELETE FROM session_applications WHERE uid_hash = $18::bytea RETURNING client_id, sid, account_id
    ), opened AS (
      SELECT client_id, sid, account_id FROM forgotten
      UNION SELECT * FROM unnest($19::text[], $20::text[], $21::uuid[])
    ), told AS (${toldOf('opened')})`,
    told: '(SELECT count(*) FROM told)::int',
  }),
};

const SWEEP_BATCH = 2_000;
const SWEEP_PAUSE_MS = 20;
/** Expired rows are kept a while, so that a late replay is still known for what it is. */
const SWEEP_GRACE = `interval '10 minutes'`;

export type EngineStore = ReturnType<typeof createEngineStore>;

export function createEngineStore(pool: pg.Pool) {
  const query = (statement: { name: string; text: string }, values: unknown[]) =>
    pool.query({ ...statement, values });

  const session = (row: Record<string, unknown> | undefined): StoredSession | undefined =>
    row && {
      uidHash: row.uid_hash as Buffer,
      idHash: row.id_hash as Buffer,
      payload: row.payload as Buffer,
      version: row.version as number,
    };

  return {
    async find(idHash: Buffer): Promise<StoredPayload | undefined> {
      const { rows } = await query(FIND, [idHash]);
      const row = rows[0];
      return (
        row && {
          payload: row.payload,
          consumedAt: row.consumed_at ?? undefined,
          grant: row.grant_payload ? { idHash: row.grant_hash, payload: row.grant_payload } : undefined,
        }
      );
    },

    async findByUserCode(userCodeHash: Buffer): Promise<(StoredPayload & { idHash: Buffer }) | undefined> {
      const { rows } = await query(FIND_BY_USER_CODE, [userCodeHash]);
      const row = rows[0];
      return row && { payload: row.payload, idHash: row.id_hash, consumedAt: row.consumed_at ?? undefined };
    },

    async findSession(idHash: Buffer): Promise<StoredSession | undefined> {
      return session((await query(FIND_SESSION, [idHash])).rows[0]);
    },

    async findSessionByUid(uidHash: Buffer): Promise<StoredSession | undefined> {
      return session((await query(FIND_SESSION_BY_UID, [uidHash])).rows[0]);
    },

    /**
     * Deletes every token, code and refresh token of these grants. What a rotation under way adds is not in the sight of
     * the first DELETE, which waits for that rotation's row: the next one finds it.
     */
    async revokeGrants(grantHashes: readonly Buffer[]): Promise<void> {
      for (;;) {
        const { rowCount } = await query(REVOKE_GRANTS, [grantHashes]);
        if (!rowCount) return;
      }
    },

    /** Keeps a value that may be seen only once. @returns false when it was seen before. */
    async remember(row: Pick<PayloadRow, 'idHash' | 'model' | 'payload' | 'expiresAt'>): Promise<boolean> {
      const { rowCount } = await query(REMEMBER, [row.idHash, row.model, row.payload, row.expiresAt]);
      return rowCount === 1;
    },

    /**
     * Writes `changes` in one statement; nothing is upserted unless every row to consume was there and unconsumed.
     * @returns told: whether there are applications to tell.
     */
    async apply(changes: Changes): Promise<{ consumedAll: boolean; sessionWritten: boolean; told: boolean }> {
      const rows = changes.upserted;
      const { session: s, destroyedSession, loggedOut } = changes;
      const tells = destroyedSession !== undefined || loggedOut.length > 0;
      const { rows: answer } = await query(tells ? APPLY_AND_TELL : APPLY, [
        changes.consumed,
        changes.destroyed,
        rows.map((row) => row.idHash),
        rows.map((row) => row.model),
        rows.map((row) => row.payload),
        rows.map((row) => row.grantHash),
        rows.map((row) => row.accountId),
        rows.map((row) => row.clientId),
        rows.map((row) => row.userCodeHash),
        rows.map((row) => row.expiresAt),
        s?.uidHash,
        s?.idHash,
        s?.previousIdHash,
        s?.accountId,
        s?.payload,
        s?.expiresAt,
        s?.version ?? -1,
        destroyedSession,
        ...(tells
          ? [
              loggedOut.map((one) => one.clientId),
              loggedOut.map((one) => one.sid),
              loggedOut.map((one) => one.accountId),
            ]
          : []),
      ]);
      return {
        consumedAll: answer[0].consumed === changes.consumed.length,
        sessionWritten: !s || answer[0].sessions === 1,
        told: answer[0].told > 0,
      };
    },

    /**
     * Deletes expired rows in small batches with a pause between them, because one large DELETE halves the throughput
     * of everything else meanwhile.
     * @returns how many rows went.
     */
    async sweep(signal?: AbortSignal): Promise<number> {
      let total = 0;
      for (const [table, key] of [
        ['oidc_payloads', 'id_hash'],
        ['oidc_sessions', 'uid_hash'],
      ]) {
        for (;;) {
          const { rowCount } = await pool.query(
            `DELETE FROM ${table} WHERE ${key} IN (
               SELECT ${key} FROM ${table} WHERE expires_at < now() - ${SWEEP_GRACE}
               LIMIT ${SWEEP_BATCH} FOR UPDATE SKIP LOCKED)`,
          );
          total += rowCount ?? 0;
          if ((rowCount ?? 0) < SWEEP_BATCH || signal?.aborted) break;
          await new Promise((resolve) => setTimeout(resolve, SWEEP_PAUSE_MS));
        }
      }
      return total;
    },
  };
}
