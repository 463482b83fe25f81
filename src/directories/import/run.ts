/**
 * Runs an import: reads the file as a stream into staging tables, then brings the register to it in one transaction.
 * Until that transaction commits, readers see the register as it was; whatever breaks before leaves it so.
 */
import type { Knex } from 'knex';
import type pg from 'pg';
import { record } from '../../audit/journal.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Db, openKnex } from '../../lib/database.ts';
import { newId } from '../../lib/ids.ts';
import { CopyWriter } from './copy-writer.ts';
import { readDelimited } from './delimited.ts';
import { describeFailure, ImportRefusal } from './failures.ts';
import type { KnownLines } from './known-lines.ts';
import {
  closeImportRecord,
  closeInterruptedImports,
  completeImportRecord,
  createImportRecord,
} from './records.ts';
import { openSource, type Source } from './source.ts';
import type { CopyTo, ImportDefinition, ImportOptions, ImportReport, RowWriter } from './types.ts';

const DEFAULT_MAX_REJECTED = { percent: 1 };
const DEFAULT_MAX_REMOVED_PERCENT = 5;
const SESSION = {
  // A statement soon notices that we were killed.
  client_connection_check_interval: '1s',
  maintenance_work_mem: '256MB',
  work_mem: '128MB',
};

/** What stopped an import, in one line; `nothing changed` unless it says otherwise. */
export class ImportFailure extends Error {
  override readonly name = 'ImportFailure';
}

interface Deps {
  readonly databaseUrl: string;
  readonly clock: Clock;
}

/** @throws {ImportFailure} */
export async function runImport(
  { databaseUrl, clock }: Deps,
  definition: ImportDefinition,
  path: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const tables = Object.keys(definition.staging);
  const knex = openKnex({
    url: databaseUrl,
    poolMax: tables.length + 2,
    statementTimeoutMs: 0,
    session: SESSION,
  });
  let source: Source | undefined;
  const state = { id: undefined as string | undefined, committing: false };
  try {
    source = await openSource(path, definition.archiveEntry);
    return await importFrom({ knex, clock, definition, source, options, state });
  } catch (error) {
    const detail = describeFailure(error, state);
    const outcome = error instanceof ImportRefusal ? 'refused' : 'failed';
    if (state.id !== undefined) {
      await closeFailed(knex, clock, definition, state.id, outcome, detail).catch(() => undefined);
    }
    throw new ImportFailure(detail, { cause: error });
  } finally {
    source?.close();
    await knex.destroy();
  }
}

interface Run {
  readonly knex: Knex;
  readonly clock: Clock;
  readonly definition: ImportDefinition;
  readonly source: Source;
  readonly options: ImportOptions;
  readonly state: { id: string | undefined; committing: boolean };
}

async function importFrom({ knex, clock, definition, source, options, state }: Run): Promise<ImportReport> {
  const { kind } = definition;
  const started = performance.now();
  // The lock belongs to this connection: it goes with the process, however that ends.
  return withConnection(knex, async (connection) => {
    const { rows } = await connection.query(
      `SELECT pg_try_advisory_lock(hashtext('caducee/import'), hashtext($1)) AS locked`,
      [kind],
    );
    if (!rows[0].locked)
      throw new ImportRefusal(`another import of this register is running; nothing changed`);
    await closeInterruptedImports(knex, clock, kind);
    const id = newId();
    await createImportRecord(knex, clock, { id, kind, fileName: source.name });
    state.id = id;
    await createStaging(connection, definition);
    try {
      const known = await definition.recall?.(connection);
      const read = await stage({ knex, definition, source, options, known });
      options.onProgress?.({ phase: 'applying', bytesRead: 0, totalBytes: source.totalBytes });
      await definition.prepare?.(knex, (tables, fill) => copyInto(knex, tables, fill), known);
      return await knex.transaction(
        async (trx) => {
          const counts = await definition.apply(trx, { guard: guardWith(options) });
          const report: ImportReport = {
            ...counts,
            ...read,
            notes: { ...read.notes, ...counts.notes },
            id,
            kind,
            fileName: source.name,
            sha256: source.sha256(),
            durationMs: Math.round(performance.now() - started),
          };
          await completeImportRecord(trx, clock, report);
          await record(trx, clock, {
            event: 'directory.imported',
            outcome: 'success',
            details: journaled(report),
          });
          state.committing = true;
          return report;
        },
        { connection },
      );
    } finally {
      await dropStaging(connection, definition).catch(() => undefined);
    }
  });
}

