/**
 * French, unless the person chose English here or their application asked for it (`ui_locales`). The browser's own
 * language does not decide: many hospital browsers are installed in English for people who read French.
 */
import type { Context, Middleware } from 'koa';
import type { RequestState } from './context.ts';
import { LANGUAGES, type Lang } from './texts.ts';

const COOKIE = 'langue';
const YEAR_MS = 365 * 24 * 3600 * 1000;

const known = (text: unknown): Lang | undefined => LANGUAGES.find((language) => language === text);

export const language: Middleware = async (ctx, next) => {
  const chosen = known(ctx.query.langue);
  if (chosen) {
    ctx.cookies.set(COOKIE, chosen, { maxAge: YEAR_MS, sameSite: 'lax', httpOnly: true, signed: false });
  }
  (ctx.state as RequestState).lang = chosen ?? chosenBefore(ctx) ?? 'fr';
  await next();
};

const chosenBefore = (ctx: Context): Lang | undefined => known(ctx.cookies.get(COOKIE, { signed: false }));

/** Follows the application's `ui_locales` (OpenID Connect Core §3.1.2.1), unless the person chose otherwise. */
export function followUiLocales(ctx: Context, uiLocales: unknown): void {
  if (known(ctx.query.langue) || chosenBefore(ctx) || typeof uiLocales !== 'string') return;
  const first = uiLocales
    .split(' ')
    .map((tag) => known(tag.split('-')[0]?.toLowerCase()))
    .find(Boolean);
  if (first) (ctx.state as RequestState).lang = first;
}
