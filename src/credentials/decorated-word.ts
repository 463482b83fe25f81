/** How people make a common word long enough: a capital, a year or « 123 », a sign or two. */

const WHOLE = /^(?<before>\P{L}{0,10})(?<core>\p{L}+)(?<after>\P{L}{0,10})$/u;
const DATE = /^(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)?\d{2}$/;
/** Digits as they stand on a keyboard, upward and downward. */
const ROWS = ['01234567890', '09876543210'];
const MAX_DIGITS = 4;

const isPredictableNumber = (digits: string): boolean =>
  digits.length <= MAX_DIGITS ||
  DATE.test(digits) ||
  ROWS.some((row) => row.includes(digits)) ||
  /^(\d{1,3})\1+$/.test(digits);

/** Three signs, or any number of one. */
const areFewSigns = (signs: string): boolean => Array.from(signs).length <= 3 || /^(.)\1*$/u.test(signs);

function isDecoration(text: string): boolean {
  const {
    first = '',
    digits = '',
    last = '',
  } = /^(?<first>\D*)(?<digits>\d*)(?<last>\D*)$/.exec(text)?.groups ?? { first: text };
  return [first, last].every(areFewSigns) && isPredictableNumber(digits);
}

/** What one side costs who tries all of them on a word: numbers of a few kinds, or the signs alone. */
const guessesOf = (decoration: string): number =>
  /\d/.test(decoration) ? 1_000 : decoration === '' ? 1 : 10;

/**
 * The word inside, in lower case, and how many guesses what stands around it takes; undefined when there is nothing around
 * it, or something that is not guessed like that.
 */
export function wordInside(text: string): { word: string; decorationGuesses: number } | undefined {
  const { before, core, after } = WHOLE.exec(text)?.groups ?? {};
  if (core === undefined || before === undefined || after === undefined) return undefined;
  if (before + after === '' || !isDecoration(before) || !isDecoration(after)) return undefined;
  return { word: core.toLowerCase(), decorationGuesses: guessesOf(before) * guessesOf(after) };
}
