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
import { readDelimited, readHere } from './delimited.ts';
import { describeFailure, ImportRefusal } from './failures.ts';
import type { KnownLines } from './known-lines.ts';
import { recentlySeenMemory } from './recently-seen.ts';
import {
  closeImportRecord,
  closeInterruptedImports,
  completeImportRecord,
  createImportRecord,
} from './records.ts';
import { openSource, type Source } from './source.ts';
import { createStaging, dropStaging, lockImports } from './staging.ts';
import { openThreads, type Threads, threadCount } from './threads.ts';
import type { CopyTo, ImportDefinition, ImportOptions, ImportReport, RowWriter } from './types.ts';
import { withWriters } from './writers.ts';

const DEFAULT_MAX_REJECTED = { percent: 1 };
const DEFAULT_MAX_REMOVED_PERCENT = 5;
/** A smaller file is read before a thread has started. */
const LARGE_BYTES = 32 << 20;
const SEEN_SHARED = 1 << 20;
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
    poolMax: tables.length + 3,
    statementTimeoutMs: 0,
    session: SESSION,
  });
  let source: Source | undefined;
  const state = { id: undefined as string | undefined, committing: false };
  try {
    source = await openSource(path, definition.archiveEntry);
    return await importFrom({ knex, databaseUrl, clock, definition, source, options, state });
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
  readonly databaseUrl: string;
  readonly clock: Clock;
  readonly definition: ImportDefinition;
  readonly source: Source;
  readonly options: ImportOptions;
  readonly state: { id: string | undefined; committing: boolean };
}

async function importFrom(run: Run): Promise<ImportReport> {
  const { knex, clock, definition, source, options, state } = run;
  const { kind } = definition;
  const started = performance.now();
  // The lock belongs to this connection: it goes with the process, however that ends.
  return withConnection(knex, async (connection) => {
    if (!(await lockImports(connection, kind)))
      throw new ImportRefusal(`another import of this register is running; nothing changed`);
    await closeInterruptedImports(knex, clock, kind);
    const id = newId();
    await createImportRecord(knex, clock, { id, kind, fileName: source.name });
    state.id = id;
    const isFirst = (await definition.isFirst?.(connection)) ?? false;
    await createStaging(connection, definition, isFirst);
    let beside: Promise<void> | undefined;
    try {
      const known = await definition.recall?.(connection);
      const read = await stage(run, known);
      options.onProgress?.({ phase: 'applying', bytesRead: 0, totalBytes: source.totalBytes });
      await definition.prepare?.(knex, (tables, fill) => copyInto(knex, tables, fill), known);
      if (isFirst) beside = definition.goOn?.(knex);
      beside?.catch(() => undefined);
      return await knex.transaction(
        async (trx) => {
          const guard = guardWith(options);
          const counts = await definition.apply(trx, { isFirst, connection, beside: knex, guard });
          await beside;
          if (isFirst) await definition.finish?.(trx);
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
      await beside?.catch(() => undefined);
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

async function stage(
  { knex, databaseUrl, definition, source, options }: Run,
  known: KnownLines | undefined,
): Promise<Pick<ImportReport, 'rowsRead' | 'rejected' | 'rejections' | 'encoding' | 'notes'>> {
  const { format, stagerModule } = definition;
  const tables = Object.keys(definition.staging);
  const memory = definition.createMemory?.(known) ?? {};
  const seen = format.groups && recentlySeenMemory(SEEN_SHARED);
  let bytesRead = 0;
  const { totalBytes } = source;
  const counted = async function* () {
    for await (const chunk of source.chunks) {
      bytesRead += chunk.length;
      yield chunk;
      options.onProgress?.({ phase: 'reading', bytesRead, totalBytes });
    }
  };
  const limit = options.maxRejected ?? DEFAULT_MAX_REJECTED;
  const isLarge = (totalBytes ?? Number.POSITIVE_INFINITY) > LARGE_BYTES;
  const threads = options.threads ?? (isLarge ? threadCount() : 1);
  if (stagerModule !== undefined && threads > 1) {
    let reading: Threads | undefined;
    try {
      const tally = await readDelimited(counted(), format, limit, (header) => {
        const data = { databaseUrl, session: SESSION, stagerModule, tables, format, header, memory, seen };
        reading = openThreads(threads, data);
        return reading;
      });
      await reading?.end();
      return { ...tally, notes: {} };
    } finally {
      await reading?.stop();
    }
  }
  return withWriters(connectionsOf(knex), tables, async (writers, ready) => {
    const stager = definition.createStager(writers, memory);
    const tally = await readDelimited(counted(), format, limit, (header) =>
      readHere(format, header, stager, seen, ready),
    );
    stager.end();
    return { ...tally, notes: stager.notes?.() ?? {} };
  });
}

function copyInto(knex: Knex, ...[tables, fill]: Parameters<CopyTo>): Promise<void> {
  return withWriters(connectionsOf(knex), tables, async (writers, ready) => {
    for await (const _ of fill(tables.map((table) => writers[table] as RowWriter))) await ready();
  });
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

const connectionsOf = (knex: Knex) => ({
  acquire: (): Promise<pg.ClientBase> => knex.client.acquireConnection(),
  release: (connection: pg.ClientBase): Promise<void> => knex.client.releaseConnection(connection),
});

async function withConnection<T>(knex: Knex, work: (connection: pg.ClientBase) => Promise<T>): Promise<T> {
  const { acquire, release } = connectionsOf(knex);
  const connection = await acquire();
  try {
    return await work(connection);
  } finally {
    await release(connection);
  }
}
