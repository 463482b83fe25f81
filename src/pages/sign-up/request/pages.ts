/** The pages of a sign-up that an administrator decides upon, filled from where its journey stands. */
import { CODE_LIFETIME_MINUTES } from '../../../credentials/one-time-codes.ts';
import { noticeNow } from '../../../credentials/resend-notice.ts';
import type { Deps } from '../../../deps.ts';
import { type PageContext, renderPage, seeOther } from '../../../http/context.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import type { Db } from '../../../lib/database.ts';
import { findWorkplaces } from '../../../workplaces/workplaces.ts';
import { addresses } from '../../addresses.ts';
import { centreOptions, NOTHING_HAD } from '../../workplace-choice.ts';
import { journeyFrame, type Shown } from '../journey.ts';
import { findPersonalWords } from './account.ts';
import {
  nextStep,
  type RequestState as Request,
  type RequestDone,
  type RequestJourneyState,
  type RequestKind,
  type RequestStep,
} from './steps.ts';

/** What the page of `step` shows of the journey. */
async function stepContext(db: Db, url: string, state: Request, step: RequestStep): Promise<object> {
  switch (step) {
    case 'workplaces':
      return {
        action: `${url}/lieux`,
        searchUrl: `${url}/lieux/recherche`,
        chosen: await findWorkplaces(db, state.suggested),
        suggested: state.suggested.length > 0,
        noFixedPlace: state.noFixedPlace,
      };
    case 'centres': {
      const ids = state.workplaces?.map(({ workplaceId }) => workplaceId) ?? [];
      return {
        action: `${url}/laboratoires`,
        workplaces: await findWorkplaces(db, ids),
        centres: await centreOptions(db, NOTHING_HAD),
      };
    }
    case 'address':
      return { action: `${url}/adresse`, email: state.formerAddress };
    case 'address-code':
      return {
        action: `${url}/code`,
        resendAction: `${url}/renvoyer`,
        email: state.chosen?.address,
        minutes: CODE_LIFETIME_MINUTES,
      };
    default:
      return {
        action: `${url}/identifiants`,
        email: state.chosen?.address,
        termsUrl: addresses.terms,
        known: (await findPersonalWords({ knex: db }, state)).join(' '),
      };
  }
}

export type RequestPages = ReturnType<typeof requestPages>;

export function requestPages(deps: Deps, kind: RequestKind) {
  const { knex, clock } = deps;
  const frame = journeyFrame<RequestDone, Request, RequestStep>(deps, {
    kind: 'sign-up/request',
    startUrl: addresses.signUpRequest(kind),
    urlOf: (id) => addresses.requestJourney(kind, id),
    nextStep,
    withAddressProved: ({ notice: _, ...state }) => ({ ...state, addressProved: true }),
    owns: (state) => state.kind === kind,
  });

  /** Shows the page that is due at `state`. */
  async function show(
    ctx: PageContext,
    state: RequestJourneyState,
    { values = {}, errors = {}, alert }: Shown = {},
  ): Promise<void> {
    if (state.step === 'done') return seeOther(ctx, addresses.signIn);
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const step = nextStep(state);
    frame.leaveWithJourney(ctx);
    const url = frame.base(ctx);
    renderPage(deps, ctx, `sign-up/request/${step}.njk`, {
      path: url,
      kind,
      application: state.application,
      errors,
      alert: alert ?? noticeNow(clock, state.notice),
      backUrl: `${url}/retour`,
      ...(await stepContext(knex, url, state, step)),
      ...values,
    });
  }

  const move = (journey: Journey<Request>, state: Request) =>
    moveJourney<Request>(knex, deps, journey, state);

  return { ...frame, kind, path: `${addresses.signUpRequest(kind)}/:journey`, move, show };
}
