/** One PostgreSQL for the whole run, with a migrated template that each test file copies. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../demo/embedded-postgres.ts';
import { migrateUp, openKnex, openPool } from '../../src/lib/database.ts';
import { TEMPLATE, useServer } from './database.ts';

let stop: (() => Promise<void>) | undefined;

async function startServer(): Promise<{ url: (database: string) => string; stop: () => Promise<void> }> {
  const given = process.env.DATABASE_URL;
  if (given) {
    const url = (database: string) => Object.assign(new URL(given), { pathname: `/${database}` }).href;
    return { url, stop: async () => {} };
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'caducee-test-'));
  const server = await startEmbeddedPostgres({ dataDir, purpose: 'test' });
  return {
    url: server.url,
    async stop() {
      await server.remove();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export async function mochaGlobalSetup(): Promise<void> {
  const server = await startServer();
  stop = server.stop;
  useServer(server.url);
  const admin = openPool({ url: server.url('postgres'), poolMax: 1, onError: () => undefined });
  await admin.query(`DROP DATABASE IF EXISTS ${TEMPLATE}`);
  await admin.query(`CREATE DATABASE ${TEMPLATE}`);
  await admin.end();
  const url = server.url(TEMPLATE);
  const knex = openKnex({ url, poolMax: 1 });
  const pool = openPool({ url, poolMax: 2, onError: () => undefined });
  await migrateUp(knex, pool);
  await knex.destroy();
  await pool.end();
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stop?.();
}
