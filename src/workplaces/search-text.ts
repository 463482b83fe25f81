/** Under which words a workplace is found: the same at import and at search. */
import { fold, wordsOf } from '../directories/fold.ts';

/** FINESS abbreviates what people write in full, and the other way round. */
const ALSO: Readonly<Record<string, string>> = { st: 'saint', ste: 'sainte', saint: 'st', sainte: 'ste' };

export interface SearchedPlace {
  readonly name: string;
  readonly otherName?: string | undefined;
  readonly town?: string | undefined;
  readonly postalCode?: string | undefined;
}

/** After each part: before the space in the order of bytes, so that a name comes before the names that go on. */
const END = '\t';

/**
 * Folded parts, name first, each word after a space or a tab: `Clinique St-Éloi` in Nice → ` clinique st eloi`, ` nice`
 * and ` saint`, with a tab after each.
 */
export function searchTextOf({ name, otherName = '', town = '', postalCode = '' }: SearchedPlace): string {
  const parts = [name, otherName, town, postalCode].map(fold);
  const words = new Set(parts.flatMap(wordsOf));
  const also = [...words].flatMap((word) => ALSO[word] ?? []).filter((word) => !words.has(word));
  const distinct = [...new Set([...parts, also.join(' ')])].filter((part) => part !== '');
  return distinct.map((part) => ` ${part}${END}`).join('');
}

export interface WorkplaceQuery {
  /** The text without its spaces, where it may be the beginning of a FINESS number. */
  readonly finessPrefix: string | undefined;
  readonly words: readonly string[];
}

const MAX_QUERY_LENGTH = 120;
const MAX_WORDS = 8;
/** Below it nearly everything matches. */
const MIN_WORD_LENGTH = 2;

/** @returns undefined for a text too short to search by. */
export function readWorkplaceQuery(text: string): WorkplaceQuery | undefined {
  const typed = text.slice(0, MAX_QUERY_LENGTH);
  const words = wordsOf(fold(typed)).slice(0, MAX_WORDS);
  const compact = typed.replace(/[\s.\-\u2010-\u2013]/gu, '').toUpperCase();
  const finessPrefix = /^[0-9][0-9A-Z][0-9]{2,7}$/.test(compact) ? compact : undefined;
  if (finessPrefix === undefined && !words.some((word) => word.length >= MIN_WORD_LENGTH)) return undefined;
  return { finessPrefix, words };
}
