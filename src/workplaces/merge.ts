/** Brings the workplaces to what one of their two sources knows; what is the same is not written. */
import { withoutIndexes } from '../directories/import/bulk.ts';
import type { ImportCounts } from '../directories/import/types.ts';
import type { Db } from '../lib/database.ts';

export type PlaceSource = 'finess' | 'directory';

const DATA = [
  'legal_finess',
  'name',
  'other_name',
  'address',
  'postal_code',
  'town',
  'category_code',
  'category_label',
  'search_text',
] as const;

/** Columns of a table of places to merge; text all of them, and one of the first two is NULL. */
export const PLACE_COLUMNS = ['finess', 'directory_key', ...DATA] as const;

const SEARCH_INDEXES = ['workplaces_search', 'workplaces_start'];
const KEY_INDEXES = ['workplaces_finess_unique', 'workplaces_directory_key_unique'];

const rowCount = async (db: Db, sql: string): Promise<number> => (await db.raw(sql)).rowCount;

/**
 * What both imports do to the rows: one after the other, until the transaction ends, since both write the same ones. While
 * the first places of all come in, whoever looks for one waits.
 *
 * @param work inside the transaction.
 * @param fill the same where there is no place yet, without looking for any.
 */
export async function mergingPlaces<T>(db: Db, work: () => Promise<T>, fill?: () => Promise<T>): Promise<T> {
  await db.raw(`SELECT pg_advisory_xact_lock(hashtext('caducee/workplaces'))`);
  // The index of the words takes many rows together far faster than one by one, and searches slowly until it did.
  await db.raw(`SET LOCAL gin_pending_list_limit = '32MB'`);
  const { rows } = await db.raw('SELECT NOT EXISTS (SELECT FROM workplaces) AS empty');
  if (rows[0].empty && fill) {
    return withoutIndexes(db, ['workplaces'], fill, [...SEARCH_INDEXES, ...KEY_INDEXES]);
  }
  if (rows[0].empty) return withoutIndexes(db, ['workplaces'], work, SEARCH_INDEXES);
  const result = await work();
  await db.raw(`SELECT gin_clean_pending_list('workplaces_search'::regclass)`);
  return result;
}

/**
 * Places that the source no longer knows; those that it alone knew are gone with it.
 *
 * @param table all that it knows: `finess` and `directory_key`, each once.
 * @returns how many there are.
 */
export const forgetPlaces = (db: Db, source: PlaceSource, table: string): Promise<number> =>
  rowCount(
    db,
    `UPDATE workplaces w SET in_${source} = false
      WHERE in_${source}
        AND NOT EXISTS (SELECT FROM ${table} s WHERE s.finess = w.finess)
        AND NOT EXISTS (SELECT FROM ${table} s WHERE s.directory_key = w.directory_key)`,
  );

/** @param table PLACE_COLUMNS of places to write, each once. */
export async function writePlaces(
  db: Db,
  source: PlaceSource,
  table: string,
): Promise<Pick<ImportCounts, 'added' | 'changed'>> {
  let [added, changed] = [0, 0];
  for (const key of ['finess', 'directory_key']) {
    const counts = await writePlacesBy(db, key, source, table);
    added += counts.added;
    changed += counts.changed;
  }
  return { added, changed };
}

async function writePlacesBy(
  db: Db,
  key: string,
  source: PlaceSource,
  table: string,
): Promise<{ added: number; changed: number }> {
  const list = (of: string) => DATA.map((column) => `${of}.${column}`).join(', ');
  await db.raw(
    `CREATE TEMPORARY TABLE workplace_changes ON COMMIT DROP AS
       SELECT s.*, coalesce(w.in_${source}, false) AS known
         FROM ${table} s LEFT JOIN workplaces w ON w.${key} = s.${key}
        WHERE s.${key} IS NOT NULL
          AND (w.id IS NULL OR NOT w.in_${source} OR (${list('w')}) IS DISTINCT FROM (${list('s')}))`,
  );
  await db.raw(
    `INSERT INTO workplaces (${PLACE_COLUMNS.join(', ')}, in_${source})
     SELECT ${PLACE_COLUMNS.join(', ')}, true FROM workplace_changes
         ON CONFLICT (${key}) DO UPDATE SET
           ${DATA.map((column) => `${column} = excluded.${column}`).join(', ')}, in_${source} = true`,
  );
  const { rows } = await db.raw(
    `SELECT count(*) FILTER (WHERE known) AS changed, count(*) FILTER (WHERE NOT known) AS added FROM workplace_changes`,
  );
  await db.raw('DROP TABLE workplace_changes');
  return rows[0];
}
