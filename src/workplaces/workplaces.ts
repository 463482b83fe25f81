/**
 * Workplaces: the sites of FINESS, and those that only the national directory knows. Imports bring them; nobody edits
 * them. One that both forgot stays readable for the accounts that chose it, and is never offered again.
 */
import type { Db } from '../lib/database.ts';
import { isId } from './centres.ts';
import { readWorkplaceQuery } from './search-text.ts';

export interface Workplace {
  readonly id: string;
  readonly name: string;
  /** Street and complements on one line, town apart. */
  readonly address?: string;
  readonly postalCode?: string;
  readonly town?: string;
  /** FINESS number of the site. */
  readonly finess?: string;
}

export const WORKPLACE_COLUMNS = ['id', 'name', 'address', 'postal_code', 'town', 'finess'].map(
  (column) => `workplaces.${column}`,
);
const MAX_RESULTS = 20;

// biome-ignore lint/suspicious/noExplicitAny: a row of workplaces
export const asWorkplace = (row: any): Workplace => ({
  id: row.id,
  name: row.name,
  ...(row.address && { address: row.address }),
  ...(row.postal_code && { postalCode: row.postal_code }),
  ...(row.town && { town: row.town }),
  ...(row.finess && { finess: row.finess }),
});

/**
 * By the beginnings of words of the name, town or postal code, in any order, or by the beginning of the FINESS number,
 * written with or without spaces. At most 20, best first: FINESS number, name that starts so, whole words, the rest.
 */
export async function searchWorkplaces(db: Db, text: string): Promise<Workplace[]> {
  const query = readWorkplaceQuery(text);
  if (!query) return [];
  const { finessPrefix, words } = query;
  // Folded words hold letters, digits and spaces only: no wildcard of LIKE can be among them.
  const phrase = words.join(' ');
  const rows = await db('workplaces')
    .where({ gone: false })
    .where((either) => {
      either.where((every) => {
        for (const word of words) every.whereLike('search_text', `% ${word}%`);
      });
      if (finessPrefix !== undefined) either.orWhereLike('finess', `${finessPrefix}%`);
    })
    .orderByRaw(
      `CASE WHEN finess = :exact THEN 0 WHEN finess LIKE :prefix THEN 1
            WHEN search_text LIKE :whole THEN 2 WHEN search_text LIKE :start THEN 3
            WHEN search_text LIKE ALL (:words) THEN 4 ELSE 5 END,
       length(name), name, town, id`,
      {
        exact: finessPrefix ?? null,
        prefix: finessPrefix === undefined ? null : `${finessPrefix}%`,
        whole: ` ${phrase} |%`,
        start: ` ${phrase}%`,
        words: words.map((word) => `% ${word} %`),
      },
    )
    .limit(MAX_RESULTS)
    .select(...WORKPLACE_COLUMNS);
  return rows.map(asWorkplace);
}

/** Those of `ids` that exist and may be chosen, in that order; an identifier twice is answered once. */
export async function findWorkplaces(db: Db, ids: readonly string[]): Promise<Workplace[]> {
  const wanted = [...new Set(ids.filter(isId).map((id) => id.toLowerCase()))];
  if (wanted.length === 0) return [];
  const rows = await db('workplaces')
    .whereIn('id', wanted)
    .where({ gone: false })
    .select(...WORKPLACE_COLUMNS);
  return rows.map(asWorkplace).sort((one, other) => wanted.indexOf(one.id) - wanted.indexOf(other.id));
}
