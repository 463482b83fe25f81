/** An application that demands more than this account can do: said in words, with the way to set it up, or told to the application. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Principal } from '../../accounts/principals.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { factorRulesOf, possibleFactors } from '../../factors/policy.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { parseForm, verifyForm } from '../../http/forms.ts';
import { acceptableClasses, assuranceOf, isDemanded } from '../../openid/assurance.ts';
import { interactionUrl } from '../../openid/provider.ts';
import { addresses } from '../addresses.ts';
import { keepWaitingSignIn } from '../waiting-sign-in.ts';
import { choicesFor } from './choices.ts';
import type { Interaction } from './interaction.ts';

/** @param principal who proved their password, or is signed in. */
export function showUnmet(
  deps: Deps,
  ctx: PageContext,
  interaction: Interaction,
  principal: Principal,
): void {
  const { uid, asked, accountId } = interaction;
  const base = interactionUrl(uid);
  // What would do, of what this account may set up.
  const missing = possibleFactors(factorRulesOf(deps, principal.account)).filter(
    (kind) => acceptableClasses(asked, [assuranceOf(kind).acr]).length > 0,
  );
  // An administrator without any second factor has no way in, and so none to that page.
  const canSetUp = missing.length > 0 && (accountId !== undefined || choicesFor(deps, principal).length > 0);
  if (canSetUp) keepWaitingSignIn(deps, ctx, uid);
  renderPage(deps, ctx, 'sign-in/unmet.njk', {
    path: base,
    application: interaction.application,
    needKind:
      missing.length === 0
        ? 'other'
        : missing.includes('totp') || missing.includes('sms')
          ? '2fa'
          : 'passkey',
    setUpUrl: canSetUp ? addresses.strongAuthentication : undefined,
    action: `${base}/renoncer`,
    otherAccountUrl: `${base}?compte=autre`,
    supportEmail: deps.settings.SUPPORT_EMAIL,
  });
}

export function unmetRoutes(
  router: Router<RequestState>,
  deps: Deps,
  provider: Provider,
  enter: (ctx: PageContext) => Promise<Interaction>,
): void {
  router.post('/connexion/:uid/renoncer', parseForm, verifyForm(deps), async (ctx) => {
    const { uid, asked, accountId, clientId } = await enter(ctx);
    if (!isDemanded(asked)) return seeOther(ctx, interactionUrl(uid));
    await record(deps.knex, deps.clock, {
      event: 'sign-in.refused',
      outcome: 'failure',
      subject: accountId,
      source: clientAddress(ctx),
      details: { step: 'assurance', application: clientId },
    });
    // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
    const refusal = {
      error: 'unmet_authentication_requirements',
      error_description: 'the account cannot reach any of the acr values',
    };
    seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, refusal));
  });
}
