/**
 * « Authentification forte »: what the person has, how strong each is, what to set up next, and the two things that are
 * decided here: the factor proposed first, and whether a code by e-mail still opens the account.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { PreferredFactor } from '../../../accounts/accounts.ts';
import { maskEmail, maskPhone } from '../../../accounts/contacts.ts';
import type { Principal } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { countTrustedDevices } from '../../../factors/holdings.ts';
import type { FactorKind } from '../../../factors/kinds.ts';
import { type Advice, adviceFor, factorRulesOf, hasStrong } from '../../../factors/policy.ts';
import { savePreferences } from '../../../factors/preferences.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { findSignedIn, type SignedIn } from '../../../http/session.ts';
import type { Fault } from '../../../lib/fault.ts';
import { addresses, signInAgainFor } from '../../addresses.ts';
import { asFresh, findSignInNeeded } from '../../fresh-sign-in.ts';
import { choicesFor } from '../../sign-in/choices.ts';
import { signedInContext } from '../../signed-in.ts';
import { findWaitingSignIn } from '../../waiting-sign-in.ts';

const PAGE = 'authentification-forte';

const URL_OF: Readonly<Record<Advice, string>> = {
  passkey: addresses.passkeys,
  totp: addresses.totp,
  sms: addresses.phones,
  'recovery-code': addresses.recoveryCodes,
};

interface Shown {
  readonly alert?: Fault & { readonly kind: 'success' };
  readonly errors?: Readonly<Record<string, Fault>>;
}

export function overviewRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  const rulesOf = ({ account }: Principal) => factorRulesOf(deps, account);

  /** The kinds that may be proposed first: each that the person can use now, but for the spare. */
  const preferable = (principal: Principal): PreferredFactor[] => {
    const kinds = choicesFor(deps, principal).map(({ kind }) => kind);
    return [...new Set(kinds)].filter((kind) => kind !== 'recovery-code');
  };

  /** Whether it is theirs to decide that no code by e-mail opens the account. */
  const mayRefuseEmail = (principal: Principal): boolean =>
    !principal.account.isAdministrator &&
    rulesOf(principal).allowed.includes('email') &&
    hasStrong(principal, rulesOf(principal));

  async function factorsOf(principal: Principal) {
    const { account, factors, phones, email, refusesEmailCode, id } = principal;
    const { allowed, smsAvailable } = rulesOf(principal);
    const shown = (kind: FactorKind, count: number, masked: readonly string[] = []) => ({
      kind,
      count,
      masked,
      isUsable: allowed.includes(kind) && (kind !== 'sms' || smsAvailable),
      url: kind === 'email' ? undefined : URL_OF[kind],
    });
    const isRefused = refusesEmailCode && mayRefuseEmail(principal);
    const emailKind = account.isAdministrator ? 'administrator' : isRefused ? 'refused' : 'accepted';
    const all = [
      shown('passkey', factors.passkeys),
      shown('totp', factors.totp ? 1 : 0),
      shown('sms', phones.length, phones.map(maskPhone)),
      { ...shown('email', 1, [maskEmail(email)]), emailKind },
      shown('recovery-code', factors.recoveryCodes),
    ];
    return {
      // What this installation leaves out concerns only who has it.
      factors: all.filter(({ isUsable, count }) => isUsable || count > 0),
      trustedDevices: { count: await countTrustedDevices(knex, clock, id), url: addresses.trustedDevices },
    };
  }

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    { alert, errors = {} }: Shown = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const advice = adviceFor(signedIn, rulesOf(signedIn));
    const [first] = choicesFor(deps, signedIn);
    const kinds = preferable(signedIn);
    renderPage(deps, ctx, 'my-account/strong-authentication/overview.njk', {
      path: addresses.strongAuthentication,
      ...signedInContext(signedIn),
      alert,
      errors,
      waiting: await findWaitingSignIn(deps, provider, ctx),
      isAdministrator: signedIn.account.isAdministrator,
      adviceKind: advice ?? (hasStrong(signedIn, rulesOf(signedIn)) ? 'none' : 'closed'),
      adviceUrl: advice && URL_OF[advice],
      ...(await factorsOf(signedIn)),
      confirmUrl: await findSignInNeeded(deps, signedIn, PAGE),
      preferred:
        kinds.length > 1
          ? kinds.map((kind) => ({ id: kind, channel: kind, checked: kind === first?.kind }))
          : undefined,
      action: addresses.strongAuthentication,
      mayRefuseEmail: mayRefuseEmail(signedIn),
      refusesEmail: signedIn.refusesEmailCode,
      emailAction: addresses.emailCode,
      noRecoveryCodes: signedIn.factors.recoveryCodes === 0,
      backUrl: addresses.home,
    });
  }

  /** Shows the page again with what was decided. */
  async function showAgain(ctx: PageContext, key: string): Promise<void> {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await show(ctx, signedIn, { alert: { kind: 'success', key } });
  }

  router.get(addresses.strongAuthentication, async (ctx) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await show(ctx, signedIn);
  });

  // A form's own address, typed or reloaded.
  router.get(addresses.emailCode, (ctx) => seeOther(ctx, addresses.strongAuthentication));

  router.post(addresses.strongAuthentication, ...form, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      const chosen = preferable(signedIn).find((kind) => kind === fieldsOf(ctx).preferred);
      if (!chosen) return show(ctx, signedIn, { errors: { preferred: { key: 'fault.required.factor' } } });
      if (chosen !== signedIn.preferredFactor) await prefer(fresh, chosen);
      await showAgain(ctx, `alert.factor.preferred.${chosen}`);
    }),
  );

  const prefer = (fresh: FreshSignIn, preferredFactor: PreferredFactor) =>
    changeSecurity(
      knex,
      deps,
      fresh,
      { change: 'preferred-factor-changed', details: { factor: preferredFactor } },
      (trx) => savePreferences(trx, clock, fresh.principal, { preferredFactor }),
    );

  router.post(addresses.emailCode, ...form, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      const refusesEmailCode = fieldsOf(ctx).refuse === 'yes';
      if (!mayRefuseEmail(signedIn)) return seeOther(ctx, addresses.strongAuthentication);
      const change = refusesEmailCode ? 'email-code-refused' : 'email-code-accepted';
      if (refusesEmailCode !== signedIn.refusesEmailCode)
        await changeSecurity(knex, deps, fresh, { change }, (trx) =>
          savePreferences(trx, clock, fresh.principal, { refusesEmailCode }),
        );
      await showAgain(ctx, `alert.factor.${change}`);
    }),
  );
}
