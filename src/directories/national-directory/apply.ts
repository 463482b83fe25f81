/** Brings the national directory to what was staged: only who changed is written. */
import type { Db } from '../../lib/database.ts';
import type { ApplyContext, ImportCounts } from '../import/types.ts';
import { fillFirst } from './first-import.ts';
import { STRUCTURE_COLUMNS } from './structures.ts';
import {
  KEYS_STAGE,
  LINES_STAGE,
  PEOPLE_STAGE,
  STAGED_STRUCTURES,
  STRUCTURES_STAGE,
  UNMET_STAGE,
  WITHOUT_OTHER_WRITINGS,
  WORDS_STAGE,
} from './tables.ts';

const PEOPLE_COLUMNS = 'national_id, identifier_type, identifier, civilite_code, exercises, layout';
/** The JSON of the exercises is always the same for the same content. */
const COMPARED = ['layout', 'identifier_type', 'identifier', 'civilite_code', 'exercises'];
const KEYS = 'national_id, family, given, town';
const STRUCTURES = STRUCTURE_COLUMNS.join(', ');

export async function applyNationalDirectory(db: Db, context: ApplyContext): Promise<ImportCounts> {
  await context.beside.raw(WITHOUT_OTHER_WRITINGS);
  return context.isFirst ? fillFirst(db, context) : update(db, context);
}

async function update(db: Db, context: ApplyContext): Promise<ImportCounts> {
  await db.raw(`ANALYZE ${PEOPLE_STAGE}, ${KEYS_STAGE}, ${LINES_STAGE}, ${STRUCTURES_STAGE}, ${UNMET_STAGE}`);
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
        WHERE (${COMPARED.map((column) => `p.${column}`).join(', ')})
              IS DISTINCT FROM (${COMPARED.map((column) => `s.${column}`).join(', ')})`,
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
    `INSERT INTO directory_people (${PEOPLE_COLUMNS}) SELECT ${PEOPLE_COLUMNS.split(', ')
      .map((column) => `s.${column}`)
      .join(', ')} FROM ${staged}
       ON CONFLICT (national_id) DO UPDATE SET
         identifier_type = excluded.identifier_type, identifier = excluded.identifier,
         civilite_code = excluded.civilite_code, exercises = excluded.exercises, layout = excluded.layout`,
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
    `INSERT INTO directory_people_lines (national_id, lines) SELECT national_id, lines FROM ${LINES_STAGE}`,
  );
  // A word first met beside somebody unchanged is known already.
  await db.raw(
    `INSERT INTO directory_words (word) SELECT DISTINCT word FROM ${WORDS_STAGE} ON CONFLICT DO NOTHING`,
  );
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
