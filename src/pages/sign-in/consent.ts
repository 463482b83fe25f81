/** Asking the person whether an application that is not one of ours may know them. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { findPrincipal, type Principal } from '../../accounts/principals.ts';
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
import { findActingMember, sessionHash } from '../../openid/acting-members.ts';
import { scopesOfClaims } from '../../openid/asked-claims.ts';
import { CLAIMS_BY_SCOPE, findClaims } from '../../openid/claims.ts';
import { interactionUrl } from '../../openid/provider.ts';
import type { Interaction } from './interaction.ts';

/** `openid` alone tells nothing but that the person came. */
const SHOWN_SCOPES = new Set(
  [...Object.keys(CLAIMS_BY_SCOPE), 'offline_access'].filter((one) => one !== 'openid'),
);

const missing = (interaction: Interaction, what: 'missingOIDCScope' | 'missingOIDCClaims'): string[] =>
  (interaction.details[what] as string[] | undefined) ?? [];

/** What the person is asked to share: single claims count as the scopes that they belong to. */
const askedScopes = (interaction: Interaction): string[] => {
  const scopes = missing(interaction, 'missingOIDCScope');
  const ofClaims = scopesOfClaims(missing(interaction, 'missingOIDCClaims'));
  return [...new Set([...scopes, ...ofClaims])].filter((scope) => scope !== 'openid');
};

/** @throws {CaduceeError} interactionExpired when nobody is signed in any more. */
async function getSignedIn(
  { knex, pool, keyring }: Deps,
  { accountId, sessionUid }: Interaction,
): Promise<Principal> {
  const memberId = sessionUid && (await findActingMember(pool, sessionHash(keyring, sessionUid)));
  const principal = accountId && (await findPrincipal(knex, accountId, memberId || undefined));
  if (!principal) throw new CaduceeError('interactionExpired');
  return principal;
}

export async function showConsent(deps: Deps, ctx: PageContext, interaction: Interaction): Promise<void> {
  const { account, member } = await getSignedIn(deps, interaction);
  const found = await findClaims(deps.pool, account.id, interaction.clientId, { memberId: member?.id });
  const added = askedScopes(interaction);
  const requested = [...new Set([...String(interaction.params.scope ?? '').split(' '), ...added])].filter(
    (scope) => SHOWN_SCOPES.has(scope),
  );
  renderPage(deps, ctx, 'sign-in/consent.njk', {
    path: interactionUrl(interaction.uid),
    action: `${interactionUrl(interaction.uid)}/consentement`,
    application: interaction.application,
    scopes: requested.map((scope) => ({
      name: scope,
      isNew: added.length < requested.length && added.includes(scope),
    })),
    account: { displayName: account.displayName, email: found?.claims.email },
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
    const { id: actor } = await getSignedIn(deps, interaction);
    await record(knex, clock, {
      event: decision === 'allow' ? 'consent.given' : 'consent.refused',
      outcome: 'success',
      actor,
      subject: accountId,
      source: clientAddress(ctx),
      details: {
        application: clientId,
        scopes: missing(interaction, 'missingOIDCScope'),
        claims: missing(interaction, 'missingOIDCClaims'),
      },
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
