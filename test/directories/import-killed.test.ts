import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { startEmbeddedPostgres } from '../../demo/embedded-postgres.ts';
import { searchDirectory } from '../../src/directories/national-directory.ts';
import { sweepImports } from '../../src/imports.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { migrateUp, openKnex, openPool } from '../../src/lib/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  contentOf,
  createFolder,
  ended,
  type Folder,
  HEADER,
  importFile,
  inventedLines,
  startImport,
} from '../support/directory.ts';
import { type Running, run } from '../support/process.ts';
import { ORDRE_HEADER } from '../support/register-files.ts';

const lines = inventedLines(600);
const changed = inventedLines(600, 4);

const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Backends that wait for a lock in this database. */
async function waiting(knex: Knex): Promise<number[]> {
  for (;;) {
    const { rows } = await knex.raw(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return rows.map(({ pid }: { pid: number }) => pid);
    await pause();
  }
}

/** Until nobody but this knex is connected. */
async function alone(knex: Knex, own: readonly number[]): Promise<void> {
  for (;;) {
    const { rows } = await knex.raw(
      'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND NOT pid = ANY (?::int[])',
      [[...own]],
    );
    if (rows.length === 0) return;
    await pause();
  }
}

describe('an import that is stopped', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let watcher: Knex;
  let folder: Folder;
  let own: number[];

  before(async () => {
    database = await createTestDatabase();
    folder = await createFolder();
    await folder.write('first.txt', lines.join(''));
    await folder.write('changed.txt', changed.join(''));
    execFileSync('mkfifo', [folder.path('slow.txt')]);
    watcher = openKnex({ url: database.url, poolMax: 1 });
  });
  after(async () => {
    await watcher.destroy();
    await folder.remove();
    await database.drop();
  });

  beforeEach(async () => {
    const pid = async (db: Knex) => (await db.raw('SELECT pg_backend_pid() AS pid')).rows[0].pid;
    own = [await pid(watcher)];
  });

  /** Kills the import at the point where `hold` stops it: the directory is what it was. */
  async function killed(
    hold: (db: Knex.Transaction) => Promise<unknown>,
    file = 'changed.txt',
  ): Promise<void> {
    const before = await contentOf(watcher);
    const seen = await searchDirectory(watcher, 'martin');
    const trx = await database.knex.transaction();
    const holder = (await trx.raw('SELECT pg_backend_pid() AS pid')).rows[0].pid;
    await hold(trx);
    const running = startImport(database.url, folder.path(file));
    await waiting(watcher);
    // Readers do not wait, and see the directory of before.
    expect(await searchDirectory(watcher, 'martin')).to.deep.equal(seen);
    await running.end('SIGKILL');
    await trx.rollback();
    await alone(watcher, [...own, holder]);
    expect(await contentOf(watcher)).to.equal(before);
  }

  /** Kills the import once it read `count` lines and waits for more. */
  async function killedReading(count: number): Promise<void> {
    const before = await contentOf(watcher);
    const running = startImport(database.url, folder.path('slow.txt'));
    const pipe = await open(folder.path('slow.txt'), 'w');
    await pipe.write(changed.slice(0, count).join(''));
    await started(count);
    await running.end('SIGKILL');
    await pipe.close();
    expect(await contentOf(watcher)).to.equal(before);
  }

  /** Until an import staged something, were it to read `count` lines. */
  async function started(count: number): Promise<string> {
    for (;;) {
      const row = await watcher('directory_imports')
        .where({ outcome: 'running' })
        .orderBy('started_at', 'desc')
        .first();
      const copying = await watcher.raw(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY %' AND state = 'active'`,
      );
      const staging = await watcher.raw(`SELECT to_regclass('directory_stage_unmet') AS name`);
      if (row && staging.rows[0].name && (copying.rowCount > 0 || count === 0)) return row.id;
      await pause();
    }
  }

  const locking =
    (table: string, mode = 'EXCLUSIVE') =>
    (trx: Knex.Transaction) =>
      trx.raw(`LOCK TABLE ${table} IN ${mode} MODE`);

  it('leaves an empty directory empty, its indexes in place', async () => {
    await killed(locking('directory_words', 'ACCESS SHARE'), 'first.txt');
    expect((await importFile(database.url, folder.path('first.txt'))).status).to.equal(0);
  });

  it('leaves the directory whole before its first line', () => killedReading(0));
  it('leaves the directory whole in the middle of the file', () => killedReading(300));
  it('leaves the directory whole before its last line', () => killedReading(changed.length - 1));
  it('leaves the directory whole when it removes people', () => killed(locking('directory_people')));
  it('leaves the directory whole when it writes search keys', () => killed(locking('directory_search_keys')));
  it('leaves the directory whole when it writes words', () => killed(locking('directory_words')));
  it('leaves the directory whole when it writes workplaces', () => killed(locking('directory_structures')));
  it('leaves the directory whole when it journals', () =>
    killed((trx) => trx.raw(`SELECT pg_advisory_xact_lock(hashtext('caducee/journal'))`)));

  it('leaves the directory whole when it records its end', async () => {
    const before = await contentOf(watcher);
    const running = startImport(database.url, folder.path('slow.txt'));
    const pipe = await open(folder.path('slow.txt'), 'w');
    await pipe.write(changed.slice(0, 300).join(''));
    const id = await started(300);
    const trx = await database.knex.transaction();
    await trx('directory_imports').where({ id }).forUpdate().first();
    await pipe.write(changed.slice(300).join(''));
    await pipe.close();
    await waiting(watcher);
    await running.end('SIGKILL');
    await trx.rollback();
    expect(await contentOf(watcher)).to.equal(before);
  });

  it('tells in one line that its connection was ended, and changes nothing', async () => {
    const before = await contentOf(watcher);
    const trx = await database.knex.transaction();
    await locking('directory_structures')(trx);
    const running = startImport(database.url, folder.path('changed.txt'));
    for (const pid of await waiting(watcher)) await watcher.raw('SELECT pg_terminate_backend(?)', [pid]);
    expect(await ended(running)).to.deep.equal({
      status: 1,
      output: 'the connection to the database was lost; nothing changed\n',
    });
    await trx.rollback();
    expect(await contentOf(watcher)).to.equal(before);
    expect((await watcher('directory_imports').orderBy('started_at', 'desc').first()).outcome).to.equal(
      'failed',
    );
  });

  it('can be started again at once, and tells what was interrupted', async () => {
    expect((await importFile(database.url, folder.path('changed.txt'))).status).to.equal(0);
    const outcomes = await watcher('directory_imports').orderBy('started_at').pluck('outcome');
    expect(outcomes.filter((outcome) => outcome === 'interrupted')).to.have.length(10);
    expect(outcomes.at(-1)).to.equal('imported');
    const left = await watcher.raw(`SELECT relname FROM pg_class WHERE relname LIKE 'directory_stage%'`);
    expect(left.rows).to.deep.equal([]);
  });
});

