/**
 * Most issues give the lines of a person together; where they do not, the parts are put together here, with what is stored
 * of them when these lines are in the file as before.
 */
import type { Db } from '../../lib/database.ts';
import { bytesOf, type CopyTo, type RowWriter } from '../import/types.ts';
import { mergeExercises, PersonGroup } from './person-group.ts';
import {
  KEYS_STAGE,
  LINES_STAGE,
  PARTS,
  PEOPLE_STAGE,
  SPLIT_STAGE,
  UNMET_STAGE,
  WORDS_STAGE,
} from './tables.ts';

const PAGE = 2_000;
const COLUMNS = 'national_id, identifier_type, identifier, civilite_code, exercises';

/** Tables that hold what a person was written to. */
const OF_PEOPLE = [PEOPLE_STAGE, KEYS_STAGE, LINES_STAGE];

/** @param createWriter what writes a person to the staging tables. */
export async function mergeSplitPeople(
  db: Db,
  copyTo: CopyTo,
  createWriter: (writers: Readonly<Record<string, RowWriter>>) => (group: PersonGroup) => void,
): Promise<void> {
  await db.raw(`DROP TABLE IF EXISTS ${PARTS}`);
  const { rows } = await db.raw(`SELECT EXISTS (SELECT FROM ${SPLIT_STAGE}) AS split`);
  if (!rows[0].split) return;
  const { rowCount } = await db.raw(
    `CREATE UNLOGGED TABLE ${PARTS} AS
       SELECT national_id, min(identifier_type) AS identifier_type, min(identifier) AS identifier,
              array_agg(coalesce(civilite_code, '')) AS civilites,
              array_agg(exercises) AS documents
         FROM (
           SELECT ${COLUMNS} FROM ${PEOPLE_STAGE}
            WHERE national_id IN (SELECT national_id FROM ${SPLIT_STAGE})
            UNION ALL
           SELECT ${COLUMNS} FROM directory_people
            WHERE national_id IN (
              SELECT l.national_id FROM directory_people_lines l
               WHERE l.national_id IN (SELECT national_id FROM ${SPLIT_STAGE})
                 AND l.lines IS NOT NULL AND NOT EXISTS (SELECT FROM ${UNMET_STAGE} u WHERE u.lines = l.lines))) p
        GROUP BY national_id
       HAVING count(*) > 1`,
  );
  try {
    if (rowCount === 0) return;
    await db.raw(`CREATE INDEX ON ${PARTS} (national_id)`);
    for (const table of OF_PEOPLE) {
      await db.raw(`DELETE FROM ${table} WHERE national_id IN (SELECT national_id FROM ${PARTS})`);
    }
    const tables = [...OF_PEOPLE, WORDS_STAGE];
    await copyTo(tables, async function* (writers) {
      const byName = Object.fromEntries(tables.map((table, rank) => [table, writers[rank] as RowWriter]));
      const write = createWriter(byName);
      for await (const group of merged(db)) yield write(group);
    });
  } finally {
    await db.raw(`DROP TABLE ${PARTS}`);
  }
}

async function* merged(db: Db): AsyncGenerator<PersonGroup> {
  let last = '';
  for (;;) {
    const { rows } = await db.raw(
      `SELECT * FROM ${PARTS} WHERE national_id > ? ORDER BY national_id LIMIT ${PAGE}`,
      [last],
    );
    for (const row of rows) {
      const group = new PersonGroup(
        bytesOf(row.identifier_type),
        bytesOf(row.identifier),
        bytesOf(row.national_id),
      );
      for (const [rank, document] of row.documents.entries()) {
        mergeExercises(group, bytesOf(row.civilites[rank]), bytesOf(document));
      }
      yield group;
      last = row.national_id;
    }
    if (rows.length < PAGE) return;
  }
}
