/** The pages that the engine shows of itself: signing out, and requests that it refuses. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { findPrincipal } from '../accounts/principals.ts';
import { record } from '../audit/journal.ts';
import type { Deps } from '../deps.ts';
import { CaduceeError } from '../errors.ts';
import { clientAddress, renderPage, seeOther } from '../http/context.ts';
import { asCaduceeError, renderError } from '../http/errors.ts';
import { findSignedIn } from '../http/session.ts';
import { deviceName } from '../http/user-agent.ts';
import { findActingMember, sessionHash } from '../openid/acting-members.ts';
import { assuranceOf } from '../openid/assurance.ts';
import { ENGINE_ROUTES, type EnginePages, OWN_CLIENT_ID } from '../openid/provider.ts';
import { addresses } from './addresses.ts';
import { choicesFor } from './sign-in/choices.ts';

/** The engine's descriptions are fixed sentences, but for a few that quote the request: those are left out. */
const technicalOf = (code: string, description: string | undefined): string =>
  description && /^[a-zA-Z0-9_'(),. -]{1,120}$/.test(description) ? `${code}: ${description}` : code;

function asPersonError(error: Error): CaduceeError {
  if (error instanceof errors.SessionNotFound)
    return new CaduceeError('interactionExpired', { cause: error });
  if (error instanceof errors.OIDCProviderError) {
    const { error: code, error_detail: detail, error_description: description, status } = error;
    return new CaduceeError('protocol', {
      detail: [code, detail ?? description].join(': '),
      technical: technicalOf(code, description),
      status,
    });
  }
  return asCaduceeError(error);
}

export function enginePages(deps: Deps): EnginePages {
  return {
    async reachableClasses(accountId, memberId) {
      const principal = await findPrincipal(deps.knex, accountId, memberId);
      if (!principal) return [];
      return choicesFor(deps, principal).map(({ kind }) => assuranceOf(kind).acr);
    },
    seenFrom: (ctx) => ({ source: clientAddress(ctx), deviceName: deviceName(ctx) }),
    async signOut(ctx, xsrf) {
      const { client, params } = ctx.oidc;
      const given = Object.entries(params ?? {}).filter((one): one is [string, string] => Boolean(one[1]));
      renderPage(deps, ctx, 'sign-out/confirm.njk', {
        path: ENGINE_ROUTES.end_session,
        query: new URLSearchParams(given).toString(),
        action: `${ENGINE_ROUTES.end_session}/confirm`,
        xsrf,
        application: client && client.clientId !== OWN_CLIENT_ID ? { name: client.clientName } : undefined,
      });
    },
    async signedOut(ctx) {
      // The engine comes here too when the person chose to stay signed in.
      if (await findSignedIn(deps, ctx.oidc.provider, ctx)) return seeOther(ctx, addresses.home);
      renderPage(deps, ctx, 'sign-out/done.njk', { path: '/', homeUrl: addresses.home });
    },
    async error(ctx, error) {
      renderError(deps, ctx, asPersonError(error));
    },
  };
}

/** Journals the sign-outs, which happen inside the engine. */
export async function recordSignOut(
  { knex, pool, keyring, clock }: Deps,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const session = ctx.oidc.session as { uid: string; accountId?: string; destroyed?: boolean } | undefined;
  if (!session?.accountId || !session.destroyed) return;
  const member = await findActingMember(pool, sessionHash(keyring, session.uid));
  await record(knex, clock, {
    event: 'sign-out.completed',
    outcome: 'success',
    actor: member ?? session.accountId,
    subject: session.accountId,
    source: clientAddress(ctx),
  });
}
