/** « Application d'authentification »: set up with a code that it shows, replaced, removed after a question. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import QRCode from 'qrcode';
import { changeSecurity, type FreshSignIn } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { hasStrong, mayRemove } from '../../../factors/policy.ts';
import {
  createTotpSeed,
  findTotp,
  parseTotp,
  removeTotp,
  saveTotp,
  totpStepOf,
  totpUri,
} from '../../../factors/totp.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { browserOf, ensureBrowser, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { findSignedIn, type SignedIn } from '../../../http/session.ts';
import { endJourney, findJourney, type Journey, startJourney } from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { randomToken } from '../../../lib/ids.ts';
import { countGuess } from '../../../throttle/guesses.ts';
import { addresses, signInAgainFor } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import { findWaitingSignIn } from '../../waiting-sign-in.ts';
import { LastFactorError, removeFactor, rulesOf } from './removal.ts';

const PAGE = 'application-d-authentification';
const FOLDER = 'my-account/strong-authentication';

interface TotpState {
  /** In the address of the page. */
  readonly id: string;
  /** Who sets it up ({@link Principal}). */
  readonly principalId: string;
  /** Base32; in no other place until a code proved it. */
  readonly seed: string;
}

type Alert = Fault & { readonly kind: string };

/** Drawn on white whatever the theme, for cameras; an image of the page itself, so that the seed is in no address. */
async function qrCodeOf(uri: string): Promise<string> {
  const svg = await QRCode.toString(uri, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

export function totpSettingsRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  async function show(ctx: PageContext, signedIn: SignedIn, alert?: Alert): Promise<void> {
    if (alert?.kind === 'refusal') ctx.status = 422;
    const rules = rulesOf(deps, signedIn);
    const credential = await findTotp(knex, signedIn.id);
    renderPage(deps, ctx, `${FOLDER}/totp.njk`, {
      path: addresses.totp,
      ...signedInContext(signedIn),
      alert,
      waiting: alert?.kind === 'success' ? await findWaitingSignIn(deps, provider, ctx) : undefined,
      credential,
      isAllowed: rules.allowed.includes('totp'),
      removeUrl: credential && mayRemove(signedIn, 'totp', rules) ? addresses.totpRemoval : undefined,
      action: addresses.totp,
      backUrl: addresses.strongAuthentication,
    });
  }

  /** With what was just changed. */
  async function showAgain(ctx: PageContext, alert: Alert): Promise<void> {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await show(ctx, signedIn, alert);
  }

  router.get(addresses.totp, (ctx) => asFresh(deps, provider, ctx, PAGE, (signedIn) => show(ctx, signedIn)));

  router.post(addresses.totp, ...form, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn) => {
      if (!rulesOf(deps, signedIn).allowed.includes('totp')) return seeOther(ctx, addresses.totp);
      const id = randomToken(16);
      const state = { id, principalId: signedIn.id, seed: createTotpSeed() };
      await startJourney<TotpState>(knex, deps, {
        kind: 'totp',
        id,
        browser: ensureBrowser(deps, ctx),
        state,
      });
      seeOther(ctx, addresses.totpJourney(id));
    }),
  );

  /** Runs `act` for who began this journey; anybody else, and whose journey is over, begins again. */
  const within = (
    ctx: PageContext,
    act: (signedIn: SignedIn, fresh: FreshSignIn, journey: Journey<TotpState>) => Promise<void>,
  ) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      const id = ctx.params.journey ?? '';
      const browser = browserOf(deps, ctx);
      const journey = await findJourney<TotpState>(knex, deps, { kind: 'totp', id, browser });
      if (journey?.state.principalId !== signedIn.id) return seeOther(ctx, addresses.totp);
      await act(signedIn, fresh, journey);
    });

  async function showSeed(
    ctx: PageContext,
    signedIn: SignedIn,
    { id, seed }: TotpState,
    code?: Fault,
  ): Promise<void> {
    if (code) ctx.status = 422;
    const uri = totpUri(seed, signedIn.email);
    renderPage(deps, ctx, `${FOLDER}/totp-seed.njk`, {
      path: addresses.totpJourney(id),
      ...signedInContext(signedIn),
      errors: code ? { code } : {},
      qrCode: await qrCodeOf(uri),
      uri,
      email: signedIn.email,
      groups: seed.match(/.{1,4}/g),
      replaces: signedIn.factors.totp,
      action: addresses.totpJourney(id),
      backUrl: addresses.totp,
    });
  }

  router.get(addresses.totpJourney(':journey'), (ctx) =>
    within(ctx, (signedIn, _fresh, { state }) => showSeed(ctx, signedIn, state)),
  );

  router.post(addresses.totpJourney(':journey'), ...form, (ctx) =>
    within(ctx, async (signedIn, fresh, journey) => {
      const { state } = journey;
      const { code: typed = '' } = fieldsOf(ctx);
      const code = parseTotp(typed);
      if (!code) {
        const key = typed.trim() ? 'fault.code.format' : 'fault.required.totp';
        return showSeed(ctx, signedIn, state, { key });
      }
      const source = clientAddress(ctx);
      const counted = await countGuess(deps, { way: 'totp', principalId: signedIn.id, source });
      if (!counted.allowed) return showSeed(ctx, signedIn, state, counted.fault);
      const step = totpStepOf(clock, state.seed, code);
      if (step === undefined) {
        await counted.failed();
        return showSeed(ctx, signedIn, state, { key: 'fault.totp.notShown' });
      }
      await changeSecurity(knex, deps, fresh, { change: 'totp-added' }, async (trx) => {
        await endJourney(trx, journey);
        await saveTotp(trx, deps, signedIn, { seed: state.seed, step });
      });
      await counted.succeeded();
      await showAgain(ctx, { kind: 'success', key: 'alert.totp.added' });
    }),
  );

  router.get(addresses.totpRemoval, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn) => {
      const rules = rulesOf(deps, signedIn);
      if (!signedIn.factors.totp || !mayRemove(signedIn, 'totp', rules)) return seeOther(ctx, addresses.totp);
      const without = { ...signedIn, factors: { ...signedIn.factors, totp: false } };
      renderPage(deps, ctx, `${FOLDER}/remove-totp.njk`, {
        path: addresses.totpRemoval,
        ...signedInContext(signedIn),
        isLastStrong: !hasStrong(without, rules),
        action: addresses.totpRemoval,
        backUrl: addresses.totp,
      });
    }),
  );

  router.post(addresses.totpRemoval, ...form, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (_signedIn, fresh) => {
      try {
        await removeFactor(deps, fresh, { kind: 'totp', change: 'totp-removed' }, (trx, { id }) =>
          removeTotp(trx, id),
        );
        await showAgain(ctx, { kind: 'success', key: 'alert.totp.removed' });
      } catch (error) {
        if (!(error instanceof LastFactorError)) throw error;
        await showAgain(ctx, { kind: 'refusal', key: 'alert.factor.last' });
      }
    }),
  );
}
