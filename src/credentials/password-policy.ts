import { createRequire } from 'node:module';
import type { OptionsType, ZxcvbnFactory, ZxcvbnResult } from '@zxcvbn-ts/core';
import { accept, type Result, refuse } from '../lib/fault.ts';
import { wordInside } from './decorated-word.ts';
import { CONTEXT_WORDS, FRENCH_CHOICES } from './likely-words.ts';

/** Code points after NFC. */
export const MIN_PASSWORD_LENGTH = 12;
/** Code points after NFC; above what NIST SP 800-63B-4 §3.1.1.2 asks to permit (64). */
export const MAX_PASSWORD_LENGTH = 128;
/** CNIL deliberation 2022-100, case 2: a password with access restriction (here, throttled sign-in). */
const MIN_BITS = 50;
/** CNIL deliberation 2022-100, case 1: a password that would do alone. */
const STRONG_BITS = 80;

/**
 * Guesses an informed attacker needs at least. Online, at 100 failures a day and account, 10^8 guesses are 2,700
 * years; offline, argon2id at 20 ms a guess makes them 23 days of one core, for one account and its salt.
 * Higher, and ordinary passphrases of two rare words would be refused.
 */
const MIN_GUESSES = 1e8;
/** zxcvbn's own bar for its best score. */
const STRONG_GUESSES = 1e10;

/**
 * What zxcvbn is given of a long password: its work grows with the square of the length. A password is weak only
 * when both its first and its last characters are, so that a long one with a plain beginning is not refused.
 */
const WINDOW = 24;
/** Readings tried for a password that may be written in leet; each costs a pass through the dictionaries. */
const MAX_LEET_READINGS = 6;
/** A shorter word would be found by chance in a good password. */
const MIN_PERSONAL_LENGTH = 3;

export type PasswordStrength = 'weak' | 'medium' | 'strong';

/**
 * Judges a password about to be chosen.
 *
 * `personal` holds what the person is known by, as stored: given and family names, e-mail address, RPPS number,
 * birthdate in ISO 8601; other writings are derived here. On success `bits` is L·log2(N), L in code points after
 * NFC and N the size of the character classes used (26 lower, 26 upper, 10 digits, 33 other printable ASCII,
 * 100 for all others); `strength` is `strong` when 80 bits and 10^10 guesses are both reached, `weak` when
 * neither is.
 *
 * No class is required and nothing is cut or folded before the count. Faults: `fault.required.password`,
 * `fault.characters` (control characters, lone surrogates), `fault.password.tooShort` (`min`),
 * `fault.password.tooLong` (`max`), `fault.password.weak` (under 50 bits or 10^8 guesses: repeats, sequences,
 * keyboard walks), `fault.password.common`, `fault.password.personal`.
 *
 * Sources: CNIL deliberation 2022-100 of 21 July 2022, cases 1 and 2; NIST SP 800-63B-4 §3.1.1.2; OWASP ASVS
 * 5.0.0, 6.2.
 */
export function judgePassword(
  password: string,
  { personal }: { personal: string[] },
): Result<{ bits: number; strength: PasswordStrength }> {
  if (password === '') return refuse('fault.required.password');
  // NFC never turns this many UTF-16 units into an acceptable length, and it need not run on a long text.
  if (password.length > MAX_PASSWORD_LENGTH * 16)
    return refuse('fault.password.tooLong', { max: MAX_PASSWORD_LENGTH });
  if (!password.isWellFormed() || /\p{Cc}/u.test(password)) return refuse('fault.characters');

  const points = Array.from(password.normalize('NFC'));
  if (points.length < MIN_PASSWORD_LENGTH)
    return refuse('fault.password.tooShort', { min: MIN_PASSWORD_LENGTH });
  if (points.length > MAX_PASSWORD_LENGTH)
    return refuse('fault.password.tooLong', { max: MAX_PASSWORD_LENGTH });
  if (isShortPatternRepeated(points)) return refuse('fault.password.weak');
  const bits = points.length * Math.log2(alphabetSize(points));
  if (bits < MIN_BITS) return refuse('fault.password.weak');

  const words = personalWords(personal);
  if (isMostlyMadeOf(points, words)) return refuse('fault.password.personal');
  let best: Estimate | undefined;
  for (const text of windows(points)) {
    const found = estimate(text, words);
    if (best === undefined || found.fault === undefined || found.guesses > best.guesses) best = found;
    if (found.fault === undefined) break;
  }
  if (best?.fault !== undefined) return refuse(best.fault);
  const inside = wordInside(foldAccents(points.join('')));
  if (
    inside &&
    estimate(inside.word.slice(0, WINDOW), words).guesses * inside.decorationGuesses < MIN_GUESSES
  )
    return refuse('fault.password.common');

  const reached = Number(bits >= STRONG_BITS) + Number((best?.guesses ?? 0) >= STRONG_GUESSES);
  return accept({ bits, strength: reached === 2 ? 'strong' : reached === 1 ? 'medium' : 'weak' });
}

/** Loads the word lists now (about a quarter of a second) rather than in the first person's request. */
export function loadPasswordDictionaries(): void {
  estimator();
}

type Estimate = { guesses: number; fault?: string };

/** The worse of two readings: as typed, and without accents, for word lists hold few of them. */
function estimate(text: string, words: string[]): Estimate {
  const typed = readEstimate(estimator().check(text, words), text.length);
  const plain = foldAccents(text);
  if (typed.fault !== undefined || plain === text) return typed;
  const folded = readEstimate(estimator().check(plain, words), plain.length);
  return folded.fault !== undefined || folded.guesses < typed.guesses ? folded : typed;
}

