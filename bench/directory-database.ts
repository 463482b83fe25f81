/** A database for the measures of the national directory, and a folder for its files. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { migrateUp, openKnex, openPool } from '../src/lib/database.ts';
import type { Bench } from './suite.ts';
import { openBenchDatabase } from './support/database.ts';

export interface DirectoryDatabase {
  readonly url: string;
  readonly knex: Knex;
  /** Of the server, whose children are its sessions; undefined when it runs elsewhere. */
  readonly serverPid: number | undefined;
  /** Folder for files, deleted when the suite ends. */
  readonly folder: string;
}

export async function openDirectoryDatabase(bench: Bench): Promise<DirectoryDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'caducee-bench-'));
  bench.defer(() => rm(folder, { recursive: true, force: true }));
  const { url, description } = await openBenchDatabase(bench);
  bench.print(`${description}\n`);
  const knex = openKnex({ url, poolMax: 10, statementTimeoutMs: 0 });
  bench.defer(() => knex.destroy());
  const pool = openPool({ url, poolMax: 2, onError: () => undefined });
  await migrateUp(knex, pool);
  await pool.end();
  return { url, knex, serverPid: await serverPidOf(knex), folder };
}

async function serverPidOf(knex: Knex): Promise<number | undefined> {
  const { rows } = await knex.raw(`SELECT setting FROM pg_settings WHERE name = 'data_directory'`);
  try {
    return Number(readFileSync(join(rows[0].setting, 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return undefined;
  }
}
