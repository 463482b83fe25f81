/** The first form: RPPS number and birthdate against the ordinal register. It begins the journey that routes.ts goes on. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { findOwnerOfRpps } from '../../../accounts/accounts.ts';
import { record } from '../../../audit/journal.ts';
import type { Deps } from '../../../deps.ts';
import { parseBirthdate } from '../../../directories/birthdate.ts';
import { findOrdinalEntry, type OrdinalEntry } from '../../../directories/ordinal-register.ts';
import { parseRpps } from '../../../directories/rpps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { ensureBrowser, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { startJourney } from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { randomToken } from '../../../lib/ids.ts';
import { throttledFault, throttleRules } from '../../../throttle/throttle.ts';
import { addresses } from '../../addresses.ts';
import { findDestination } from '../../sign-in/interaction.ts';
import { erasedAlert, eraseLater } from '../first-form.ts';
import { interactionOf } from '../interaction.ts';
import type { OrdreJourneyState } from './steps.ts';

/** Why a pair opens nothing, each with its own sentence (Order's guide). */
export type Refusal = 'unknown-pair' | 'account-exists';

interface Shown {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly errors?: Readonly<Record<string, Fault>>;
  readonly refusal?: Refusal;
  readonly alert?: (Fault & { kind: string }) | undefined;
  /** The sign-in that this sign-up began from; the one of the address unless told. */
  readonly interaction?: string | undefined;
  readonly application?: OrdreJourneyState['application'];
}

export function showIdentify(
  deps: Deps,
  ctx: PageContext,
  { values = {}, errors = {}, refusal, alert, interaction = interactionOf(ctx), application }: Shown,
): void {
  if (refusal || Object.keys(errors).length > 0) ctx.status = 422;
  const action = addresses.signUpOrdre(interaction);
  eraseLater(ctx, action);
  renderPage(deps, ctx, 'sign-up/ordre/identify.njk', {
    values,
    errors,
    refusal,
    alert,
    action,
    path: addresses.signUpOrdre(),
    connexion: interaction,
    application,
    backUrl: addresses.signUp(interaction),
    passwordForgottenUrl: addresses.passwordForgotten,
    termsUrl: addresses.terms,
    signInUrl: addresses.signInTo(interaction),
  });
}

/**
 * Looks the pair up. The attempt is counted before: per source first, so that one that has used up its tries cannot use
 * up those of a number. A right pair clears the failures of its number, and is counted apart.
 */
async function identify(
  deps: Deps,
  rpps: string,
  birthdate: string,
  source: string,
): Promise<OrdinalEntry | Refusal | 'last-try' | Fault> {
  const { knex, clock, throttle } = deps;
  const { signUpPerSource, signUpPerRpps, signUpPerRppsDaily, signUpStartPerRpps } = throttleRules;
  let triesLeft = Number.POSITIVE_INFINITY;
  for (const [rule, subject] of [
    [signUpPerSource, source],
    [signUpPerRpps, rpps],
    [signUpPerRppsDaily, rpps],
  ] as const) {
    const verdict = await throttle.consume(rule, subject);
    if (!verdict.allowed) return throttledFault(verdict.retryAfterSeconds);
    if (subject === rpps) triesLeft = Math.min(triesLeft, verdict.remaining);
  }
  const entry = await findOrdinalEntry(knex, rpps, birthdate, clock.now());
  const exists = (await findOwnerOfRpps(knex, rpps)) !== undefined;
  if (entry) {
    await throttle.clear(signUpPerRpps, rpps);
    await throttle.refund(signUpPerRppsDaily, rpps);
    const started = await throttle.consume(signUpStartPerRpps, rpps);
    if (!started.allowed) return throttledFault(started.retryAfterSeconds);
  }
  const result = entry ? (exists ? 'account-exists' : entry) : 'unknown-pair';
  await record(knex, clock, {
    event: 'sign-up.identity-checked',
    outcome: result === entry ? 'success' : 'failure',
    source,
    details: { rpps, result: typeof result === 'string' ? result : 'found' },
  });
  return result === 'unknown-pair' && triesLeft === 1 ? 'last-try' : result;
}

export function identifyRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;

  router.get('/inscription/ordre', async (ctx) => {
    const { application } = await findDestination(provider, interactionOf(ctx));
    showIdentify(deps, ctx, { alert: erasedAlert(ctx), application });
  });

  router.post('/inscription/ordre', parseForm, verifyForm(deps), async (ctx) => {
    const { birthdate: typedBirthdate = '', rpps: typedRpps = '', terms } = fieldsOf(ctx);
    const { application } = await findDestination(provider, interactionOf(ctx));
    const values = { birthdate: typedBirthdate, rpps: typedRpps, terms };
    const birthdate = parseBirthdate(typedBirthdate, clock.now());
    const rpps = parseRpps(typedRpps);
    if (!birthdate.ok || !rpps.ok || !terms) {
      const errors: Record<string, Fault> = {};
      if (!birthdate.ok) errors.birthdate = birthdate.fault;
      if (!rpps.ok) errors.rpps = rpps.fault;
      if (!terms) errors.terms = { key: 'fault.required.terms' };
      return showIdentify(deps, ctx, { values, errors, application });
    }

    const found = await identify(deps, rpps.value, birthdate.value, clientAddress(ctx));
    if (found === 'last-try') {
      const alert = { kind: 'waiting', key: 'alert.lastTry' };
      return showIdentify(deps, ctx, { values, refusal: 'unknown-pair', alert, application });
    }
    if (typeof found === 'string') return showIdentify(deps, ctx, { values, refusal: found, application });
    if ('key' in found) return showIdentify(deps, ctx, { values, errors: { rpps: found }, application });

    // A phone that no SMS can reach from here is no contact.
    const entry = deps.sms ? found : { ...found, phone: undefined };
    const id = randomToken();
    await startJourney<OrdreJourneyState>(knex, deps, {
      kind: 'sign-up/ordre',
      id,
      browser: ensureBrowser(deps, ctx),
      state: { step: 'under-way', entry, interaction: interactionOf(ctx), application },
    });
    seeOther(ctx, addresses.ordreJourney(id));
  });
}
