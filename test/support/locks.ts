/** Forcing two requests to meet at one row, without waiting for luck. */
import type { TestDatabase } from './database.ts';

const TIMEOUT_MS = 8_000;

/** Returns once so many statements wait for a row of the engine. */
async function untilWaiting({ knex }: TestDatabase, count: number): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { rows } = await knex.raw(
      `SELECT count(*)::int FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%oidc_payloads%'`,
    );
    if (rows[0].count >= count) return;
    if (Date.now() > deadline) throw new Error(`${rows[0].count} of ${count} statements wait`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * Begins `requests` one after the other while another connection holds the row of `idHash`, each once the one before
 * waits for that row, then lets them go on in this order.
 */
export async function meetAtRow<T extends unknown[]>(
  database: TestDatabase,
  idHash: Buffer,
  requests: { [At in keyof T]: () => Promise<T[At]> },
): Promise<T> {
  const holder = await database.knex.transaction();
  const held = await holder('oidc_payloads').where({ id_hash: idHash }).forUpdate().select('id_hash');
  if (held.length !== 1) throw new Error('no such row to hold');
  const begun: Promise<unknown>[] = [];
  try {
    for (const request of requests) {
      begun.push(request());
      await untilWaiting(database, begun.length);
    }
  } finally {
    await holder.commit();
  }
  return (await Promise.all(begun)) as T;
}
