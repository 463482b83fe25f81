/**
 * Forms: the browser they belong to, their token against cross-site requests, and their fields. The browser is known by
 * a random cookie of its own, which outlives no window and says nothing of the person.
 */
import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import type { Settings } from '../../config/settings.ts';
import { CaduceeError } from '../errors.ts';
import { randomToken } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';

const BODY_LIMIT = '64kb';
const BROWSER_TOKEN = /^[\w-]{43}$/;

interface Deps {
  readonly settings: Settings;
  readonly keyring: Keyring;
}

const isHttps = ({ settings }: Deps): boolean => settings.ISSUER.startsWith('https://');
const cookieName = (deps: Deps): string => (isHttps(deps) ? '__Host-caducee_browser' : 'caducee_browser');

/** The browser's token, or undefined before it got one. */
export function browserOf(deps: Deps, ctx: Context): string | undefined {
  const fresh = ctx.state.browser as string | undefined;
  const value = fresh ?? ctx.cookies.get(cookieName(deps), { signed: false });
  return value && BROWSER_TOKEN.test(value) ? value : undefined;
}

/** The browser's token; a browser without one gets one with this answer. */
export function ensureBrowser(deps: Deps, ctx: Context): string {
  const known = browserOf(deps, ctx);
  if (known) return known;
  const token = randomToken();
  ctx.state.browser = token;
  ctx.cookies.set(cookieName(deps), token, {
    httpOnly: true,
    sameSite: 'lax',
    secure: isHttps(deps),
    signed: false,
    overwrite: true,
  });
  return token;
}

export const csrfToken = (deps: Deps, ctx: Context): string =>
  deps.keyring.mac('csrf', ensureBrowser(deps, ctx));

/** Reads a form of ours; a JSON or multipart body is not one. */
export const parseForm: Middleware = bodyParser({
  enableTypes: ['form'],
  formLimit: BODY_LIMIT,
  onError(error, ctx) {
    // What was not read is drained: the answer arrives, and the connection serves whoever comes next on it.
    ctx.req.unpipe().resume();
    const tooLarge = (error as { status?: number }).status === 413;
    throw new CaduceeError(tooLarge ? 'tooLarge' : 'protocol', { cause: error });
  },
});

/** One text per name; a field that came twice, or as a structure, counts as absent. */
export type Fields = Readonly<Record<string, string>>;

export function fieldsOf(ctx: Context): Fields {
  const body = (ctx.request as { body?: unknown }).body;
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body).filter((field): field is [string, string] => typeof field[1] === 'string'),
  );
}

/** Every text sent under `name`, in order: boxes of one question share their name. */
export function valuesOf(ctx: Context, name: string): string[] {
  const body = (ctx.request as { body?: Record<string, unknown> }).body;
  const sent = body && Object.hasOwn(body, name) ? body[name] : undefined;
  return (Array.isArray(sent) ? sent : [sent]).filter((value) => typeof value === 'string');
}

/**
 * Refuses a form that another site sent: the token must be this browser's, and the browser must not say that it comes
 * from elsewhere (Fetch Metadata, Origin).
 */
export function verifyForm(deps: Deps): Middleware {
  return async (ctx, next) => {
    const browser = browserOf(deps, ctx);
    const site = ctx.get('sec-fetch-site');
    const origin = ctx.get('origin');
    const token = fieldsOf(ctx)._csrf ?? '';
    const sameSite = site === '' || site === 'same-origin' || site === 'none';
    // Under « no-referrer » a browser hides the origin of a form, even from its own site (Fetch §3.2.5).
    const sameOrigin =
      origin === '' || origin === deps.settings.ISSUER || (origin === 'null' && site === 'same-origin');
    if (!browser || !sameSite || !sameOrigin || !deps.keyring.verifyMac('csrf', browser, token)) {
      throw new CaduceeError('csrf', { detail: `site=${site || '-'} cookie=${Boolean(browser)}` });
    }
    await next();
  };
}
