import { accept, type Result, refuse } from '../lib/fault.ts';
import { luhnSum } from './luhn.ts';

/**
 * Whether `value` is an RPPS number as stored: 11 ASCII digits, the last being the Luhn key of the ten before.
 *
 * Source: ANS, FAQ des industriels, table « RPPS / AM / FINESS ».
 */
export function isRpps(value: string): boolean {
  return /^[0-9]{11}$/.test(value) && luhnSum(value) % 10 === 0;
}

/**
 * Reads an RPPS number as a person types it and returns its 11 digits.
 *
 * Spaces of any width, dots and hyphens are ignored. The 12-character national identifier (IDNPS, `8` + RPPS)
 * is accepted: the key covers the 11 digits only, so the `8` goes before the check.
 *
 * Faults: `fault.required.rpps`, `fault.rpps.digits` (another character; only ASCII digits count),
 * `fault.rpps.length` (`count`: digits read), `fault.rpps.key`.
 */
export function parseRpps(input: string): Result<string> {
  const typed = input.replace(/[\s.\-\u2010-\u2013]/gu, '');
  if (typed === '') return refuse('fault.required.rpps');
  if (!/^[0-9]+$/.test(typed)) return refuse('fault.rpps.digits');
  const number = typed.length === 12 && typed.startsWith('8') ? typed.slice(1) : typed;
  if (number.length !== 11) return refuse('fault.rpps.length', { count: typed.length });
  return isRpps(number) ? accept(number) : refuse('fault.rpps.key');
}
