/** Pages that change what opens an account: the person must have signed in whole, a moment ago (OWASP ASVS 5.0.0, 7.5.1). */
import type Provider from 'oidc-provider';
import { type FreshSignIn, isFresh } from '../accounts/security-change.ts';
import type { Deps } from '../deps.ts';
import { hadStrongFactor } from '../factors/holdings.ts';
import { countStrong, factorRulesOf, STRONG_FACTORS } from '../factors/policy.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../http/context.ts';
import { findSignedIn, type SignedIn } from '../http/session.ts';
import { SECOND } from '../lib/clock.ts';
import { grantHash, sessionHash } from '../openid/acting-members.ts';
import { ACR, isAtLeast, isFullSignIn } from '../openid/assurance.ts';
import { type ReturnPage, signInAgainFor, signInStronglyFor } from './addresses.ts';

/**
 * Where the person must sign in again before they change what opens their account. Who had a second factor when they signed
 * in must have used one: a mailbox and a password must not be enough to give the account another second factor. A trusted
 * device proves nothing here.
 * @returns undefined when their sign-in is enough.
 */
export async function findSignInNeeded(
  deps: Deps,
  signedIn: SignedIn,
  page: ReturnPage,
): Promise<string | undefined> {
  const { clock, knex } = deps;
  const counts = countStrong(signedIn, factorRulesOf(deps, signedIn.account));
  const kinds = STRONG_FACTORS.filter((kind) => counts[kind] > 0);
  const at = new Date(signedIn.signedInAt * SECOND);
  const isEnough =
    isFresh(clock, signedIn.signedInAt) &&
    isFullSignIn(signedIn.amr) &&
    (isAtLeast(signedIn.acr, ACR.twoFactors) ||
      !(await hadStrongFactor(knex, { holderId: signedIn.id, kinds, at })));
  if (isEnough) return undefined;
  return kinds.length > 0 ? signInStronglyFor(page) : signInAgainFor(page);
}

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
  const { keyring } = deps;
  const signedIn = await findSignedIn(deps, provider, ctx);
  if (!signedIn) return seeOther(ctx, signInAgainFor(page));
  const needed = await findSignInNeeded(deps, signedIn, page);
  if (needed) return seeOther(ctx, needed);
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
