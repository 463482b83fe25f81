/**
 * The address that the next sign-in of this browser comes filled with: the one that somebody just opened an account
 * with. Sealed for this browser in a cookie of a few minutes that is read once: an address never stands in a URL.
 */
import type { Context } from 'koa';
import type { Deps } from '../deps.ts';
import { browserOf, ensureBrowser } from '../http/forms.ts';
import { MINUTE } from '../lib/clock.ts';
import { UnsealError } from '../lib/keyring.ts';

const LIFETIME_MS = 10 * MINUTE;

const isHttps = ({ settings }: Deps): boolean => settings.ISSUER.startsWith('https://');
const cookieName = (deps: Deps): string => (isHttps(deps) ? '__Host-caducee_email' : 'caducee_email');
const sealPlace = (browser: string): string => `proposed-email/${browser}`;
const options = (deps: Deps) =>
  ({ httpOnly: true, sameSite: 'lax', secure: isHttps(deps), signed: false, overwrite: true }) as const;

export function proposeEmail(deps: Deps, ctx: Context, email: string): void {
  const sealed = deps.keyring.seal(sealPlace(ensureBrowser(deps, ctx)), email).toString('base64url');
  ctx.cookies.set(cookieName(deps), sealed, { ...options(deps), maxAge: LIFETIME_MS });
}

export function takeProposedEmail(deps: Deps, ctx: Context): string | undefined {
  const sealed = ctx.cookies.get(cookieName(deps), { signed: false });
  const browser = browserOf(deps, ctx);
  if (!sealed) return undefined;
  ctx.cookies.set(cookieName(deps), null, options(deps));
  try {
    return browser && deps.keyring.unseal(sealPlace(browser), Buffer.from(sealed, 'base64url'));
  } catch (error) {
    if (error instanceof UnsealError) return undefined;
    throw error;
  }
}
