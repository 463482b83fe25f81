/**
 * The sign-in that waits while the person sets up what it needs: its identifier in a cookie, so that whatever page they come
 * to, through other sign-ins, can lead them back. The identifier opens nothing without the browser's own cookie of it.
 */
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Deps } from '../deps.ts';
import { MINUTE } from '../lib/clock.ts';
import { addresses } from './addresses.ts';
import { findDestination } from './sign-in/interaction.ts';

/** As long as the engine keeps an interaction. */
const LIFETIME_MS = 30 * MINUTE;
const UID = /^[\w-]{10,64}$/;

const isHttps = ({ settings }: Deps): boolean => settings.ISSUER.startsWith('https://');
const cookieName = (deps: Deps): string => (isHttps(deps) ? '__Host-caducee_waiting' : 'caducee_waiting');
const options = (deps: Deps) =>
  ({ httpOnly: true, sameSite: 'lax', secure: isHttps(deps), signed: false, overwrite: true }) as const;

export function keepWaitingSignIn(deps: Deps, ctx: Context, uid: string): void {
  ctx.cookies.set(cookieName(deps), uid, { ...options(deps), maxAge: LIFETIME_MS });
}

/** @returns where it goes on, and to which application when that is not Caducée itself; forgets one that is over. */
export async function findWaitingSignIn(
  deps: Deps,
  provider: Provider,
  ctx: Context,
): Promise<{ url: string; application: string | undefined } | undefined> {
  const uid = ctx.cookies.get(cookieName(deps), { signed: false });
  if (uid === undefined) return undefined;
  const destination = UID.test(uid) ? await findDestination(provider, uid) : { alive: false };
  if (destination.alive) return { url: addresses.signInTo(uid), application: destination.application?.name };
  ctx.cookies.set(cookieName(deps), null, options(deps));
  return undefined;
}
