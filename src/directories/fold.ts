/** How names are compared: the same at import and at search. */

const PLAIN = /^[a-z0-9 ]*$/;
/** Letters that no decomposition separates. */
const LETTERS: Readonly<Record<string, string>> = {
  œ: 'oe',
  æ: 'ae',
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};
const LIGATURES = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');

/**
 * Words of letters and digits in lower case, without accents, one space apart: `D’ESSAI-LŒUF Zoé` → `d essai loeuf zoe`.
 * Hyphens, apostrophes (straight or curly), dots and every other sign separate words; full-width and other compatibility
 * forms are read as what they look like (Unicode NFKD).
 */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (PLAIN.test(lower)) return lower.replace(/ {2,}/g, ' ').trim();
  return lower
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(LIGATURES, (letter) => LETTERS[letter] as string)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** The words of a folded text. */
export const wordsOf = (folded: string): string[] => (folded === '' ? [] : folded.split(' '));
