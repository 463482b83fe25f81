/** An application that demands more than this account can do: said in words, then told to the application. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { parseForm, verifyForm } from '../../http/forms.ts';
import { ACR, isDemanded } from '../../openid/assurance.ts';
import { interactionUrl } from '../../openid/provider.ts';
import type { Interaction } from './interaction.ts';

export function showUnmet(deps: Deps, ctx: PageContext, interaction: Interaction): void {
  const base = interactionUrl(interaction.uid);
  renderPage(deps, ctx, 'sign-in/unmet.njk', {
    path: base,
    application: interaction.application,
    byPhone: interaction.asked?.classes.includes(ACR.twoFactors),
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
