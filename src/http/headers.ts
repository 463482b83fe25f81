/** Security headers of every answer, with a nonce of its own for each page. */
import type { Middleware } from 'koa';
import helmet from 'koa-helmet';
import type { Settings } from '../../config/settings.ts';
import { randomToken } from '../lib/ids.ts';
import type { RequestState } from './context.ts';

const YEAR_SECONDS = 365 * 24 * 3600;

export function securityHeaders({ ISSUER }: Settings): Middleware {
  const https = ISSUER.startsWith('https://');
  const others = helmet({
    contentSecurityPolicy: false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: https ? { maxAge: YEAR_SECONDS, includeSubDomains: false } : false,
    crossOriginResourcePolicy: { policy: 'same-origin' },
  }) as Middleware;

  return async (ctx, next) => {
    const state = ctx.state as RequestState;
    state.nonce = randomToken(16);
    state.formAction = [];
    ctx.set('Cache-Control', 'no-store');
    await others(ctx, async () => {
      await next();
    });
    if (ctx.response.is('html') && !ctx.response.get('content-security-policy')) {
      ctx.set('Content-Security-Policy', contentSecurityPolicy(state));
    }
  };
}

const policy = (nonce: string): string[] => [
  `default-src 'none'`,
  `script-src 'nonce-${nonce}'`,
  `style-src 'self'`,
  `img-src 'self' data:`,
  `font-src 'self'`,
  `connect-src 'self'`,
  `frame-ancestors 'none'`,
  `base-uri 'none'`,
];

const contentSecurityPolicy = ({ nonce, formAction }: RequestState): string =>
  [...policy(nonce), `form-action ${["'self'", ...formAction].join(' ')}`].join('; ');

/**
 * For what the engine answers: it adds the digest of each script it writes, and its forms end at whatever address the
 * application registered.
 */
export const enginePolicy: Middleware = async (ctx, next) => {
  ctx.set('Content-Security-Policy', policy((ctx.state as RequestState).nonce).join('; '));
  await next();
};
