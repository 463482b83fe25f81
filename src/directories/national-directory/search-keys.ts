/** Under which words a person is found. */
import { wordsOf } from '../fold.ts';

/** More towns or names than this are not worth more rows. */
const MAX_KEYS = 24;
const MAX_ROTATED_WORDS = 4;

export interface SearchKey {
  readonly family: string;
  readonly given: string;
  readonly town: string;
}

/** The words of a folded name starting at each of them in turn. */
function rotations(folded: string): string[] {
  if (!folded.includes(' ')) return [folded];
  const words = wordsOf(folded);
  return Array.from({ length: Math.min(words.length, MAX_ROTATED_WORDS) }, (_, start) =>
    [...words.slice(start), ...words.slice(0, start)].join(' '),
  );
}

/**
 * The folded family name from each of its words, then in one word: `le goff` is found by `le goff`, `goff`, `goff le` and
 * `legoff`, `martin dupont` from either end.
 */
export function familyForms(folded: string): string[] {
  const forms = rotations(folded);
  return forms.length < 2 ? forms : [...new Set([...forms, folded.replaceAll(' ', '')])];
}

/** The folded given name from each of its words: `jean pierre` is found by `pierre`. */
export const givenForms = rotations;

/** @param names folded. @param towns folded. */
export function searchKeys(
  names: readonly { readonly family: string; readonly given: string }[],
  towns: readonly string[],
): SearchKey[] {
  const keys: SearchKey[] = [];
  for (const { family, given } of names) {
    for (const form of familyForms(family)) {
      for (const givenForm of givenForms(given)) {
        for (const town of towns.length > 0 ? towns : ['']) {
          if (keys.length === MAX_KEYS) return keys;
          keys.push({ family: form, given: givenForm, town });
        }
      }
    }
  }
  return keys;
}
