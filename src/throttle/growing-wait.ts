/** Attempts of which each must come some time after the one before: one statement decides and counts, on any node. */
import type { Pool } from 'pg';

const SECOND = 1_000;

export interface GrowingRule {
  readonly limit: number;
  /** How long the limit holds once it is reached, and how long a count without a new attempt is remembered. */
  readonly seconds: number;
  /** Before the next attempt, after the first one, the second one, and so on up to the last but one. */
  readonly waitsSeconds: readonly number[];
}

export interface Counter {
  readonly points: number;
  /** Milliseconds since 1970. */
  readonly expire: number;
  readonly notBefore: number;
}

/** Milliseconds until `rule` lets `counter` have another attempt; 0 when it may have one now. */
export function waitOf({ limit }: Pick<GrowingRule, 'limit'>, counter: Counter, now: number): number {
  if (counter.expire <= now) return 0;
  return Math.max(0, (counter.points >= limit ? counter.expire : counter.notBefore) - now);
}

/**
 * Counts an attempt when one may be made now; one that is refused changes nothing.
 * @returns how many attempts that makes, or the counter that refused it.
 */
export async function countInTurn(
  pool: Pool,
  key: string,
  { limit, seconds, waitsSeconds }: GrowingRule,
): Promise<number | Counter> {
  const now = Date.now();
  const waits = Array.from({ length: limit }, (_, index) => (waitsSeconds[index] ?? 0) * SECOND);
  const counted = await pool.query(
    `INSERT INTO throttle_counters AS counter (key, points, expire, not_before)
       VALUES ($1, 1, $2::bigint + $3, $2::bigint + ($4::bigint[])[1])
     ON CONFLICT (key) DO UPDATE SET
       points = CASE WHEN counter.expire <= $2 THEN 1 ELSE counter.points + 1 END,
       expire = $2::bigint + $3,
       not_before = $2::bigint + ($4::bigint[])[CASE WHEN counter.expire <= $2 THEN 1 ELSE counter.points + 1 END]
     WHERE counter.expire <= $2 OR (counter.points < $5 AND coalesce(counter.not_before, 0) <= $2)
     RETURNING points`,
    [key, now, seconds * SECOND, waits, limit],
  );
  if (counted.rows[0]) return counted.rows[0].points;
  return (await findCounter(pool, key)) ?? { points: limit, expire: now, notBefore: now };
}

export async function findCounter(pool: Pool, key: string): Promise<Counter | undefined> {
  const { rows } = await pool.query(
    'SELECT points, expire, coalesce(not_before, 0) AS not_before FROM throttle_counters WHERE key = $1',
    [key],
  );
  const [row] = rows;
  return row && { points: row.points, expire: row.expire, notBefore: row.not_before };
}
