/** From the first form to the journey that goes on from it. */
import type { Deps } from '../../../deps.ts';
import { type PageContext, seeOther } from '../../../http/context.ts';
import { ensureBrowser } from '../../../http/forms.ts';
import { startJourney } from '../../../journeys/journeys.ts';
import { randomToken } from '../../../lib/ids.ts';
import { addresses } from '../../addresses.ts';
import type { RequestJourneyState, RequestState } from './steps.ts';

/** What was typed and not sent does not stay on a screen that was left. */
export const ERASED_AFTER_SECONDS = 600;

export async function beginRequest(
  deps: Deps,
  ctx: PageContext,
  begun: Omit<RequestState, 'step'>,
): Promise<void> {
  const id = randomToken();
  await startJourney<RequestJourneyState>(deps.knex, deps, {
    kind: 'sign-up/request',
    id,
    browser: ensureBrowser(deps, ctx),
    state: { step: 'under-way', ...begun },
  });
  seeOther(ctx, addresses.requestJourney(begun.kind, id));
}
