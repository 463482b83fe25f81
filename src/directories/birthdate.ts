import { accept, type Result, refuse } from '../lib/fault.ts';

const MAX_AGE_YEARS = 120;
/** Longer than any accepted writing, spaces included; keeps the pattern below from running on a long text. */
const MAX_INPUT_LENGTH = 40;

const SEPARATED =
  /^([0-9]{1,2})\s*[/.\-\s\u2010-\u2013]\s*([0-9]{1,2})\s*[/.\-\s\u2010-\u2013]\s*([0-9]{4})$/u;
const COMPACT = /^([0-9]{2})([0-9]{2})([0-9]{4})$/;
/** What browsers fill in for `autocomplete="bday"` (HTML, autofill). */
const ISO = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;

const PARIS_DAY = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Paris',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/**
 * Reads a birthdate in the French order, day first (`17/06/1980`, `17-6-1980`, `17.06.1980`, `17 06 1980`,
 * `17061980`) or in ISO 8601 (`1980-06-17`), and returns the calendar date as ISO 8601 `YYYY-MM-DD`.
 *
 * `today` is an instant; the date it is compared with is the one in Paris at that instant. Someone born today
 * or who turns 120 today is accepted.
 *
 * Faults: `fault.required.birthdate`, `fault.birthdate.format`, `fault.birthdate.impossible` (30/02),
 * `fault.birthdate.future`, `fault.birthdate.tooOld` (more than 120 years).
 */
export function parseBirthdate(input: string, today: Date): Result<string> {
  const typed = input.trim();
  if (typed === '') return refuse('fault.required.birthdate');
  if (typed.length > MAX_INPUT_LENGTH) return refuse('fault.birthdate.format');
  const iso = ISO.exec(typed);
  const parts = iso ? [typed, iso[3], iso[2], iso[1]] : (SEPARATED.exec(typed) ?? COMPACT.exec(typed));
  if (parts === null) return refuse('fault.birthdate.format');

  const [day, month, year] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (!isCalendarDate(year, month, day)) return refuse('fault.birthdate.impossible');

  // ISO dates of four-digit years order as text, so no instant and no time zone comes into the comparison.
  const date = isoDate(year, month, day);
  const now = dateInParis(today);
  if (date > isoDate(now.year, now.month, now.day)) return refuse('fault.birthdate.future');
  if (date < isoDate(now.year - MAX_AGE_YEARS, now.month, now.day)) return refuse('fault.birthdate.tooOld');
  return accept(date);
}

function dateInParis(instant: Date): { year: number; month: number; day: number } {
  const parts = PARIS_DAY.formatToParts(instant);
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return { year: read('year'), month: read('month'), day: read('day') };
}

function isoDate(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** Whether the date exists in the Gregorian calendar. */
function isCalendarDate(year: number, month: number, day: number): boolean {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}
