/** Searches the national directory by name, RPPS number or town; each step reads a bounded number of rows. */
import type { Db } from '../../lib/database.ts';
import { fold, wordsOf } from '../fold.ts';
import { type DirectoryHit, fetchByNumber, fetchPeople, hitsOf, type PersonRow } from './people.ts';
import { type DirectoryQuery, neighbours, orders, type ReadQuery, readQuery } from './query.ts';
import { familyForms } from './search-keys.ts';

const DEFAULT_HITS = 20;
/** One more, for who has to tell that there are more. */
export const MAX_HITS = DEFAULT_HITS + 1;
/** A person may have several keys under one word. */
const KEYS_PER_HIT = 2;
/** Words that an unfinished word may become. */
const COMPLETIONS = 200;
/** From so many digits on, the number leads to fewer people than any name. */
const LEADING_DIGITS = 6;
const READ_IN_TOWN = 2_000;
const READ_BY_NUMBER = 200;
const MAX_CORRECTIONS = 12;
const MAX_CORRECTED_ORDERS = 120;

interface Key {
  readonly national_id: string;
  readonly family: string;
  readonly given: string;
  readonly town: string;
}

interface Found {
  readonly key: Key;
  /** Lower is nearer to what was typed. */
  readonly rank: number;
}

/**
 * Who fits every part of `query`, best first: whole words, then beginnings of words; when nobody does, words with one
 * typing error. One hit per profession of a person. Nothing for a query of fewer than three letters or digits. A hit never holds a phone number or
 * an e-mail address: the directory stores none.
 *
 * @param limit at most {@link MAX_HITS}.
 */
export async function searchDirectory(
  db: Db,
  query: DirectoryQuery,
  { limit = DEFAULT_HITS }: { limit?: number } = {},
): Promise<DirectoryHit[]> {
  const read = readQuery(query);
  if (!read) return [];
  const wanted = Math.max(1, Math.min(limit, MAX_HITS));
  const byNumber = read.rpps !== '' && (partsOf(read).length === 0 || read.rpps.length >= LEADING_DIGITS);
  if (byNumber) {
    const people = await fetchByNumber(db, read.rpps, partsOf(read).length === 0 ? wanted : READ_BY_NUMBER);
    return hitsOf(
      people.filter((person) => fitsPerson(person, read)),
      read,
    ).slice(0, wanted);
  }
  const ids = await find(db, read, wanted);
  const people = new Map((await fetchPeople(db, ids)).map((person) => [person.national_id, person]));
  return hitsOf(
    ids.flatMap((id) => people.get(id) ?? []),
    read,
  ).slice(0, wanted);
}

/** Whether one of the professions of a person fits the words of the query. */
const fitsPerson = ({ national_id, exercises }: PersonRow, query: ReadQuery): boolean =>
  exercises.some(({ family, given = '', towns = [] }) =>
    (towns.length > 0 ? towns : ['']).some((town) =>
      familyForms(fold(family)).some(
        (form) =>
          rankOf({ national_id, family: form, given: fold(given), town: fold(town) }, query) !== undefined,
      ),
    ),
  );

const partsOf = ({ words, family, given, town }: ReadQuery): string[] =>
  [...words, family, given, town].filter((part) => part !== '');

/** National identifiers, best first. */
async function find(db: Db, query: ReadQuery, wanted: number): Promise<string[]> {
  const found = new Map<string, Found>();
  const parts = partsOf(query);
  const { keys, isImported } = await candidates(db, orders(parts), wanted);
  keep(found, query, keys, 0);
  // Until the first import is over, it holds a lock on the tables.
  if (found.size === 0 && isImported) await findOtherwise(db, query, wanted, found);
  return [...found.values()]
    .sort(
      (one, other) =>
        one.rank - other.rank ||
        compare(one.key.family, other.key.family) ||
        compare(one.key.given, other.key.given) ||
        compare(one.key.national_id, other.key.national_id),
    )
    .slice(0, wanted)
    .map(({ key }) => key.national_id);
}

