/** Asking the person whether an application that is not one of ours may know them. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { findAccount } from '../../accounts/accounts.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { CLAIMS_BY_SCOPE, findClaims } from '../../openid/claims.ts';
import { interactionUrl } from '../../openid/provider.ts';
import type { Interaction } from './interaction.ts';

/** `openid` alone tells nothing but that the person came. */
const SHOWN_SCOPES = new Set(
  [...Object.keys(CLAIMS_BY_SCOPE), 'offline_access'].filter((one) => one !== 'openid'),
);

const missing = (interaction: Interaction, what: 'missingOIDCScope' | 'missingOIDCClaims'): string[] =>
  (interaction.details[what] as string[] | undefined) ?? [];

export async function showConsent(deps: Deps, ctx: PageContext, interaction: Interaction): Promise<void> {
  const account = interaction.accountId && (await findAccount(deps.knex, interaction.accountId));
  if (!account) throw new CaduceeError('interactionExpired');
  const claims = await findClaims(deps.pool, account.id, interaction.clientId);
  const requested = String(interaction.params.scope ?? '')
    .split(' ')
    .filter((scope) => SHOWN_SCOPES.has(scope));
  const added = missing(interaction, 'missingOIDCScope').filter((scope) => requested.includes(scope));
  renderPage(deps, ctx, 'sign-in/consent.njk', {
    path: interactionUrl(interaction.uid),
    action: `${interactionUrl(interaction.uid)}/consentement`,
    application: interaction.application,
    scopes: requested.map((scope) => ({
      name: scope,
      isNew: added.length < requested.length && added.includes(scope),
    })),
    account: { displayName: `${account.givenName} ${account.familyName}`, email: claims?.email },
  });
}

export function consentRoutes(
  router: Router<RequestState>,
  deps: Deps,
  provider: Provider,
  enter: (ctx: PageContext) => Promise<Interaction>,
): void {
  const { knex, clock } = deps;

  router.post('/connexion/:uid/consentement', parseForm, verifyForm(deps), async (ctx) => {
    const interaction = await enter(ctx);
    const { accountId, clientId, grantId } = interaction;
    const { decision } = fieldsOf(ctx);
    if (interaction.prompt !== 'consent' || !accountId || (decision !== 'allow' && decision !== 'deny')) {
      return seeOther(ctx, interactionUrl(interaction.uid));
    }
    await record(knex, clock, {
      event: decision === 'allow' ? 'consent.given' : 'consent.refused',
      outcome: 'success',
      actor: accountId,
      subject: accountId,
      source: clientAddress(ctx),
      details: { application: clientId, scopes: missing(interaction, 'missingOIDCScope') },
    });
    if (decision === 'deny') {
      const refusal = { error: 'access_denied', error_description: 'the person refused' };
      return seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, refusal));
    }
    const existing = grantId ? await provider.Grant.find(grantId) : undefined;
    const grant = existing ?? new provider.Grant({ accountId, clientId });
    grant.addOIDCScope(missing(interaction, 'missingOIDCScope').join(' '));
    grant.addOIDCClaims(missing(interaction, 'missingOIDCClaims'));
    const consent = { grantId: await grant.save() };
    seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, { consent }));
  });
}
