/**
 * The first word on every request: it must be for our issuer. The engine and every link would otherwise follow the
 * request's own Host (RFC 9110 §15.5.20). What proxies forward is kept only as far as the settings trust them.
 */
import type { Middleware } from 'koa';
import type { Settings } from '../../config/settings.ts';
import { CaduceeError } from '../errors.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'https:': ':443', 'http:': ':80' };

export function forwarded({ ISSUER, TRUSTED_PROXIES }: Settings): Middleware {
  const issuer = new URL(ISSUER);
  const hosts = new Set([
    issuer.host,
    issuer.hostname + (issuer.port ? `:${issuer.port}` : DEFAULT_PORTS[issuer.protocol]),
  ]);
  const scheme = issuer.protocol.slice(0, -1);

  return async (ctx, next) => {
    const { headers, url } = ctx.req;
    if (TRUSTED_PROXIES === 0) delete headers['x-forwarded-for'];
    delete headers.forwarded;
    delete headers['x-forwarded-host'];
    // TLS may end at a proxy; the scheme that people use is the issuer's.
    headers['x-forwarded-proto'] = scheme;
    if (!url?.startsWith('/') || !hosts.has((headers.host ?? '').toLowerCase())) {
      throw new CaduceeError('misdirected');
    }
    await next();
  };
}
