/**
 * The value by which a browser is a trusted device (factors/trusted-devices.ts). One cookie per person, so that several have
 * theirs in one browser and changing one leaves the others; its name tells whose it is to nobody but us.
 */
import type { Context } from 'koa';
import type { Deps } from '../deps.ts';
import type { TrustToken } from '../factors/trusted-devices.ts';

const TOKEN = /^[\w-]{43}$/;
const NAMES = /(?:^|;\s*)((?:__Host-)?caducee_trust_[0-9a-f]{16})=/g;
/** Browsers keep few cookies per site, and servers bound the header that they all come in. */
const MOST_PER_BROWSER = 10;

const isHttps = ({ settings }: Deps): boolean => settings.ISSUER.startsWith('https://');

const optionsOf = (deps: Deps) => ({
  httpOnly: true,
  sameSite: 'lax' as const,
  secure: isHttps(deps),
  signed: false,
  overwrite: true,
});

function cookieName(deps: Deps, holderId: string): string {
  const whose = deps.keyring.lookupHash('trust-cookie', holderId).toString('hex').slice(0, 16);
  return `${isHttps(deps) ? '__Host-' : ''}caducee_trust_${whose}`;
}

/** What this browser holds for this person, if it can be such a value at all. */
export function trustTokenOf(deps: Deps, ctx: Context, holderId: string): string | undefined {
  const value = ctx.cookies.get(cookieName(deps, holderId), { signed: false });
  return value && TOKEN.test(value) ? value : undefined;
}

export function keepTrustToken(
  deps: Deps,
  ctx: Context,
  holderId: string,
  { token, expiresAt }: TrustToken,
): void {
  const name = cookieName(deps, holderId);
  // The oldest come first (RFC 6265 §5.4).
  const others = [...ctx.get('cookie').matchAll(NAMES)].flatMap(([, one]) =>
    one && one !== name ? [one] : [],
  );
  for (const one of others.slice(0, Math.max(0, others.length + 1 - MOST_PER_BROWSER)))
    ctx.cookies.set(one, null, optionsOf(deps));
  ctx.cookies.set(name, token, { ...optionsOf(deps), expires: expiresAt });
}

export function dropTrustToken(deps: Deps, ctx: Context, holderId: string): void {
  ctx.cookies.set(cookieName(deps, holderId), null, optionsOf(deps));
}
