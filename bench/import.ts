/**
 * Import of the national directory beside a bare COPY of the same file into a table of all its columns, in one run.
 *
 *   node bench/import.ts [--quick]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { NATIONAL_DIRECTORY_COLUMNS } from '../src/directories/national-directory/columns.ts';
import { type DirectoryDatabase, openDirectoryDatabase } from './directory-database.ts';
import { writeDirectoryFile } from './national-directory.ts';
import { peakMemoryMiB, processorSeconds } from './processes.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const FULL_ROWS = 2_300_000;
const QUICK_ROWS = 100_000;

interface Measure {
  readonly seconds: number;
  readonly ourProcessor: number;
  readonly databaseProcessor: number;
  readonly peakMiB?: number | undefined;
}

async function bareCopy({ url, serverPid }: DirectoryDatabase, path: string): Promise<Measure> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // The separator that ends each line makes one more field.
  const columns = [...NATIONAL_DIRECTORY_COLUMNS, 'end'].map((_, rank) => `c${rank} text`).join(', ');
  await client.query(`CREATE TABLE bare (${columns})`);
  const before = processorSeconds(serverPid);
  const ours = process.cpuUsage();
  const started = performance.now();
  const copy = `COPY bare FROM STDIN (FORMAT csv, DELIMITER '|', HEADER, QUOTE E'\\b')`;
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), client.query(copyFrom(copy)));
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(ours);
  const measure = {
    seconds,
    ourProcessor: (user + system) / 1e6,
    databaseProcessor: processorSeconds(serverPid) - before,
  };
  await client.query('DROP TABLE bare');
  await client.query('CHECKPOINT');
  await client.end();
  return measure;
}

async function importFile({ url, serverPid }: DirectoryDatabase, path: string): Promise<Measure> {
  const before = processorSeconds(serverPid);
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, 'import', 'rpps', path], {
    env: { ...process.env, DATABASE_URL: url, NODE_ENV: 'test' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let peakMiB: number | undefined;
  let ourProcessor = 0;
  const watch = setInterval(() => {
    peakMiB = peakMemoryMiB(child.pid as number) ?? peakMiB;
    ourProcessor = processorSeconds(child.pid as number) || ourProcessor;
  }, 100);
  const [status] = await once(child, 'close');
  clearInterval(watch);
  if (status !== 0) throw new Error(`the import ended with ${status}`);
  return {
    seconds: (performance.now() - started) / 1_000,
    ourProcessor,
    databaseProcessor: processorSeconds(serverPid) - before,
    peakMiB,
  };
}

export async function run({ quick, log }: { quick: boolean; log: (line: string) => void }): Promise<void> {
  const database = await openDirectoryDatabase();
  try {
    const rows = quick ? QUICK_ROWS : FULL_ROWS;
    const [first, second] = ['first.txt', 'second.txt'].map((name) => join(database.folder, name)) as [
      string,
      string,
    ];
    await writeDirectoryFile(first, { rows });
    await writeDirectoryFile(second, { rows, changedPercent: 1 });
    log(`file: ${rows} rows, ${((await stat(first)).size / 1e6).toFixed(0)} MB`);
    const told = (name: string, measure: Measure, bare?: Measure) =>
      log(
        [
          name.padEnd(24),
          `${measure.seconds.toFixed(1)} s`.padStart(9),
          bare ? `${(measure.seconds / bare.seconds).toFixed(2)} × bare`.padStart(13) : ''.padStart(13),
          `  processor: ours ${measure.ourProcessor.toFixed(1)} s, database ${measure.databaseProcessor.toFixed(1)} s`,
          measure.peakMiB ? `  peak ${measure.peakMiB.toFixed(0)} MiB` : '',
        ].join(''),
      );
    const bare = await bareCopy(database, first);
    told('bare COPY', bare);
    const imported = await importFile(database, first);
    told('first import', imported, bare);
    const again = await bareCopy(database, first);
    told('bare COPY again', again);
    told('1 % changed', await importFile(database, second), again);
    told('nothing changed', await importFile(database, second), again);
  } finally {
    await database.remove();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run({ quick: process.argv.includes('--quick'), log: console.log });
}
