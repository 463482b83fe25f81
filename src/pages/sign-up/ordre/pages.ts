/** The pages of a sign-up against the ordinal register, filled from where its journey stands. */
import { CODE_LIFETIME_MINUTES } from '../../../credentials/one-time-codes.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { type PageContext, renderPage } from '../../../http/context.ts';
import { addresses } from '../../addresses.ts';
import { journeyFrame, type Shown } from '../journey.ts';
import {
  contactsOf,
  type DoneState,
  nextStep,
  type OrdinalContact,
  type OrdreJourneyState,
  type OrdreState,
  type OrdreStep,
} from './steps.ts';

/** The Order's contact that was chosen. */
export function contactOf({ entry, contact }: OrdreState): OrdinalContact {
  const chosen = contactsOf(entry).find(({ channel }) => channel === contact?.channel);
  if (!chosen) throw new CaduceeError('internal', { detail: 'the chosen contact is gone' });
  return chosen;
}

/** What the page of `step` shows of the journey. */
function stepContext(journeyUrl: string, state: OrdreJourneyState, step: OrdreStep): object {
  if (state.step === 'done') return { signInUrl: addresses.signInTo(state.interaction), email: state.email };
  const startUrl = addresses.signUpOrdre(state.interaction);
  const code = {
    resendAction: `${journeyUrl}/renvoyer`,
    backUrl: `${journeyUrl}/retour`,
    minutes: CODE_LIFETIME_MINUTES,
  };
  switch (step) {
    case 'contact': {
      const contacts = contactsOf(state.entry).map(({ id, channel, masked }, index) => ({
        id,
        channel,
        masked,
        checked: index === 0,
      }));
      return { action: `${journeyUrl}/contact`, contacts, backUrl: startUrl };
    }
    case 'code': {
      const { channel, masked } = contactOf(state);
      return { ...code, action: `${journeyUrl}/code`, channel, masked };
    }
    case 'credentials-by-sms':
      return { action: `${journeyUrl}/identifiants` };
    case 'credentials-by-email':
      return { action: `${journeyUrl}/identifiants`, email: state.contact?.to };
    case 'address-proved':
      return {
        action: `${journeyUrl}/activer`,
        email: state.chosen?.address,
        backUrl: `${journeyUrl}/retour`,
      };
    case 'address-code':
      return {
        ...code,
        reloadUrl: journeyUrl,
        action: `${journeyUrl}/adresse`,
        email: state.chosen?.address,
      };
    default:
      return { backUrl: startUrl };
  }
}

export type OrdrePages = ReturnType<typeof ordrePages>;

export function ordrePages(deps: Deps) {
  const frame = journeyFrame<DoneState, OrdreState, OrdreStep>(deps, {
    kind: 'sign-up/ordre',
    startUrl: addresses.signUpOrdre(),
    urlOf: addresses.ordreJourney,
    nextStep,
    withAddressProved: ({ chosen, ...state }) => ({
      ...state,
      ...(chosen && { chosen: { ...chosen, proved: true } }),
    }),
  });

  /** Shows the page that is due at `state`. */
  function show(
    ctx: PageContext,
    state: OrdreJourneyState,
    { values = {}, errors = {}, alert }: Shown = {},
  ): void {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const step = nextStep(state);
    const typed = state.step === 'under-way' ? state.typedEmail : undefined;
    const typedBefore = { email: typed, emailConfirmation: typed };
    if (step !== 'done' && step !== 'no-contact') frame.leaveWithJourney(ctx);
    const url = frame.base(ctx);
    renderPage(deps, ctx, `sign-up/ordre/${step}.njk`, {
      path: url,
      errors,
      values: { ...typedBefore, ...values },
      alert,
      application: state.application,
      ...stepContext(url, state, step),
    });
  }

  return { ...frame, show };
}
