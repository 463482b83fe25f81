/**
 * The value by which a browser is a known device (throttle/known-devices.ts). A cookie of its own, because it outlives
 * windows and sign-outs, which the browser's token for forms (forms.ts) does not.
 */
import type { Context } from 'koa';
import type { Principal } from '../accounts/principals.ts';
import type { Deps } from '../deps.ts';
import { DAY } from '../lib/clock.ts';
import { KNOWN_DEVICE_DAYS, rememberDevice } from '../throttle/known-devices.ts';

const TOKEN = /^[\w-]{43}$/;

const isHttps = ({ settings }: Deps): boolean => settings.ISSUER.startsWith('https://');
const cookieName = (deps: Deps): string => (isHttps(deps) ? '__Host-caducee_device' : 'caducee_device');

/** What this browser holds, if it can be such a value at all. */
export function deviceTokenOf(deps: Deps, ctx: Context): string | undefined {
  const value = ctx.cookies.get(cookieName(deps), { signed: false });
  return value && TOKEN.test(value) ? value : undefined;
}

/** For the end of every sign-in: this browser is known to this person from now on, under a new value. */
export async function rememberBrowser(deps: Deps, ctx: Context, principal: Principal): Promise<void> {
  const token = await rememberDevice(deps.knex, deps, principal, deviceTokenOf(deps, ctx));
  ctx.cookies.set(cookieName(deps), token, {
    httpOnly: true,
    sameSite: 'lax',
    secure: isHttps(deps),
    signed: false,
    overwrite: true,
    maxAge: KNOWN_DEVICE_DAYS * DAY,
  });
}
