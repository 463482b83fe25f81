/** What every request carries, and the one way to answer with a page. */
import type { RouterContext } from '@koa/router';
import type { Context } from 'koa';
import type { Deps } from '../deps.ts';
import { parseAddress } from '../lib/network.ts';
import { csrfToken } from './forms.ts';
import type { Lang } from './texts.ts';

export interface RequestState {
  /** What a person reads to support, and support finds in the log. */
  reference: string;
  nonce: string;
  lang: Lang;
  /** Origins that a form of this page may end at, besides ours: Chromium applies form-action to redirects too. */
  formAction: string[];
}

export type PageContext = RouterContext<RequestState>;

/** @param context what the template is given besides language, nonce, form token and path. */
export function renderPage(
  deps: Deps,
  ctx: Context,
  template: string,
  context: Readonly<Record<string, unknown>> = {},
): void {
  const state = ctx.state as RequestState;
  const csrf = csrfToken(deps, ctx);
  ctx.type = 'html';
  ctx.body = deps.views.page(template, {
    path: ctx.path,
    supportEmail: deps.settings.SUPPORT_EMAIL,
    ...context,
    lang: state.lang,
    nonce: state.nonce,
    csrf,
  });
}

/** Address of the client, behind as many proxies as the settings trust; the last proxy's when they wrote none. */
export const clientAddress = (ctx: Context): string =>
  parseAddress(ctx.ip) ?? parseAddress(ctx.req.socket.remoteAddress ?? '') ?? 'unknown';

/** Redirects after a form (303: the next request is a GET). */
export function seeOther(ctx: Context, url: string): void {
  ctx.status = 303;
  ctx.redirect(url);
}
