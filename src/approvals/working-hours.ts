/** Working time in metropolitan France, and the promise that is counted in it. */
import { DAY, HOUR } from '../lib/clock.ts';

/** An account is examined within this many working hours (« sous 48h ouvré »). */
export const PROMISE_HOURS = 48;
/** Administrators are warned once this much of it is used. */
export const ALARM_HOURS = 36;

const PARIS = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Paris',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  hourCycle: 'h23',
});

function inParis(instant: Date): { day: string; hour: number } {
  const parts = Object.fromEntries(PARIS.formatToParts(instant).map(({ type, value }) => [type, value]));
  return { day: `${parts.year}-${parts.month}-${parts.day}`, hour: Number(parts.hour) };
}

/** The calendar day in Paris, ISO 8601. */
export const parisDay = (instant: Date): string => inParis(instant).day;

/** The instant at which the clocks of Paris read `hour` o'clock on that day (no change of time at 0:00 or 8:00). */
export function parisTime(day: string, hour: number): Date {
  const asUtc = Date.parse(`${day}T00:00:00Z`) + hour * HOUR;
  for (const offset of [1, 2]) {
    const instant = new Date(asUtc - offset * HOUR);
    const found = inParis(instant);
    if (found.day === day && found.hour === hour) return instant;
  }
  throw new Error(`no ${hour}:00 on ${day} in Paris`);
}

const addDays = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

/** Gregorian Easter Sunday (Meeus, Jones and Butcher), ISO 8601. */
export function easterSunday(year: number): string {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const h = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return new Date(Date.UTC(year, Math.floor(n / 31) - 1, (n % 31) + 1)).toISOString().slice(0, 10);
}

/** Month and day of the holidays that do not move (Code du travail, L3133-1). */
const FIXED_HOLIDAYS = ['01-01', '05-01', '05-08', '07-14', '08-15', '11-01', '11-11', '12-25'];
/** Easter Monday, Ascension, Whit Monday: days after Easter Sunday. */
const MOVING_HOLIDAYS = [1, 39, 50];

/** Public holidays of the whole country; the two more of Alsace-Moselle are working days here. */
export function isPublicHoliday(day: string): boolean {
  if (FIXED_HOLIDAYS.includes(day.slice(5))) return true;
  const easter = easterSunday(Number(day.slice(0, 4)));
  return MOVING_HOLIDAYS.some((days) => addDays(easter, days) === day);
}

/** Monday to Friday, public holidays excepted. */
export function isWorkingDay(day: string): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return weekday !== 0 && weekday !== 6 && !isPublicHoliday(day);
}

/**
 * Working hours from `start` to `end`, with fractions; 0 when `end` comes first.
 *
 * All 24 hours of a working day count, none of another day: 48 working hours are two working days, so a request of
 * Friday at noon is due on Tuesday at noon. Office hours would make six days of them, where the guide that makes the
 * promise tells people to count four at most, weekend included. Days are those of Paris.
 */
export function workingHoursBetween(start: Date, end: Date): number {
  let worked = 0;
  const [first, last] = [parisDay(start), parisDay(end)];
  for (let day = first; day <= last; day = addDays(day, 1)) {
    if (!isWorkingDay(day)) continue;
    if (day !== first && day !== last) {
      // The time changes on Sundays: a working day has its 24 hours.
      worked += DAY;
      continue;
    }
    const from = Math.max(start.getTime(), parisTime(day, 0).getTime());
    const to = Math.min(end.getTime(), parisTime(addDays(day, 1), 0).getTime());
    worked += Math.max(0, to - from);
  }
  return worked / HOUR;
}

export interface Promised {
  /** Whole working hours gone by. */
  readonly usedHours: number;
  readonly limitHours: number;
  readonly standing: 'on-time' | 'soon' | 'late';
}

/** How a request made at `createdAt` stands against the promise. */
export function promiseOf(createdAt: Date, now: Date): Promised {
  const hours = workingHoursBetween(createdAt, now);
  const standing = hours >= PROMISE_HOURS ? 'late' : hours >= ALARM_HOURS ? 'soon' : 'on-time';
  return { usedHours: Math.floor(hours), limitHours: PROMISE_HOURS, standing };
}
