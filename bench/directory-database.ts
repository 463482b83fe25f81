/** A PostgreSQL of its own for the measures of the national directory, durable as in production. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { startEmbeddedPostgres } from '../demo/embedded-postgres.ts';
import { migrateUp, openKnex, openPool } from '../src/lib/database.ts';

export interface DirectoryDatabase {
  readonly url: string;
  readonly knex: Knex;
  /** Of the server, whose children are its sessions. */
  readonly serverPid: number;
  /** Folder for files, deleted at the end. */
  readonly folder: string;
  remove(): Promise<void>;
}

export async function openDirectoryDatabase(): Promise<DirectoryDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'caducee-bench-'));
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), purpose: 'demo' });
  const url = await server.ensureDatabase('directory');
  const knex = openKnex({ url, poolMax: 10, statementTimeoutMs: 0 });
  const pool = openPool({ url, poolMax: 2, onError: () => undefined });
  await migrateUp(knex, pool);
  await pool.end();
  const { rows } = await knex.raw(`SELECT setting FROM pg_settings WHERE name = 'data_directory'`);
  return {
    url,
    knex,
    serverPid: Number(readFileSync(join(rows[0].setting, 'postmaster.pid'), 'utf8').split('\n')[0]),
    folder,
    async remove() {
      await knex.destroy();
      await server.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
