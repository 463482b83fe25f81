/** Brings the national directory to what was staged: only who changed is written. */
import type { Db } from '../../lib/database.ts';
import { withoutIndexes } from '../import/bulk.ts';
import type { ApplyContext, ImportCounts } from '../import/types.ts';
import { STRUCTURE_COLUMNS } from './structures.ts';

export const PEOPLE_STAGE = 'directory_stage_people';
export const KEYS_STAGE = 'directory_stage_keys';
export const STRUCTURES_STAGE = 'directory_stage_structures';
/** The lines of earlier imports that are not in the file. */
export const UNMET_STAGE = 'directory_stage_unmet';

const TABLES = ['directory_people', 'directory_structures', 'directory_search_keys', 'directory_words'];
const PEOPLE_COLUMNS = 'national_id, identifier_type, identifier, civilite_code, exercises, digest';
const KEYS = 'national_id, family, given, town';
const STRUCTURES = STRUCTURE_COLUMNS.join(', ');
/** Of several writings of one structure, the same whatever the order of the lines. */
const STAGED_STRUCTURES = `SELECT DISTINCT ON (id) ${STRUCTURES} FROM ${STRUCTURES_STAGE} ORDER BY ${STRUCTURES}`;

const peopleOf = (from: string) =>
  `SELECT s.national_id, identifier_type, identifier, civilite_code, exercises, digest FROM ${from}`;

const wordsOf = (from: string) =>
  `SELECT DISTINCT word FROM ${from}, string_to_table(s.words, ' ') AS word WHERE s.words IS NOT NULL`;

const rowCount = async (db: Db, sql: string): Promise<number> => (await db.raw(sql)).rowCount;

export async function applyNationalDirectory(db: Db, context: ApplyContext): Promise<ImportCounts> {
  const { rows } = await db.raw('SELECT NOT EXISTS (SELECT FROM directory_people) AS empty');
  return rows[0].empty ? fill(db) : update(db, context);
}

async function fill(db: Db): Promise<ImportCounts> {
  let added = 0;
  await withoutIndexes(db, TABLES, async () => {
    // Left by a directory whose last person went.
    await db.raw('DELETE FROM directory_structures');
    await db.raw('DELETE FROM directory_words');
    await db.raw('DELETE FROM directory_people_lines');
    const staged = `${PEOPLE_STAGE} s`;
    added = await rowCount(db, `INSERT INTO directory_people (${PEOPLE_COLUMNS}) ${peopleOf(staged)}`);
    await db.raw(`INSERT INTO directory_search_keys (${KEYS}) SELECT ${KEYS} FROM ${KEYS_STAGE}`);
    await db.raw(
      `INSERT INTO directory_people_lines (national_id, lines) SELECT national_id, lines FROM ${PEOPLE_STAGE}`,
    );
    await db.raw(`INSERT INTO directory_words (word) ${wordsOf(staged)}`);
    await db.raw(`INSERT INTO directory_structures (${STRUCTURES}) ${STAGED_STRUCTURES}`);
  });
  for (const table of TABLES) await db.raw(`ANALYZE ${table}`);
  return { added, changed: 0, gone: 0, unchanged: 0 };
}

async function update(db: Db, context: ApplyContext): Promise<ImportCounts> {
  await db.raw(`ANALYZE ${PEOPLE_STAGE}, ${KEYS_STAGE}, ${STRUCTURES_STAGE}, ${UNMET_STAGE}`);
  const present = Number((await db('directory_people_lines').count('* as n').first())?.n);
  // Whose lines were met is as before, and not staged.
  await db.raw(
    `CREATE TEMPORARY TABLE directory_gone ON COMMIT DROP AS
       SELECT national_id FROM directory_people_lines l
        WHERE (l.lines IS NULL OR EXISTS (SELECT FROM ${UNMET_STAGE} u WHERE u.lines = l.lines))
          AND NOT EXISTS (SELECT FROM ${PEOPLE_STAGE} s WHERE s.national_id = l.national_id)`,
  );
  await db.raw(
    `CREATE TEMPORARY TABLE directory_changes ON COMMIT DROP AS
       SELECT s.national_id, p.national_id IS NOT NULL AS known
         FROM ${PEOPLE_STAGE} s LEFT JOIN directory_people p ON p.national_id = s.national_id
        WHERE p.digest IS DISTINCT FROM s.digest`,
  );
  await db.raw('ANALYZE directory_gone, directory_changes');
  const { rows } = await db.raw(
    `SELECT (SELECT count(*) FROM directory_gone) AS gone,
            count(*) FILTER (WHERE known) AS changed, count(*) FILTER (WHERE NOT known) AS added FROM directory_changes`,
  );
  const { gone, changed, added } = rows[0];
  context.guard(present, gone);

  const staged = `${PEOPLE_STAGE} s JOIN directory_changes c ON c.national_id = s.national_id`;
  await db.raw('DELETE FROM directory_people WHERE national_id IN (SELECT national_id FROM directory_gone)');
  await db.raw(
    `DELETE FROM directory_search_keys WHERE national_id IN
       (SELECT national_id FROM directory_gone UNION ALL SELECT national_id FROM directory_changes WHERE known)`,
  );
  await db.raw(
    `INSERT INTO directory_people (${PEOPLE_COLUMNS}) ${peopleOf(staged)}
       ON CONFLICT (national_id) DO UPDATE SET
         identifier_type = excluded.identifier_type, identifier = excluded.identifier,
         civilite_code = excluded.civilite_code, exercises = excluded.exercises, digest = excluded.digest`,
  );
  await db.raw(
    `INSERT INTO directory_search_keys (${KEYS}) SELECT ${KEYS} FROM ${KEYS_STAGE}
      WHERE national_id IN (SELECT national_id FROM directory_changes)`,
  );
  await db.raw(
    `DELETE FROM directory_people_lines WHERE national_id IN
       (SELECT national_id FROM directory_gone UNION ALL SELECT national_id FROM ${PEOPLE_STAGE})`,
  );
  await db.raw(
    `INSERT INTO directory_people_lines (national_id, lines) SELECT national_id, lines FROM ${PEOPLE_STAGE}`,
  );
  // A word first met beside somebody unchanged is known already.
  await db.raw(`INSERT INTO directory_words (word) ${wordsOf(staged)} ON CONFLICT DO NOTHING`);
  await updateStructures(db);
  return { added, changed, gone, unchanged: present - gone - changed };
}

async function updateStructures(db: Db): Promise<void> {
  const row = (of: string) => `(${STRUCTURE_COLUMNS.map((column) => `${of}.${column}`).join(', ')})`;
  await db.raw(
    `CREATE TEMPORARY TABLE directory_structure_changes ON COMMIT DROP AS
       SELECT s.* FROM (${STAGED_STRUCTURES}) s LEFT JOIN directory_structures d ON d.id = s.id
        WHERE d.id IS NULL OR ${row('s')} IS DISTINCT FROM ${row('d')}`,
  );
  await db.raw(
    `DELETE FROM directory_structures d
      WHERE NOT EXISTS (SELECT FROM ${STRUCTURES_STAGE} s WHERE s.id = d.id)
         OR d.id IN (SELECT id FROM directory_structure_changes)`,
  );
  await db.raw(
    `INSERT INTO directory_structures (${STRUCTURES}) SELECT ${STRUCTURES} FROM directory_structure_changes`,
  );
}
