/** `directory_imports`: what was imported, when, and how it ended. */
import type { Clock } from '../../lib/clock.ts';
import type { Db } from '../../lib/database.ts';
import type { ImportKind, ImportReport } from './types.ts';

export async function createImportRecord(
  db: Db,
  clock: Clock,
  record: { id: string; kind: ImportKind; fileName: string },
): Promise<void> {
  await db('directory_imports').insert({
    id: record.id,
    kind: record.kind,
    file_name: record.fileName,
    started_at: clock.now(),
    outcome: 'running',
  });
}

/** Closes what a killed process left open; only the holder of the lock of this kind may call it. */
export async function closeInterruptedImports(db: Db, clock: Clock, kind: ImportKind): Promise<void> {
  await db('directory_imports')
    .where({ kind, outcome: 'running' })
    .update({ outcome: 'interrupted', finished_at: clock.now() });
}

export async function completeImportRecord(db: Db, clock: Clock, report: ImportReport): Promise<void> {
  await db('directory_imports')
    .where({ id: report.id })
    .update({
      outcome: 'imported',
      finished_at: clock.now(),
      sha256: report.sha256,
      rows_read: report.rowsRead,
      added: report.added,
      changed: report.changed,
      gone: report.gone,
      unchanged: report.unchanged,
      rejected: report.rejected,
      rejections: JSON.stringify(report.rejections),
      encoding: report.encoding,
      notes: JSON.stringify(report.notes),
    });
}

export async function closeImportRecord(
  db: Db,
  clock: Clock,
  id: string,
  { outcome, detail }: { outcome: 'refused' | 'failed'; detail: string },
): Promise<void> {
  await db('directory_imports').where({ id }).update({ outcome, finished_at: clock.now(), detail });
}

/** Whether the last import of this kind that went through read the file with this digest. */
export async function isLastImported(db: Db, kind: ImportKind, sha256: string): Promise<boolean> {
  const last = await db('directory_imports')
    .where({ kind, outcome: 'imported' })
    .orderBy('finished_at', 'desc')
    .first('sha256');
  return last?.sha256 === sha256;
}
