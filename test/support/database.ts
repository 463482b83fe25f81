/** A fresh, migrated database for each test file. */
import type { Knex } from 'knex';
import type pg from 'pg';
import { openKnex, openPool } from '../../src/lib/database.ts';

export const TEMPLATE = 'caducee_template';

let urlOf: ((database: string) => string) | undefined;
let count = 0;

export function useServer(url: (database: string) => string): void {
  urlOf = url;
}

export interface TestDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly knex: Knex;
  drop(): Promise<void>;
}

async function administer(statement: string): Promise<void> {
  if (!urlOf) throw new Error('no PostgreSQL: run the tests with mocha and its configuration');
  const admin = openPool({ url: urlOf('postgres'), poolMax: 1, onError: () => undefined });
  try {
    await admin.query(statement);
  } finally {
    await admin.end();
  }
}

export async function createTestDatabase(): Promise<TestDatabase> {
  count += 1;
  const name = `caducee_test_${process.pid}_${count}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  const url = urlOf?.(name) as string;
  const pool = openPool({ url, poolMax: 10, onError: () => undefined });
  const knex = openKnex({ url, poolMax: 5 });
  return {
    url,
    pool,
    knex,
    async drop() {
      await pool.end();
      await knex.destroy();
      await administer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
