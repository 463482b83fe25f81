/** Suite `import`: the national directory beside a bare COPY of the same file into a table of all its columns, in one run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { NATIONAL_DIRECTORY_COLUMNS } from '../src/directories/national-directory/columns.ts';
import { type DirectoryDatabase, openDirectoryDatabase } from './directory-database.ts';
import { writeDirectoryFile } from './national-directory.ts';
import { peakMemoryMiB, processorSeconds } from './processes.ts';
import type { Bench, Suite } from './suite.ts';
import { formatTable } from './support/table.ts';

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

async function run(bench: Bench): Promise<void> {
  const database = await openDirectoryDatabase(bench);
  const rows = bench.quick ? QUICK_ROWS : FULL_ROWS;
  const first = join(database.folder, 'first.txt');
  const second = join(database.folder, 'second.txt');
  await writeDirectoryFile(first, { rows });
  await writeDirectoryFile(second, { rows, changedPercent: 1 });
  bench.print(`file: ${rows} rows, ${((await stat(first)).size / 1e6).toFixed(0)} MB`);

  const lines: string[][] = [];
  const tell = (work: string, measure: Measure, bare?: Measure, aim?: number) => {
    const ratio = bare ? measure.seconds / bare.seconds : 1;
    lines.push([
      work,
      measure.seconds.toFixed(1),
      ratio.toFixed(2),
      aim === undefined ? '' : `≤ ${aim.toFixed(2)}`,
      aim === undefined ? '' : ratio <= aim ? 'ok' : 'over',
      measure.ourProcessor.toFixed(1),
      measure.databaseProcessor.toFixed(1),
      measure.peakMiB?.toFixed(0) ?? '',
    ]);
  };
  const bare = await bareCopy(database, first);
  tell('bare COPY', bare);
  tell('first import', await importFile(database, first), bare, 2);
  const again = await bareCopy(database, first);
  tell('bare COPY again', again);
  tell('1 % changed', await importFile(database, second), again, 1);
  tell('nothing changed', await importFile(database, second), again, 1);
  const header = ['work', 'seconds', 'ratio', 'aim', '', 'our CPU s', 'database CPU s', 'peak MiB'];
  bench.print(formatTable(header, lines));
}

export const directoryImport: Suite = {
  name: 'import',
  description: 'the national directory, 2.3 million rows, beside a bare COPY of the same file',
  run,
};
