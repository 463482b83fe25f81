/** Who may open the administration: an active administrator who signed in with a strong second factor. */
import type { RouterMiddleware } from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import { type RequestState, seeOther } from '../../http/context.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import { ACR, isAtLeast } from '../../openid/assurance.ts';
import { stepUpFor } from '../addresses.ts';

export interface AdministrationState extends RequestState {
  administrator: SignedIn;
}

/**
 * Sends visitors to the sign-in, and an administrator whose session has no strong second factor to the one that is missing.
 * For anybody else there is nothing here.
 */
export const requireAdministrator =
  (deps: Deps, provider: Provider): RouterMiddleware<RequestState> =>
  async (ctx, next) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, stepUpFor('administration'));
    if (!signedIn.account.isAdministrator)
      throw new CaduceeError('notFound', { detail: 'not an administrator' });
    if (!isAtLeast(signedIn.acr, ACR.twoFactors)) return seeOther(ctx, stepUpFor('administration'));
    (ctx.state as AdministrationState).administrator = signedIn;
    await next();
  };
