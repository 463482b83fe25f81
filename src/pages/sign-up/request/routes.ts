/**
 * The journey of a sign-up that an administrator decides upon. Its address shows whatever step is due; each form does
 * its part and returns there.
 */
import type Router from '@koa/router';
import { parseEmailAddress } from '../../../accounts/contacts.ts';
import { addressLink, checkCode, forgetSends, resendNotice } from '../../../credentials/code-delivery.ts';
import { CODE_LIFETIME_MINUTES, consumeCode } from '../../../credentials/one-time-codes.ts';
import { isLinkConsumed } from '../../../credentials/one-time-links.ts';
import type { Deps } from '../../../deps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { browserOf, type Fields, fieldsOf, parseForm, valuesOf, verifyForm } from '../../../http/forms.ts';
import { leaveNotice } from '../../../http/notice.ts';
import { findJourney, JOURNEY_IDLE_MINUTES, type Journey, moveJourney } from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { listCentres } from '../../../workplaces/centres.ts';
import { findWorkplaces } from '../../../workplaces/workplaces.ts';
import { addresses } from '../../addresses.ts';
import {
  centreOptions,
  NOTHING_HAD,
  readCentres,
  readWorkplaces,
  searchPlaces,
} from '../../workplace-choice.ts';
import { sendToChosenAddress } from '../chosen-address.ts';
import { findPersonalWords, openRequestedAccount, readCredentials } from './account.ts';
import {
  nextStep,
  type RequestState as Request,
  type RequestJourneyState,
  type RequestKind,
  type RequestStep,
  stepBack,
} from './steps.ts';

type Faults = Record<string, Fault>;
type UnderWay = Journey<Request>;

interface Shown {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly errors?: Faults;
  readonly alert?: object;
}

const KINDS: readonly RequestKind[] = ['doctor', 'secretary'];
const ACTIONS = ['lieux', 'laboratoires', 'adresse', 'code', 'renvoyer', 'identifiants'];

export function requestRoutes(router: Router<RequestState>, deps: Deps): void {
  for (const kind of KINDS) routesOf(router, deps, kind);
}

