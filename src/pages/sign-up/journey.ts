/**
 * The frame of a sign-up of several pages: its address shows whatever step is due; each form does its part and returns
 * there. What the steps are, and what their pages show, belongs to each way to sign up.
 */
import { addressLink } from '../../credentials/code-delivery.ts';
import { isLinkConsumed } from '../../credentials/one-time-links.ts';
import type { Deps } from '../../deps.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../http/context.ts';
import { browserOf, type Fields, fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import {
  findJourney,
  JOURNEY_IDLE_MINUTES,
  type Journey,
  type JourneyKind,
} from '../../journeys/journeys.ts';
import type { Fault } from '../../lib/fault.ts';
import { addresses } from '../addresses.ts';

export type Faults = Record<string, Fault>;

/** What the last form brought to the page that is shown. */
export interface Shown {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly errors?: Faults;
  readonly alert?: object | undefined;
}

/** A journey under way, as far as the frame knows it. */
interface UnderWay {
  readonly step: 'under-way';
  readonly chosen?: { readonly canonical: string };
}

/** A way to sign up. `State` is a journey's, under way or ended. */
interface Way<State, Going extends UnderWay, Step extends string> {
  readonly kind: JourneyKind;
  /** Its first page, for who begins again. */
  readonly startUrl: string;
  readonly urlOf: (id: string) => string;
  readonly nextStep: (state: State | Going) => Step;
  /** The state once the link of the chosen address was pressed. */
  readonly withAddressProved: (state: Going) => Going;
  /** False for a journey of the same kind that is not this way's. */
  readonly owns?: (state: State) => boolean;
}

export const langOf = (ctx: PageContext) => (ctx.state as RequestState).lang;

export function journeyFrame<Done extends { step: 'done' }, Going extends UnderWay, Step extends string>(
  deps: Deps,
  { kind, startUrl, urlOf, nextStep, withAddressProved, owns = () => true }: Way<Done | Going, Going, Step>,
) {
  const { knex } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const base = (ctx: PageContext): string => urlOf(ctx.params.journey ?? '');

  /** The journey of this address and browser. Its link may have been pressed meanwhile, perhaps in another browser. */
  async function find(ctx: PageContext): Promise<Journey<Done | Going> | undefined> {
    const id = ctx.params.journey ?? '';
    const journey = await findJourney<Done | Going>(knex, deps, { kind, id, browser: browserOf(deps, ctx) });
    if (!journey || !owns(journey.state)) return undefined;
    const { state, hash } = journey;
    if (state.step === 'done' || !state.chosen) return journey;
    const pressed = await isLinkConsumed(knex, addressLink(deps, hash, state.chosen.canonical));
    return pressed ? { ...journey, state: withAddressProved(state) } : journey;
  }

  function showExpired(ctx: PageContext): void {
    ctx.status = 410;
    renderPage(deps, ctx, 'sign-up/expired.njk', { path: startUrl, startUrl, signInUrl: addresses.signIn });
  }

  /** Runs `work` on the journey of this address. */
  async function withJourney(
    ctx: PageContext,
    work: (journey: Journey<Done | Going>) => Promise<void>,
  ): Promise<void> {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    await work(journey);
  }

  /** Runs `work` when the journey stands at `step`; otherwise shows where it does stand. */
  const at = (
    ctx: PageContext,
    step: Exclude<Step, 'done'>,
    work: (journey: Journey<Going>, fields: Fields) => Promise<void>,
  ): Promise<void> =>
    withJourney(ctx, async (journey) => {
      if (nextStep(journey.state) !== step) return seeOther(ctx, base(ctx));
      await work(journey as Journey<Going>, fieldsOf(ctx));
    });

  /** The journey is erased by then: its page, and what was typed into it, leave the screen too. */
  const leaveWithJourney = (ctx: PageContext): void =>
    ctx.set('Refresh', `${JOURNEY_IDLE_MINUTES * 60}; url=${base(ctx)}`);

  return { form, base, withJourney, at, leaveWithJourney };
}
