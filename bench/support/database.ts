/** A database of its own for a suite: on `DATABASE_URL` when given, else on an embedded PostgreSQL that survives a power cut. */
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../demo/embedded-postgres.ts';
import type { Bench } from '../suite.ts';

export interface BenchDatabase {
  readonly url: string;
  /** Version and durability, as the server tells them. */
  readonly description: string;
}

async function ask(url: string, ...statements: string[]): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const answers: Record<string, string>[] = [];
    for (const statement of statements) answers.push((await client.query(statement)).rows[0]);
    return answers;
  } finally {
    await client.end();
  }
}

async function describe(url: string): Promise<string> {
  const names = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes'];
  const [version, ...durability] = await ask(url, ...names.map((name) => `SHOW ${name}`));
  const settings = durability.flatMap((row) =>
    Object.entries(row).map(([name, value]) => `${name} ${value}`),
  );
  return `PostgreSQL ${version?.server_version}, ${settings.join(', ')}`;
}

/** Both kinds are dropped when the suite ends; an embedded one that a killed run left is taken over. */
export async function openBenchDatabase({ defer }: Bench): Promise<BenchDatabase> {
  const given = process.env.DATABASE_URL;
  if (given) {
    const name = `caducee_bench_${process.pid}`;
    await ask(given, `CREATE DATABASE ${name}`);
    defer(() => ask(given, `DROP DATABASE ${name} WITH (FORCE)`));
    const url = Object.assign(new URL(given), { pathname: `/${name}` }).href;
    return { url, description: await describe(url) };
  }
  const dataDir = join(resolve(process.env.DATA_DIR || '.data'), 'bench');
  await mkdir(dataDir, { recursive: true });
  const postgres = await startEmbeddedPostgres({ dataDir, purpose: 'demo' });
  defer(async () => {
    await postgres.remove();
    await rm(dataDir, { recursive: true, force: true });
    // Only when the demo keeps nothing there.
    await rmdir(dirname(dataDir)).catch(() => undefined);
  });
  await ask(postgres.url('postgres'), 'DROP DATABASE IF EXISTS caducee_bench WITH (FORCE)');
  const url = await postgres.ensureDatabase('caducee_bench');
  return { url, description: `embedded ${await describe(url)}` };
}
