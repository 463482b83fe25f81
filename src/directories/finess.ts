import { accept, type Result, refuse } from '../lib/fault.ts';
import { luhnSum } from './luhn.ts';

/** Far above any accepted writing; keeps the clean-up below from running on a long text. */
const MAX_INPUT_LENGTH = 40;

/**
 * Whether `value` has the form of a FINESS number as stored: department (2A, 2B and 9A to 9F included) and number.
 *
 * Source: pattern of the FINESS XML schema.
 */
export const isFiness = (value: string): boolean => /^[0-9][0-9A-Z][0-9]{7}$/.test(value);

/**
 * Reads a FINESS number as a person types it (`75 071 218 4`, `2a0000014`) and returns its 9 characters, capitals.
 *
 * Spaces of any width, dots and hyphens are ignored. The key is not checked: its rule is published for no letter, and
 * was found by trial for digits, so that it may warn (`hasDoubtfulFinessKey`) and never refuse.
 *
 * Faults: `fault.required.finess`, `fault.finess.format`.
 */
export function parseFiness(input: string): Result<string> {
  if (input.length > MAX_INPUT_LENGTH) return refuse('fault.finess.format');
  const typed = input.replace(/[\s.\-\u2010-\u2013]/gu, '');
  if (typed === '') return refuse('fault.required.finess');
  // Only ASCII letters become capitals: elsewhere toUpperCase turns a foreign letter into one of ours.
  const number = typed.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  return isFiness(number) ? accept(number) : refuse('fault.finess.format');
}

/** True for a number all in digits whose last one is not the Luhn key of the others: more likely a slip than not. */
export const hasDoubtfulFinessKey = (finess: string): boolean =>
  /^[0-9]{9}$/.test(finess) && luhnSum(finess) % 10 !== 0;

/** As the national directory shows it: `NN NNN NNN N`. */
export const formatFiness = (finess: string): string => finess.replace(/^(..)(...)(...)(.)$/, '$1 $2 $3 $4');
