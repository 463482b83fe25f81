/** The time, injected so that tests move it. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const PARIS_DAY = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Paris', dateStyle: 'short' });

/** The calendar day in Paris at that instant, `YYYY-MM-DD`. */
export const dayInParis = (instant: Date): string => PARIS_DAY.format(instant);

/** `clock`'s time moved by `milliseconds`. */
export const fromNow = (clock: Clock, milliseconds: number): Date =>
  new Date(clock.now().getTime() + milliseconds);
