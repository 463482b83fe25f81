/** Who may open the administration: an active administrator who signed in with a strong second factor. */
import type { RouterMiddleware } from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import { type RequestState, seeOther } from '../../http/context.ts';
import { findSignedInAccount, type SignedInAccount } from '../../http/session.ts';
import { ACR } from '../../openid/assurance.ts';
import { addresses } from '../addresses.ts';

export interface AdministrationState extends RequestState {
  administrator: SignedInAccount;
}

/**
 * Sends visitors to the sign-in, and an administrator whose session has no strong second factor to a new one. For anybody
 * else there is nothing here.
 */
export const requireAdministrator =
  (deps: Deps, provider: Provider): RouterMiddleware<RequestState> =>
  async (ctx, next) => {
    const account = await findSignedInAccount(deps, provider, ctx);
    if (!account) return seeOther(ctx, addresses.signIn);
    if (!account.isAdministrator) throw new CaduceeError('notFound', { detail: 'not an administrator' });
    if (account.acr !== ACR.twoFactors) return seeOther(ctx, addresses.signInAgain);
    (ctx.state as AdministrationState).administrator = account;
    await next();
  };
