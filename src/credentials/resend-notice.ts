/** What a journey keeps to tell the person on its next pages: its form was answered by a redirect. */
import { type Clock, MINUTE, SECOND } from '../lib/clock.ts';
import type { Fault } from '../lib/fault.ts';
import { CODE_LIFETIME_MINUTES } from './one-time-codes.ts';

export interface Notice extends Fault {
  readonly kind: 'success' | 'waiting';
  /** Milliseconds since the epoch: a page that is loaded again tells it as it is by then. */
  readonly madeAt: number;
}

/** What to tell who asked for another code to `shown`, a contact in the form that the page may show. */
export function resendNotice(clock: Clock, refused: Fault | undefined, shown: string): Notice {
  const madeAt = clock.now().getTime();
  return refused
    ? { kind: 'waiting', ...refused, madeAt }
    : { kind: 'success', key: 'alert.code.resent', vars: { masked: shown }, madeAt };
}

/** The waits that a notice may name, in milliseconds. */
const UNITS = { seconds: SECOND, minutes: MINUTE } as const;

/** @returns the notice with what is left to wait; undefined once that is over, or the code that it tells of expired. */
export function noticeNow(clock: Clock, notice: Notice | undefined): Notice | undefined {
  if (!notice) return undefined;
  const age = clock.now().getTime() - notice.madeAt;
  for (const [name, unit] of Object.entries(UNITS)) {
    const wait = notice.vars?.[name];
    if (typeof wait !== 'number') continue;
    const left = Math.ceil((wait * unit - age) / unit);
    return left > 0 ? { ...notice, vars: { ...notice.vars, [name]: left } } : undefined;
  }
  return age < CODE_LIFETIME_MINUTES * MINUTE ? notice : undefined;
}
