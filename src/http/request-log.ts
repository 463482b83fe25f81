/** One line per request. The address is logged as its route: journeys and interactions have secrets in theirs. */
import type { Middleware } from 'koa';
import type { Deps } from '../deps.ts';
import { randomToken } from '../lib/ids.ts';
import type { RequestState } from './context.ts';

const REFERENCE_BYTES = 6;
const QUIET = new Set(['/healthz', '/readyz']);

const PUBLIC = /^\/(?:assets|\.well-known)\//;

/** Long segments are identifiers; what is left tells the page. */
const routeOf = (path: string): string =>
  (PUBLIC.test(path) ? path : path.replace(/\/[\w.~-]{20,}/g, '/:id')).slice(0, 200);

export function logRequests({ log }: Deps): Middleware {
  return async (ctx, next) => {
    const started = performance.now();
    const state = ctx.state as RequestState;
    state.reference = randomToken(REFERENCE_BYTES);
    state.lang = 'fr';
    try {
      await next();
    } finally {
      if (!QUIET.has(ctx.path)) {
        log.info({
          reference: state.reference,
          method: ctx.method,
          route: routeOf(ctx.path),
          status: ctx.status,
          ms: Math.round(performance.now() - started),
        });
      }
    }
  };
}
