/** The first form of each way to sign up: what was typed and not sent does not stay on a screen that was left. */
import type { PageContext } from '../../http/context.ts';

const ERASED_AFTER_SECONDS = 600;

/** Asks for the empty form in ten minutes, with or without JavaScript. @param url address of the form. */
export const eraseLater = (ctx: PageContext, url: string): void =>
  ctx.set('Refresh', `${ERASED_AFTER_SECONDS}; url=${url}${url.includes('?') ? '&' : '?'}efface=1`);

/** What to tell whoever comes to the form because it was erased; undefined for anybody else. */
export const erasedAlert = (ctx: PageContext) =>
  ctx.query.efface === '1' ? { kind: 'info', key: 'alert.timeout' } : undefined;
