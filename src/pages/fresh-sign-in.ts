/** Pages that change what opens an account: the person must have signed in whole, a moment ago (OWASP ASVS 5.0.0, 7.5.1). */
import type Provider from 'oidc-provider';
import { type FreshSignIn, isFresh } from '../accounts/security-change.ts';
import type { Deps } from '../deps.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../http/context.ts';
import { findSignedIn, type SignedIn } from '../http/session.ts';
import { grantHash, sessionHash } from '../openid/acting-members.ts';
import { type ReturnPage, signInAgainFor } from './addresses.ts';

/**
 * Runs `act` for who signed in a moment ago; anybody else signs in again first, and comes back to `page`.
 * @param page where the sign-in comes back to: the page itself, also for the forms on it.
 */
export async function asFresh(
  deps: Deps,
  provider: Provider,
  ctx: PageContext,
  page: ReturnPage,
  act: (signedIn: SignedIn, fresh: FreshSignIn) => Promise<void>,
): Promise<void> {
  const { clock, keyring } = deps;
  const signedIn = await findSignedIn(deps, provider, ctx);
  if (!signedIn || !isFresh(clock, signedIn.signedInAt)) return seeOther(ctx, signInAgainFor(page));
  const { sessionUid, grantIds } = signedIn;
  await act(signedIn, {
    principal: signedIn,
    kept: {
      session: sessionHash(keyring, sessionUid),
      grants: grantIds.map((grantId) => grantHash(keyring, grantId)),
    },
    lang: (ctx.state as RequestState).lang,
    source: clientAddress(ctx),
  });
}
