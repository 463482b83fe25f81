/**
 * Workplaces: the sites of FINESS, and those that only the national directory knows. Imports bring them; nobody edits
 * them. One that both forgot stays readable for the accounts that chose it, and is never offered again.
 */
import type { Db } from '../lib/database.ts';
import { isId } from '../lib/ids.ts';
import { readWorkplaceQuery, type WorkplaceQuery } from './search-text.ts';

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
const FINESS_LENGTH = 9;
/** Beyond it the text says too little for an order to mean anything, and ordering would take its time. */
const MAX_CANDIDATES = 2_000;

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
  const found = new Map<string, Workplace>();
  for (const search of [byFiness, byStart, byWords]) {
    // The next search costs more and answers worse: only for the places that are left.
    for (const row of await search(db, query)) found.set(row.id, found.get(row.id) ?? asWorkplace(row));
    if (found.size >= (query.finessPrefix?.length === FINESS_LENGTH ? 1 : MAX_RESULTS)) break;
  }
  return [...found.values()].slice(0, MAX_RESULTS);
}

const open = (db: Db) =>
  db('workplaces')
    .where({ gone: false })
    .limit(MAX_RESULTS)
    .select(...WORKPLACE_COLUMNS);

async function byFiness(db: Db, { finessPrefix }: WorkplaceQuery) {
  if (finessPrefix === undefined) return [];
  return open(db).whereLike('finess', `${finessPrefix}%`).orderBy('finess');
}

// Folded words hold letters and digits only: no wildcard of LIKE can be among them.
const byStart = (db: Db, { words }: WorkplaceQuery) =>
  open(db)
    .whereLike('search_text', ` ${words.join(' ')}%`)
    .orderBy(['search_text', 'id']);

const byWords = (db: Db, { words }: WorkplaceQuery) =>
  open(db)
    .from(
      db('workplaces')
        .where({ gone: false })
        .where((every) => {
          for (const word of words) every.whereLike('search_text', `% ${word}%`);
        })
        .limit(MAX_CANDIDATES)
        .as('workplaces'),
    )
    .orderByRaw('search_text ~ ALL (?) DESC, search_text, id', [words.map((word) => ` ${word}[ \\t]`)]);

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
