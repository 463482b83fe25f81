/** When the engine sends a person to sign in (again): its own policy, with what Caducée adds to it. */
import { decodeJwt } from 'jose';
import { type Client, errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { type AskedAssurance, askedAssurance, isDemanded, isMet } from './assurance.ts';
import { memberOf } from './grants.ts';

/** Assurance classes that an account, or a member of a shared one, can reach here by signing in again. */
export type ReachableClasses = (accountId: string, memberId: string | undefined) => Promise<string[]>;

/** What a request of this client asks of the sign-in, its registration included. */
export const askedOf = (
  client: Client | undefined,
  params: Readonly<Record<string, unknown>>,
): AskedAssurance | undefined =>
  askedAssurance(params, {
    minimum: client?.minimum_acr as string | undefined,
    demands: client?.acr_demanded === true,
  });

/** Asks for another sign-in when the session's class is not the one asked for and another try can reach it. */
async function mustStepUp(ctx: KoaContextWithOIDC, reachableClasses: ReachableClasses): Promise<boolean> {
  const { oidc } = ctx;
  const asked = askedOf(oidc.client, oidc.params ?? {});
  if (!asked) return false;
  if (asked.essential && asked.classes.length === 0) {
    // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
    throw new errors.CustomOIDCProviderError('unmet_authentication_requirements', 'acr values are unknown');
  }
  const accountId = oidc.session?.accountId;
  if (!accountId) return false;
  // A wish is not worth a refusal, nor a second sign-in right after the first.
  if (!isDemanded(asked) && (oidc.prompts.has('none') || oidc.result?.login)) return false;
  return !isMet(asked, oidc.session?.acr ?? '', await reachableClasses(accountId, memberOf(ctx)));
}

export function createPolicy(reachableClasses: ReachableClasses): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const checks = policy.get('login')?.checks;
  // Ours covers them, and acr_values too, which the engine leaves alone.
  checks?.remove('essential_acr');
  checks?.remove('essential_acrs');
  checks?.add(
    // A suspended or closed account keeps its browser session until the browser comes back.
    new interactionPolicy.Check(
      'account_not_active',
      'this account may not sign in',
      'login_required',
      (ctx) => Boolean(ctx.oidc.session?.accountId && !ctx.oidc.account),
    ),
  );
  checks?.add(
    // The engine compares the hint before the sign-in only, and whoever signs in may be somebody else.
    new interactionPolicy.Check(
      'id_token_hint_answered',
      'id_token_hint and authenticated subject do not match',
      'login_required',
      (ctx) => {
        const { result, params, account, entities } = ctx.oidc;
        const hint = params?.id_token_hint;
        if (!result?.login || !account || entities.IdTokenHint || typeof hint !== 'string') return false;
        if (decodeJwt(hint).sub === account.accountId) return false;
        throw new errors.LoginRequired('id_token_hint and authenticated subject do not match');
      },
    ),
  );
  checks?.add(
    new interactionPolicy.Check('assurance', 'another authentication is required', 'login_required', (ctx) =>
      mustStepUp(ctx, reachableClasses),
    ),
  );
  return policy;
}
