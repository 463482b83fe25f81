/**
 * The value by which a browser is a known device (throttle/known-devices.ts). A cookie of its own, because it outlives
 * windows and sign-outs, which the browser's token for forms (forms.ts) does not.
 */
import type { Context } from 'koa';
import type { Settings } from '../../config/settings.ts';
import { DAY } from '../lib/clock.ts';
import { KNOWN_DEVICE_DAYS } from '../throttle/known-devices.ts';

const TOKEN = /^[\w-]{43}$/;

interface Deps {
  readonly settings: Settings;
}

const isHttps = ({ settings }: Deps): boolean => settings.ISSUER.startsWith('https://');
const cookieName = (deps: Deps): string => (isHttps(deps) ? '__Host-caducee_device' : 'caducee_device');

/** What this browser holds, if it can be such a value at all. */
export function deviceTokenOf(deps: Deps, ctx: Context): string | undefined {
  const value = ctx.cookies.get(cookieName(deps), { signed: false });
  return value && TOKEN.test(value) ? value : undefined;
}

export function keepDeviceToken(deps: Deps, ctx: Context, token: string): void {
  ctx.cookies.set(cookieName(deps), token, {
    httpOnly: true,
    sameSite: 'lax',
    secure: isHttps(deps),
    signed: false,
    overwrite: true,
    maxAge: KNOWN_DEVICE_DAYS * DAY,
  });
}
