/** What a person typed, read into words to look for. */
import { fold, wordsOf } from '../fold.ts';

/** Any of the fields, or everything in one box. */
export type DirectoryQuery = string | DirectoryFields;

export interface DirectoryFields {
  readonly familyName?: string | undefined;
  readonly givenName?: string | undefined;
  readonly rpps?: string | undefined;
  readonly town?: string | undefined;
}

/** Folded; empty when not given. */
export interface ReadQuery {
  /** Words of the one box, in the order typed. */
  readonly words: readonly string[];
  readonly family: string;
  readonly given: string;
  readonly town: string;
  /** Leading digits of an RPPS number. */
  readonly rpps: string;
}

export const MIN_CHARACTERS = 3;
const MAX_TYPED = 200;
const MAX_WORDS = 6;
const RPPS_DIGITS = 11;

/** @returns undefined when fewer than three letters or digits were typed. */
export function readQuery(query: DirectoryQuery): ReadQuery | undefined {
  const read = typeof query === 'string' ? readBox(query) : readFields(query);
  const typed = [...read.words, read.family, read.given, read.town, read.rpps];
  const characters = typed.map((text) => text.replaceAll(' ', '').length);
  return Math.max(0, ...characters) >= MIN_CHARACTERS || sum(characters) >= MIN_CHARACTERS ? read : undefined;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function readBox(typed: string): ReadQuery {
  const text = foldTyped(typed);
  const rpps = digitsOf(text);
  if (rpps !== '') return { words: [], family: '', given: '', town: '', rpps };
  const words = wordsOf(text);
  const number = words.find((word) => /^[0-9]{11,12}$/.test(word));
  return {
    words: words.filter((word) => word !== number).slice(0, MAX_WORDS),
    family: '',
    given: '',
    town: '',
    rpps: number ? digitsOf(number) : '',
  };
}

const readFields = ({
  familyName = '',
  givenName = '',
  rpps = '',
  town = '',
}: DirectoryFields): ReadQuery => ({
  words: [],
  family: foldTyped(familyName),
  given: foldTyped(givenName),
  town: foldTyped(town),
  rpps: digitsOf(foldTyped(rpps)),
});

const foldTyped = (text: string): string => fold(text.slice(0, MAX_TYPED));

/** The digits of a number and nothing else, the `8` of the national identifier apart; else empty. */
function digitsOf(folded: string): string {
  const digits = folded.replaceAll(' ', '');
  if (!/^[0-9]+$/.test(digits)) return '';
  return digits.length === RPPS_DIGITS + 1 && digits.startsWith('8') ? digits.slice(1) : digits;
}

/** The orders of `words` got by cutting them in up to three runs and changing the order of the runs. */
export function orders(words: readonly string[]): string[] {
  const found = new Set<string>();
  const n = words.length;
  const run = (from: number, to: number) => words.slice(from, to);
  for (let first = 1; first <= n; first += 1) {
    for (let second = first; second <= n; second += 1) {
      const [a, b, c] = [run(0, first), run(first, second), run(second, n)];
      for (const order of [
        [a, b, c],
        [a, c, b],
        [b, a, c],
        [b, c, a],
        [c, a, b],
        [c, b, a],
      ]) {
        found.add(order.flat().join(' '));
      }
    }
  }
  return [...found];
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
/** A shorter word is one error away from too many others. */
const MIN_CORRECTED = 4;
const MAX_CORRECTED = 24;

/** Every word one error away: a letter missing, added, or changed, or two neighbours exchanged (Damerau). */
export function neighbours(word: string): string[] {
  if (word.length < MIN_CORRECTED || word.length > MAX_CORRECTED) return [];
  const alphabet = /[0-9]/.test(word) ? LETTERS + DIGITS : LETTERS;
  const found = new Set<string>();
  for (let at = 0; at <= word.length; at += 1) {
    const [head, tail] = [word.slice(0, at), word.slice(at)];
    if (tail !== '') found.add(head + tail.slice(1));
    if (tail.length > 1) found.add(head + tail.charAt(1) + tail.charAt(0) + tail.slice(2));
    for (const letter of alphabet) {
      if (tail !== '') found.add(head + letter + tail.slice(1));
      found.add(head + letter + tail);
    }
  }
  found.delete(word);
  return [...found];
}