/** Adds who fits unfinished words, or else a town and a given name, or else corrected words. */
async function findOtherwise(
  db: Db,
  query: ReadQuery,
  wanted: number,
  found: Map<string, Found>,
): Promise<void> {
  const parts = partsOf(query);
  if (parts.length > 1) keep(found, query, await completed(db, parts, wanted), 0);
  if (found.size === 0 && parts.length === 2) keep(found, query, await inTown(db, query, parts, wanted), 0);
  if (found.size === 0) await findMistyped(db, query, wanted, found);
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function keep(found: Map<string, Found>, query: ReadQuery, keys: readonly Key[], penalty: number): void {
  for (const key of keys) {
    const rank = rankOf(key, query);
    if (rank === undefined) continue;
    const known = found.get(key.national_id);
    if (!known || known.rank > rank + penalty) found.set(key.national_id, { key, rank: rank + penalty });
  }
}

/** Sum over the words: 0 a whole word of the family name, 1 of the given name, 2 of the town; then 3 to 5, beginnings of these. */
function rankOf(key: Key, query: ReadQuery): number | undefined {
  if (query.rpps !== '' && !key.national_id.startsWith(`8${query.rpps}`)) return undefined;
  const places = [` ${key.family} `, ` ${key.given} `, ` ${key.town} `];
  let total = 0;
  const add = (text: string, tried: readonly number[]): boolean => {
    if (text === '') return true;
    const whole = tried.find((place) => places[place]?.includes(` ${text} `));
    const place = whole ?? tried.find((candidate) => places[candidate]?.includes(` ${text}`));
    if (place === undefined) return false;
    total += whole === undefined ? place + 3 : place;
    return true;
  };
  const fits =
    query.words.every((word) => add(word, [0, 1, 2])) &&
    add(query.family, [0]) &&
    add(query.given, [1]) &&
    add(query.town, [2]);
  return fits ? total : undefined;
}

/** Who is found under these words, and whether there is a directory to search: one statement for both. */
async function candidates(
  db: Db,
  prefixes: readonly string[],
  wanted: number,
): Promise<{ keys: Key[]; isImported: boolean }> {
  const { rows } = await db.raw(
    `SELECT k.*, i.is_imported
       FROM (SELECT EXISTS (SELECT FROM directory_imports WHERE kind = 'rpps' AND outcome = 'imported') AS is_imported) i
       LEFT JOIN directory_candidates(?::text[], ?) k ON true`,
    [[...prefixes], wanted * KEYS_PER_HIT],
  );
  return { keys: rows.filter(({ national_id }: Key) => national_id), isImported: rows[0].is_imported };
}

/** Each part in turn is taken for an unfinished word, before the others. */
async function completed(db: Db, parts: readonly string[], wanted: number): Promise<Key[]> {
  const { rows } = await db.raw(
    `SELECT k.* FROM unnest(?::text[], ?::text[]) AS t (part, rest), directory_completions(t.part, t.rest, ?, ?) k`,
    [
      [...parts],
      parts.map((_, at) => parts.filter((__, other) => other !== at).join(' ')),
      COMPLETIONS,
      wanted * KEYS_PER_HIT,
    ],
  );
  return rows;
}

/** A town and a given name: no order of names leads to them. */
async function inTown(db: Db, query: ReadQuery, parts: readonly string[], wanted: number): Promise<Key[]> {
  if (query.family !== '') return [];
  const [one = '', other = ''] = parts;
  const pairs: [string, string][] =
    query.town !== ''
      ? [[query.town, query.given]]
      : [
          [one, other],
          [other, one],
        ];
  const { rows } = await db.raw(
    `SELECT k.* FROM unnest(?::text[], ?::text[]) AS t (town, given), directory_in_town(t.town, t.given, ?, ?) k`,
    [pairs.map(([town]) => town), pairs.map(([, given]) => given), READ_IN_TOWN, wanted * KEYS_PER_HIT],
  );
  return rows;
}

/** Adds who fits once one word is corrected. */
async function findMistyped(
  db: Db,
  query: ReadQuery,
  wanted: number,
  found: Map<string, Found>,
): Promise<void> {
  const typed = [...new Set(partsOf(query).flatMap(wordsOf))];
  const corrections = new Map(typed.map((word) => [word, new Set(neighbours(word))]));
  const tried = [...corrections.values()].flatMap((set) => [...set]);
  if (tried.length === 0) return;
  const { rows } = await db.raw('SELECT word FROM directory_words WHERE word = ANY (?::text[])', [tried]);
  const known: string[] = rows.map((row: { word: string }) => row.word);

  const queries: ReadQuery[] = [];
  for (const [word, set] of corrections) {
    for (const right of known.filter((candidate) => set.has(candidate)).slice(0, MAX_CORRECTIONS)) {
      const correct = (text: string) =>
        wordsOf(text)
          .map((one) => (one === word ? right : one))
          .join(' ');
      queries.push({
        ...query,
        words: query.words.map(correct),
        family: correct(query.family),
        given: correct(query.given),
        town: correct(query.town),
      });
    }
  }
  const prefixes = queries.flatMap((corrected) => orders(partsOf(corrected))).slice(0, MAX_CORRECTED_ORDERS);
  if (prefixes.length === 0) return;
  const { keys } = await candidates(db, prefixes, wanted);
  for (const corrected of queries) keep(found, corrected, keys, MISTYPED);
}

/** After every word typed right. */
const MISTYPED = 100;