function readEstimate(result: ZxcvbnResult, length: number): Estimate {
  const covered = { personal: 0, common: 0 };
  let longestCommon = 0;
  for (const match of result.sequence) {
    const size = match.j - match.i + 1;
    const dictionary =
      match.pattern === 'dictionary' && 'dictionaryName' in match ? match.dictionaryName : '';
    if (dictionary === 'userInputs') covered.personal += size;
    if (dictionary === 'passwords' || dictionary === 'context') {
      covered.common += size;
      longestCommon = Math.max(longestCommon, size);
    }
  }
  // A guess count that is not a number counts as too few.
  const guesses = Number.isFinite(result.guesses) ? result.guesses : 0;
  const tooFew = guesses < MIN_GUESSES;
  if (tooFew && covered.personal > 0) return { guesses, fault: 'fault.password.personal' };
  if (longestCommon * 2 > length || (tooFew && covered.common > 0))
    return { guesses, fault: 'fault.password.common' };
  return tooFew ? { guesses, fault: 'fault.password.weak' } : { guesses };
}

let loaded: ZxcvbnFactory | undefined;

function estimator(): ZxcvbnFactory {
  if (loaded !== undefined) return loaded;
  // Required on first use, not imported: a process that never judges a password does not hold the word lists.
  const require = createRequire(import.meta.url);
  const core = require('@zxcvbn-ts/core') as typeof import('@zxcvbn-ts/core');
  const common = require('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common');
  const french = require('@zxcvbn-ts/language-fr') as typeof import('@zxcvbn-ts/language-fr');
  const english = require('@zxcvbn-ts/language-en') as typeof import('@zxcvbn-ts/language-en');
  const { azerty, qwerty, keypad } = common.adjacencyGraphs;
  const options: OptionsType = {
    // Every dictionary is searched for every substring, so only those that name a likely choice.
    dictionary: {
      passwords: common.dictionary['passwords-common'],
      context: [...CONTEXT_WORDS, ...FRENCH_CHOICES],
      diceware: common.dictionary['diceware-common'],
      'commonWords-fr': french.dictionary['commonWords-fr'],
      'firstnames-fr': french.dictionary['firstnames-fr'],
      'lastnames-fr': french.dictionary['lastnames-fr'],
      'wikipedia-fr': french.dictionary['wikipedia-fr'],
      'commonWords-en': english.dictionary['commonWords-en'],
      'firstnames-en': english.dictionary['firstnames-en'],
    },
    graphs: { azerty, qwerty, keypad },
    l33tMaxSubstitutions: MAX_LEET_READINGS,
    maxLength: WINDOW * 2,
  };
  loaded = new core.ZxcvbnFactory(options);
  return loaded;
}

/** The whole password, or its first and last characters when it is long. */
function windows(points: string[]): string[] {
  if (points.length <= WINDOW) return [points.join('')];
  return [points.slice(0, WINDOW).join(''), points.slice(-WINDOW).join('')];
}

/** Whether the password is one pattern of at most ten characters, three times or more (`aaaa…`, `abcabcabc…`). */
function isShortPatternRepeated(points: string[]): boolean {
  const folded = points.map((point) => point.toLowerCase());
  const longest = Math.min(10, Math.floor(folded.length / 3));
  for (let period = 1; period <= longest; period++)
    if (folded.every((point, at) => at < period || point === folded[at - period])) return true;
  return false;
}

function alphabetSize(points: string[]): number {
  let size = 0;
  if (points.some((point) => /[a-z]/.test(point))) size += 26;
  if (points.some((point) => /[A-Z]/.test(point))) size += 26;
  if (points.some((point) => /[0-9]/.test(point))) size += 10;
  if (points.some((point) => /[ -/:-@[-`{-~]/.test(point))) size += 33;
  if (points.some((point) => /[^ -~]/.test(point))) size += 100;
  return size;
}

function foldAccents(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').normalize('NFC');
}

/** The letters that digits and signs stand for in the simplest leet. */
const LEET: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** Whether `words`, in any case, without accents or in simple leet, cover more than half of the password. */
function isMostlyMadeOf(points: string[], words: string[]): boolean {
  const plain = points.map((point) => foldAccents(point).toLowerCase());
  const readings = [plain, plain.map((point) => LEET[point] ?? point)];
  const covered = new Set<number>();
  for (const word of words) {
    const letters = Array.from(foldAccents(word));
    for (const reading of readings)
      for (let start = 0; start + letters.length <= reading.length; start++)
        if (letters.every((letter, at) => reading[start + at] === letter))
          for (let at = 0; at < letters.length; at++) covered.add(start + at);
  }
  return covered.size * 2 > points.length;
}

/** The words a person is known by, and the writings they would give them in a password. */
function personalWords(personal: string[]): string[] {
  const words = new Set<string>();
  for (const entry of personal) {
    const text = entry.slice(0, 254).normalize('NFC').toLowerCase().trim();
    words.add(text);
    const date = /^(\d{2}(\d{2}))-(\d{2})-(\d{2})$/.exec(text);
    if (date !== null) {
      const [, year, shortYear, month, day] = date;
      for (const separator of ['', '/', '-', '.', ' ']) {
        words.add([day, month, year].join(separator));
        words.add([day, month, shortYear].join(separator));
        words.add([year, month, day].join(separator));
      }
      words.add(`${year}`);
      continue;
    }
    // The last label of an e-mail domain names no one.
    const named = text.includes('@') ? text.slice(0, Math.max(text.lastIndexOf('.'), 0)) : text;
    const pieces = named.split(/[^\p{L}\p{M}\p{N}]+/u);
    for (const piece of [...named.split('@'), pieces.join(''), ...pieces]) {
      words.add(piece);
      words.add(foldAccents(piece));
    }
  }
  return [...words].filter((word) => word.length >= MIN_PERSONAL_LENGTH);
}
