/**
 * The two doors to PostgreSQL: knex for what Caducée knows, and a bare pool for the engine, whose few statements are
 * named and prepared. Migrations are read from `migrations/`.
 */
import { readdir } from 'node:fs/promises';
import { runMigrations as runWorkerMigrations } from 'graphile-worker';
import createKnex, { type Knex } from 'knex';
import pg from 'pg';

/** A knex or one of its transactions: functions take it first, so that what belongs together commits together. */
export type Db = Knex;

const MIGRATIONS = new URL('../../migrations/', import.meta.url);
const STATEMENT_TIMEOUT_MS = 15_000;

// COUNT and BIGINT stay far below 2^53 here.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
// A DATE has no time zone: keep the text YYYY-MM-DD.
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

interface Connection {
  readonly url: string;
  readonly poolMax: number;
  readonly onError: (error: Error) => void;
}

/**
 * @param statementTimeoutMs 0 for work that may take long, such as an import.
 * @param session settings of each session, such as `{ work_mem: '64MB' }`.
 */
export function openKnex({
  url,
  poolMax,
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
  session = {},
}: Omit<Connection, 'onError'> & {
  readonly statementTimeoutMs?: number;
  readonly session?: Readonly<Record<string, string>>;
}): Knex {
  return createKnex({
    client: 'pg',
    connection: {
      connectionString: url,
      application_name: 'caducee',
      statement_timeout: statementTimeoutMs,
      options: Object.entries(session)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
      keepAlive: true,
    },
    pool: { min: 0, max: poolMax },
    acquireConnectionTimeout: 5_000,
    // Whoever asked for the connection gets the error: it needs no second telling outside of the log.
    log: { warn() {}, error() {} },
  });
}

export function openPool({ url, poolMax, onError }: Connection): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'caducee-engine',
    max: poolMax,
    connectionTimeoutMillis: 5_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
  });
  // An idle connection that breaks must not end the process; the next query opens another one.
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError));
  return pool;
}

// Knex tells ES modules from CommonJS by an environment variable of npm; importing them here works however we are run.
const migrationSource: Knex.MigrationSource<string> = {
  async getMigrations() {
    return (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.ts')).sort();
  },
  getMigrationName: (name) => name.replace(/\.ts$/, ''),
  getMigration: async (name) => (await import(new URL(name, MIGRATIONS).href)) as Knex.Migration,
};

const migrationConfig = { migrationSource, tableName: 'migrations' };

/** Brings the schema (and the job queue's own) up to date; several nodes may call it at once. */
export async function migrateUp(knex: Knex, pool: pg.Pool): Promise<string[]> {
  // Held on a connection of its own: the second node waits here instead of finding knex's lock taken.
  const guard = await pool.connect();
  try {
    await guard.query(`SELECT pg_advisory_lock(hashtext('caducee/migrations'))`);
    const [, done] = (await knex.migrate.latest(migrationConfig)) as [number, string[]];
    await runWorkerMigrations({ pgPool: pool });
    return done;
  } finally {
    await guard.query(`SELECT pg_advisory_unlock(hashtext('caducee/migrations'))`).catch(() => undefined);
    guard.release();
  }
}

/** Takes back the last batch of migrations, or all of them. */
export async function migrateDown(knex: Knex, { all = false } = {}): Promise<string[]> {
  const [, undone] = (await knex.migrate.rollback(migrationConfig, all)) as [number, string[]];
  return undone;
}

/** Names of the migrations that this code has and the database lacks. */
export async function pendingMigrations(knex: Knex): Promise<string[]> {
  const [, pending] = (await knex.migrate.list(migrationConfig)) as [
    unknown,
    { name?: string; file?: string }[],
  ];
  return pending.map((one) => (typeof one === 'string' ? one : (one.name ?? one.file ?? '?')));
}

/** True for a violation of the unique constraint or index called `constraint`. */
export const isUniqueViolation = (error: unknown, constraint: string): boolean =>
  error instanceof Error &&
  (error as { code?: string }).code === '23505' &&
  (error as { constraint?: string }).constraint === constraint;
