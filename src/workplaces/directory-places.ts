/** The workplaces that the national directory knows: brought up to date with it, in the same transaction. */
import type { ImportDefinition } from '../directories/import/types.ts';
import { NATIONAL_DIRECTORY } from '../directories/national-directory/definition.ts';
import type { Db } from '../lib/database.ts';
import { fillDirectoryPlaces } from './first-places.ts';
import { forgetPlaces, mergingPlaces, PLACE_COLUMNS, writePlaces } from './merge.ts';
import { PLACE_KEYS, PLACE_OF_STRUCTURE } from './place-of-structure.ts';
import { searchTextOf } from './search-text.ts';
import { asWorkplace, WORKPLACE_COLUMNS, type Workplace } from './workplaces.ts';

const BATCH = 10_000;

/** `caducee import rpps`: the national directory, then its workplaces. */
export const NATIONAL_DIRECTORY_AND_WORKPLACES: ImportDefinition = {
  ...NATIONAL_DIRECTORY,
  async apply(db, context) {
    const counts = await NATIONAL_DIRECTORY.apply(db, context);
    const { added, changed, gone } = await mergingPlaces(
      db,
      () => updateDirectoryPlaces(db),
      context.isFirst ? () => fillDirectoryPlaces(context) : undefined,
    );
    return {
      ...counts,
      notes: { ...counts.notes, workplacesAdded: added, workplacesChanged: changed, workplacesGone: gone },
    };
  },
};

/** Address on one line, without what stands beside it: the name, and the postal code with its town. */
const ADDRESS = `(
  SELECT string_agg(line, ', ' ORDER BY rank) FROM string_to_table(address_lines, E'\\n') WITH ORDINALITY t (line, rank)
   WHERE line NOT IN (name, coalesce(other_name, '')) AND line !~ '^[0-9]{5} ')`;

/** What a place has of the directory; the words of its search follow from them. */
const COMPARED = ['legal_finess', 'name', 'other_name', 'address', 'postal_code', 'town'];

/** Places with this key that FINESS does not know, unless the workplaces hold the same. */
const othersBy = (key: string) => `
  SELECT p.* FROM directory_places p
   WHERE p.${key} IS NOT NULL AND NOT EXISTS (
     SELECT FROM workplaces w
      WHERE w.${key} = p.${key}
        AND (w.in_finess OR (w.in_directory AND w.category_code IS NULL AND w.category_label IS NULL
          AND (${COMPARED.map((column) => `w.${column}`).join(', ')})
              IS NOT DISTINCT FROM (${COMPARED.map((column) => `p.${column}`).join(', ')}))))`;

/**
 * Where FINESS knows the site too, its name and address stand.
 *
 * @returns counts of places; a place without any name is none.
 */
async function updateDirectoryPlaces(db: Db): Promise<{ added: number; changed: number; gone: number }> {
  await db.raw(
    `CREATE TEMPORARY TABLE directory_places ON COMMIT DROP AS
       SELECT finess, directory_key, legal_finess, name, other_name, ${ADDRESS} AS address, postal_code, town FROM (
       SELECT DISTINCT ON (finess, directory_key) ${PLACE_OF_STRUCTURE}
         FROM (SELECT *, ${PLACE_KEYS} FROM directory_structures WHERE coalesce(name, trade_name) IS NOT NULL) s
        ORDER BY finess, directory_key, name, trade_name, id) s`,
  );
  await db.raw('CREATE INDEX ON directory_places (finess)');
  await db.raw('CREATE INDEX ON directory_places (directory_key)');
  await db.raw('ANALYZE directory_places');
  const gone = await forgetPlaces(db, 'directory', 'directory_places');
  const known = await db.raw(
    `UPDATE workplaces w SET in_directory = true FROM directory_places p
      WHERE p.finess = w.finess AND w.in_finess AND NOT w.in_directory`,
  );
  await stageOthers(db);
  const { added, changed } = await writePlaces(db, 'directory', 'workplace_directory');
  return { added: added + known.rowCount, changed, gone };
}

/** The places that FINESS does not know and that changed, in `workplace_directory`; words are folded here, not by the database. */
async function stageOthers(db: Db): Promise<void> {
  await db.raw(
    `CREATE TEMPORARY TABLE workplace_directory (${PLACE_COLUMNS.map((column) => `${column} text`).join(', ')})
       ON COMMIT DROP`,
  );
  await db.raw(
    `DECLARE directory_others NO SCROLL CURSOR FOR
       ${othersBy('finess')} UNION ALL ${othersBy('directory_key')}`,
  );
  // The database looks for the next ones while these are folded.
  const fetch = () => {
    const answer = Promise.resolve(db.raw(`FETCH ${BATCH} FROM directory_others`));
    answer.catch(() => undefined);
    return answer;
  };
  for (let next = fetch(); ; ) {
    const { rows } = await next;
    if (rows.length === 0) break;
    next = fetch();
    const places = rows.map((place: Record<string, string>) => ({
      ...place,
      search_text: searchTextOf({
        name: place.name ?? '',
        otherName: place.other_name ?? '',
        town: place.town ?? '',
        postalCode: place.postal_code ?? '',
      }),
    }));
    await db.raw(
      `INSERT INTO workplace_directory SELECT * FROM json_populate_recordset(NULL::workplace_directory, ?)`,
      [JSON.stringify(places)],
    );
  }
  await db.raw('CLOSE directory_others');
  await db.raw('ANALYZE workplace_directory');
}

/** Where the national directory says that this person (IDNPS) works, by name; places that may be chosen. */
export async function workplacesOfDirectoryPerson(db: Db, personId: string): Promise<Workplace[]> {
  const structures = db.raw(
    `SELECT ${PLACE_KEYS} FROM directory_structures WHERE id = ANY (ARRAY(
       SELECT activity ->> 'structure'
         FROM directory_people, jsonb_path_query(exercises::jsonb, '$[*].activities[*]') AS activity
        WHERE national_id = ?))`,
    [personId],
  );
  const rows = await db
    .with('place', structures)
    .from('workplaces')
    .where({ gone: false })
    .whereIn('id', (ids) =>
      ids
        .union(db('workplaces').join('place', 'place.finess', 'workplaces.finess').select('id'))
        .union(
          db('workplaces').join('place', 'place.directory_key', 'workplaces.directory_key').select('id'),
        ),
    )
    .orderBy(['name', 'town', 'id'])
    .select(...WORKPLACE_COLUMNS);
  return rows.map(asWorkplace);
}
