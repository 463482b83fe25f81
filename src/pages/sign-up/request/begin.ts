/** From the first form to the journey that goes on from it. */
import type { Deps } from '../../../deps.ts';
import { clientAddress, type PageContext, seeOther } from '../../../http/context.ts';
import { ensureBrowser } from '../../../http/forms.ts';
import { findJourney, startJourney } from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { randomToken } from '../../../lib/ids.ts';
import { throttledFault, throttleRules } from '../../../throttle/throttle.ts';
import { addresses } from '../../addresses.ts';
import type { RequestJourneyState, RequestKind, RequestState } from './steps.ts';

/** @returns the fault to show when this source, or for this number, begins too often. */
export async function beginRequest(
  deps: Deps,
  ctx: PageContext,
  begun: Omit<RequestState, 'step'>,
): Promise<Fault | undefined> {
  const { signUpPerSource, signUpStartPerRpps } = throttleRules;
  const { rpps } = begun.identity;
  for (const [rule, subject] of [
    [signUpPerSource, clientAddress(ctx)],
    [signUpStartPerRpps, rpps],
  ] as const) {
    const verdict = subject === undefined ? undefined : await deps.throttle.consume(rule, subject);
    if (verdict && !verdict.allowed) return throttledFault(verdict.retryAfterSeconds);
  }
  const id = randomToken();
  await startJourney<RequestJourneyState>(deps.knex, deps, {
    kind: 'sign-up/request',
    id,
    browser: ensureBrowser(deps, ctx),
    state: { step: 'under-way', ...begun },
  });
  seeOther(ctx, addresses.requestJourney(begun.kind, id));
  return undefined;
}

/** The sign-up of this browser whose first form is shown again, with what it said. @param id as an address names it. */
export async function findBegun(
  deps: Deps,
  kind: RequestKind,
  browser: string | undefined,
  id: unknown,
): Promise<RequestState | undefined> {
  if (typeof id !== 'string') return undefined;
  const journey = await findJourney<RequestJourneyState>(deps.knex, deps, {
    kind: 'sign-up/request',
    id,
    browser,
  });
  return journey?.state.step === 'under-way' && journey.state.kind === kind ? journey.state : undefined;
}