describe('what a killed import leaves', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let folder: Folder;

  before(async () => {
    database = await createTestDatabase();
    folder = await createFolder();
    execFileSync('mkfifo', [folder.path('slow.txt')]);
  });
  after(async () => {
    await folder.remove();
    await database.drop();
  });

  const staging = async (): Promise<string[]> => {
    const { rows } = await database.knex.raw(
      `SELECT relname FROM pg_class WHERE relname ~ '_stage' AND relkind = 'r'`,
    );
    return rows.map(({ relname }: { relname: string }) => relname).sort();
  };
  const isRunning = async (): Promise<boolean> => {
    const { rows } = await database.knex.raw(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
          AND classid::bigint = hashtext('caducee/import')::bigint & 4294967295`,
    );
    return rows.length > 0;
  };

  for (const [register, header, tables] of [
    ['ordre', ORDRE_HEADER.join('|'), 1],
    ['rpps', HEADER.trim().slice(0, -1), 7],
  ] as const) {
    it(`is dropped by the sweep, and not while it runs: ${register}`, async () => {
      const running = run(`src/cli.ts import ${register} ${folder.path('slow.txt')}`, {
        DATABASE_URL: database.url,
        NODE_ENV: 'test',
      });
      const pipe = await open(folder.path('slow.txt'), 'w');
      await pipe.write(`${header}|\n`);
      while ((await staging()).length < tables) await pause();
      await sweepImports(database.knex, systemClock);
      expect(await staging()).to.have.length(tables);
      await running.end('SIGKILL');
      await pipe.close();
      while (await isRunning()) await pause();
      expect(await staging()).to.have.length(tables);
      await sweepImports(database.knex, systemClock);
      expect(await staging()).to.deep.equal([]);
    });
  }
});

describe('an import whose database stops at once', function () {
  this.timeout(60_000);

  it('leaves the directory whole', async () => {
    const folder = await createFolder();
    const dataDir = await mkdtemp(join(tmpdir(), 'caducee-stopped-'));
    let server = await startEmbeddedPostgres({ dataDir, purpose: 'test' });
    try {
      const file = await folder.write('first.txt', lines.join(''));
      const next = await folder.write('changed.txt', changed.join(''));
      let url = await server.ensureDatabase('stopped');
      let knex = openKnex({ url, poolMax: 3 });
      const pool = openPool({ url, poolMax: 2, onError: () => undefined });
      await migrateUp(knex, pool);
      await pool.end();
      expect((await importFile(url, file)).status).to.equal(0);
      const before = await contentOf(knex);

      const trx = await knex.transaction();
      await trx.raw('LOCK TABLE directory_structures IN EXCLUSIVE MODE');
      const running: Running = startImport(url, next);
      await waiting(knex);
      const { rows } = await knex.raw(`SELECT setting FROM pg_settings WHERE name = 'data_directory'`);
      const pid = Number(readFileSync(join(rows[0].setting, 'postmaster.pid'), 'utf8').split('\n')[0]);
      process.kill(pid, 'SIGQUIT');
      const { status, output } = await ended(running);
      expect({ status, lines: output.trim().split('\n').length }, output).to.deep.equal({
        status: 1,
        lines: 1,
      });
      expect(output).to.match(/connection to the database was lost; nothing changed/);
      await trx.rollback().catch(() => undefined);
      await knex.destroy();
      await server.stop();

      server = await startEmbeddedPostgres({ dataDir, purpose: 'test' });
      url = await server.ensureDatabase('stopped');
      knex = openKnex({ url, poolMax: 1 });
      expect(await contentOf(knex)).to.equal(before);
      await knex.destroy();
    } finally {
      await server.remove();
      await rm(dataDir, { recursive: true, force: true });
      await folder.remove();
    }
  });
});