function routesOf(router: Router<RequestState>, deps: Deps, kind: RequestKind): void {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const path = `${addresses.signUpRequest(kind)}/:journey`;
  const base = (ctx: PageContext) => addresses.requestJourney(kind, ctx.params.journey ?? '');

  async function find(ctx: PageContext): Promise<Journey<RequestJourneyState> | undefined> {
    const journey = await findJourney<RequestJourneyState>(knex, deps, {
      kind: 'sign-up/request',
      id: ctx.params.journey ?? '',
      browser: browserOf(deps, ctx),
    });
    if (journey?.state.kind !== kind) return undefined;
    const { state } = journey;
    if (state.step !== 'under-way' || !state.chosen || state.addressProved) return journey;
    // Pressed meanwhile, perhaps in another browser.
    const link = addressLink(deps, journey.hash, state.chosen.canonical);
    if (!(await isLinkConsumed(knex, link))) return journey;
    const { notice: _, ...proved } = state;
    return { ...journey, state: { ...proved, addressProved: true } };
  }

  const move = (journey: UnderWay, state: Request) => moveJourney<Request>(knex, deps, journey, state);

  function showExpired(ctx: PageContext): void {
    ctx.status = 410;
    renderPage(deps, ctx, 'sign-up/expired.njk', {
      path: addresses.signUpRequest(kind),
      startUrl: addresses.signUpRequest(kind),
      signInUrl: addresses.signIn,
    });
  }

  async function show(
    ctx: PageContext,
    state: RequestJourneyState,
    { values = {}, errors = {}, alert }: Shown = {},
  ): Promise<void> {
    if (state.step === 'done') return seeOther(ctx, addresses.signIn);
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const step = nextStep(state);
    ctx.set('Refresh', `${JOURNEY_IDLE_MINUTES * 60}; url=${base(ctx)}`);
    renderPage(deps, ctx, `sign-up/request/${step}.njk`, {
      path: base(ctx),
      kind,
      application: state.application,
      errors,
      alert: alert ?? state.notice,
      backUrl: `${base(ctx)}/retour`,
      ...(await contextOf(base(ctx), state, step)),
      ...values,
    });
  }

  /** What the page of `step` shows of the journey. */
  async function contextOf(url: string, state: Request, step: RequestStep): Promise<object> {
    switch (step) {
      case 'workplaces':
        return {
          action: `${url}/lieux`,
          searchUrl: `${url}/lieux/recherche`,
          chosen: await findWorkplaces(knex, state.suggested),
          suggested: state.suggested.length > 0,
          noFixedPlace: state.noFixedPlace,
        };
      case 'centres': {
        const ids = state.workplaces?.map(({ workplaceId }) => workplaceId) ?? [];
        return {
          action: `${url}/laboratoires`,
          workplaces: await findWorkplaces(knex, ids),
          centres: await centreOptions(knex, NOTHING_HAD),
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
          known: (await findPersonalWords(deps, state)).join(' '),
        };
    }
  }

  /** Runs `work` when the journey stands at `step`; otherwise shows where it does stand. */
  async function at(
    ctx: PageContext,
    step: RequestStep,
    work: (journey: UnderWay, fields: Fields) => Promise<void>,
  ): Promise<void> {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    if (nextStep(journey.state) !== step) return seeOther(ctx, base(ctx));
    await work(journey as UnderWay, fieldsOf(ctx));
  }

  router.get(path, async (ctx) => {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    await show(ctx, journey.state);
  });

  // A form's own address, typed or reloaded: back to the step that is due.
  for (const action of ACTIONS) router.get(`${path}/${action}`, (ctx) => seeOther(ctx, base(ctx)));
  router.get(`${path}/lieux/recherche`, (ctx) => seeOther(ctx, base(ctx)));

  router.get(`${path}/retour`, async (ctx) => {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    if (journey.state.step === 'done') return seeOther(ctx, addresses.signIn);
    const before = stepBack(journey.state);
    if (!before) {
      const { interaction } = journey.state;
      return seeOther(ctx, addresses.signUpRequestAgain(kind, ctx.params.journey ?? '', interaction));
    }
    if (before !== journey.state) await move(journey as UnderWay, before);
    seeOther(ctx, base(ctx));
  });

  router.post(`${path}/lieux/recherche`, ...form, (ctx) =>
    at(ctx, 'workplaces', async (_journey, { query = '' }) => {
      const chosen = new Set(valuesOf(ctx, 'workplace'));
      renderPage(deps, ctx, 'sign-up/request/_places.njk', {
        results: await searchPlaces(deps, ctx, query),
        chosen: [...chosen],
      });
    }),
  );

  router.post(`${path}/lieux`, ...form, (ctx) =>
    at(ctx, 'workplaces', async (journey, { action, query = '' }) => {
      const { chosen, values, errors } = await readWorkplaces(deps, ctx, NOTHING_HAD);
      if (action === 'search') {
        const results = await searchPlaces(deps, ctx, query);
        return show(ctx, journey.state, { values: { ...values, results } });
      }
      if (Object.keys(errors).length > 0) return show(ctx, journey.state, { values, errors });
      const workplaces = chosen.map(({ id }) => ({ workplaceId: id }));
      const asked = workplaces.length > 0 && (await listCentres(knex)).length > 0;
      await move(journey, { ...journey.state, workplaces, ...(!asked && { centresChosen: true }) });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/laboratoires`, ...form, (ctx) =>
    at(ctx, 'centres', async (journey, fields) => {
      const places = (journey.state.workplaces ?? []).map(({ workplaceId }) => workplaceId);
      const { workplaces, picked, errors } = await readCentres(deps, fields, places, NOTHING_HAD);
      if (Object.keys(errors).length > 0) return show(ctx, journey.state, { values: { picked }, errors });
      await move(journey, { ...journey.state, workplaces, centresChosen: true });
      seeOther(ctx, base(ctx));
    }),
  );

  const proveAddress = (ctx: PageContext, journey: UnderWay, state: Request, again = false) =>
    sendToChosenAddress(deps, ctx, journey, {
      state,
      url: base(ctx),
      askedBy: state.identity.sharedTitle ?? `${state.identity.givenName} ${state.identity.familyName}`,
      again,
    });

  router.post(`${path}/adresse`, ...form, (ctx) =>
    at(ctx, 'address', async (journey, { email = '' }) => {
      const address = parseEmailAddress(email);
      const fault = address.ok
        ? await proveAddress(ctx, journey, { ...journey.state, chosen: address.value })
        : address.fault;
      if (fault) return show(ctx, journey.state, { values: { email }, errors: { email: fault } });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/renvoyer`, ...form, (ctx) =>
    at(ctx, 'address-code', async (journey) => {
      const { state } = journey;
      const shown = state.chosen?.address ?? '';
      const sent = { ...state, notice: resendNotice(undefined, shown) };
      const refused = await proveAddress(ctx, journey, sent, true);
      if (refused) await move(journey, { ...state, notice: resendNotice(refused, shown) });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/code`, ...form, (ctx) =>
    at(ctx, 'address-code', async (journey, { code }) => {
      const { state } = journey;
      if (!state.chosen) return seeOther(ctx, base(ctx));
      const contact = { channel: 'email' as const, to: state.chosen.address };
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'address',
        contact,
        source: clientAddress(ctx),
        rpps: state.identity.rpps,
        input: code,
      });
      if (!checked.ok) return show(ctx, state, { errors: { code: checked.fault } });
      await knex.transaction(async (trx) => {
        if (!(await consumeCode(trx, clock, checked.value))) return;
        const { notice: _, ...proved } = state;
        await moveJourney<Request>(trx, deps, journey, { ...proved, addressProved: true });
      });
      await forgetSends(deps, contact, 'address');
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/identifiants`, ...form, (ctx) =>
    at(ctx, 'credentials', async (journey, fields) => {
      const read = readCredentials(await findPersonalWords(deps, journey.state), fields);
      if (!read.ok) {
        const { phones = '', terms } = fields;
        return show(ctx, journey.state, { values: { phones, terms }, errors: read.errors });
      }
      const opened = await openRequestedAccount(deps, ctx, journey, read.value);
      if (!opened.ok) return show(ctx, opened.state, { errors: opened.errors });
      leaveNotice(deps, ctx, 'account-requested');
      seeOther(ctx, addresses.signIn);
    }),
  );
}
