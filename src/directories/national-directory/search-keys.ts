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

/**
 * The folded family name starting at each of its words, then in one word: `le goff` is found by `le goff`, `goff`, `goff
 * le` and `legoff`, `martin dupont` from either end.
 */
export function familyForms(folded: string): string[] {
  const words = wordsOf(folded);
  if (words.length < 2) return [folded];
  const turns = Math.min(words.length, MAX_ROTATED_WORDS);
  const forms = Array.from({ length: turns }, (_, start) =>
    [...words.slice(start), ...words.slice(0, start)].join(' '),
  );
  return [...new Set([...forms, words.join('')])];
}

/** @param names folded. @param towns folded. */
export function searchKeys(
  names: readonly { readonly family: string; readonly given: string }[],
  towns: readonly string[],
): SearchKey[] {
  const keys: SearchKey[] = [];
  for (const { family, given } of names) {
    for (const form of familyForms(family)) {
      for (const town of towns.length > 0 ? towns : ['']) {
        if (keys.length === MAX_KEYS) return keys;
        keys.push({ family: form, given, town });
      }
    }
  }
  return keys;
}