const journaled = ({ kind, fileName, sha256, rowsRead, added, changed, gone, rejected }: ImportReport) => ({
  kind,
  fileName,
  sha256,
  rowsRead,
  added,
  changed,
  gone,
  rejected,
});

async function stage({
  knex,
  definition,
  source,
  options,
  known,
}: Pick<Run, 'knex' | 'definition' | 'source' | 'options'> & { known: KnownLines | undefined }) {
  const tables = Object.keys(definition.staging);
  let bytesRead = 0;
  const { totalBytes } = source;
  const counted = async function* () {
    for await (const chunk of source.chunks) {
      bytesRead += chunk.length;
      yield chunk;
      options.onProgress?.({ phase: 'reading', bytesRead, totalBytes });
    }
  };
  return withWriters(knex, tables, async (writers, ready) => {
    const stager = definition.createStager(
      Object.fromEntries(tables.map((table, rank) => [table, writers[rank] as RowWriter])),
      known,
    );
    const limit = options.maxRejected ?? DEFAULT_MAX_REJECTED;
    const tally = await readDelimited(counted(), definition.format, limit, {
      ...stager,
      pause: ready,
    });
    stager.end();
    return { ...tally, notes: stager.notes?.() ?? {} };
  });
}

function copyInto(knex: Knex, ...[tables, fill]: Parameters<CopyTo>): Promise<void> {
  return withWriters(knex, tables, async (writers, ready) => {
    for await (const _ of fill(writers)) await ready();
  });
}

/** Runs one COPY per table, each on a connection of its own, and ends or aborts them all. */
async function withWriters<T>(
  knex: Knex,
  tables: readonly string[],
  work: (writers: readonly RowWriter[], ready: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const connections: pg.Client[] = [];
  const writers: CopyWriter[] = [];
  try {
    for (const table of tables) {
      const connection = await acquire(knex);
      connections.push(connection);
      writers.push(new CopyWriter(connection, table));
    }
    const result = await work(writers, async () => {
      for (const writer of writers) await writer.ready();
    });
    for (const writer of writers) await writer.end();
    return result;
  } catch (error) {
    for (const writer of writers) writer.abort();
    throw error;
  } finally {
    for (const connection of connections) await release(knex, connection);
  }
}

/** Refuses when more than the allowed percent of who is `present` would be gone. */
function guardWith({ force = false, maxRemovedPercent = DEFAULT_MAX_REMOVED_PERCENT }: ImportOptions) {
  return (present: number, gone: number): void => {
    if (force || gone <= (present * maxRemovedPercent) / 100) return;
    const percent = ((gone / present) * 100).toFixed(1);
    throw new ImportRefusal(
      `${gone} of ${present} would be gone (${percent} %), more than the ${maxRemovedPercent} % allowed: is the file whole? --force imports it all the same; nothing changed`,
    );
  };
}

async function createStaging(connection: pg.Client, definition: ImportDefinition): Promise<void> {
  await dropStaging(connection, definition);
  for (const [table, columns] of Object.entries({ ...definition.staging, ...definition.prepared })) {
    await connection.query(`CREATE UNLOGGED TABLE ${table} (${columns}) WITH (autovacuum_enabled = false)`);
  }
}

async function dropStaging(connection: pg.Client, definition: ImportDefinition): Promise<void> {
  const tables = Object.keys({ ...definition.staging, ...definition.prepared });
  await connection.query(`DROP TABLE IF EXISTS ${tables.join(', ')}`);
}

async function closeFailed(
  db: Db,
  clock: Clock,
  { kind }: ImportDefinition,
  id: string,
  outcome: 'refused' | 'failed',
  detail: string,
): Promise<void> {
  await db.transaction(async (trx) => {
    await closeImportRecord(trx, clock, id, { outcome, detail });
    await record(trx, clock, { event: 'directory.imported', outcome: 'failure', details: { kind, detail } });
  });
}

const acquire = (knex: Knex): Promise<pg.Client> => knex.client.acquireConnection();

const release = (knex: Knex, connection: pg.Client): Promise<void> =>
  knex.client.releaseConnection(connection);

async function withConnection<T>(knex: Knex, work: (connection: pg.Client) => Promise<T>): Promise<T> {
  const connection = await acquire(knex);
  try {
    return await work(connection);
  } finally {
    await release(knex, connection);
  }
}
