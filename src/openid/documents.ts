/**
 * Discovery and the key set from kept bytes: relying parties poll them, and the engine would write the same text each
 * time. The first answer of the engine is kept for as long as the application lives; its keys and its settings change
 * with a restart only.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Middleware } from 'koa';
import type { Settings } from '../../config/settings.ts';
import type { RequestState } from '../http/context.ts';
import { randomToken } from '../lib/ids.ts';
import { ENGINE_ROUTES } from './provider.ts';

export const DOCUMENT_PATHS: readonly string[] = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  ENGINE_ROUTES.jwks,
];

/** Header names and values alternate, as `writeHead` takes them. */
interface Kept {
  readonly headers: readonly string[];
  readonly bytes: Buffer;
  /** Where the value of Access-Control-Allow-Origin stands: the engine answers each origin by its name. */
  readonly originAt: number;
  readonly policyAt: number;
  /** The policy around the nonce, which is new in every answer. */
  readonly policy: readonly string[];
}

function keep({ res, body, state }: Context): Kept | undefined {
  if (res.statusCode !== 200 || typeof body !== 'object' || body === null) return undefined;
  const bytes = Buffer.from(JSON.stringify(body));
  // As they were written, capitals included; the types of Node know this method for requests only.
  const names = (res as unknown as ClientRequest).getRawHeaderNames();
  const headers = names.flatMap((name) => [name, String(res.getHeader(name))]);
  headers.push('Content-Length', String(bytes.length));
  const placeOf = (name: string) => headers.findIndex((text) => text.toLowerCase() === name) + 1;
  const policyAt = placeOf('content-security-policy');
  const policy = (headers[policyAt] ?? '').split((state as RequestState).nonce);
  const originAt = placeOf('access-control-allow-origin');
  if (policyAt === 0 || originAt === 0) return undefined;
  return { headers, bytes, originAt, policyAt, policy };
}

export interface KeptDocuments {
  /** Answers what is kept, at once and without a line in the log. @returns false when it is for the application. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** Keeps what the engine answers; the first middleware, so that no header is missing. */
  readonly middleware: Middleware;
}

export function keepDocuments({ ISSUER }: Pick<Settings, 'ISSUER'>): KeptDocuments {
  const { host } = new URL(ISSUER);
  const paths = new Set(DOCUMENT_PATHS);
  const documents = new Map<string, Kept>();
  // The engine writes its addresses after the Host, so only the issuer's own is kept.
  const isPlain = ({ method, url = '', headers }: IncomingMessage) =>
    method === 'GET' && paths.has(url) && headers.host === host;

  return {
    answer(request, response) {
      const kept = documents.get(request.url ?? '');
      if (!kept || !isPlain(request)) return false;
      const lines = kept.headers.slice();
      lines[kept.originAt] = request.headers.origin || '*';
      lines[kept.policyAt] = kept.policy.join(randomToken(16));
      response.writeHead(200, lines).end(kept.bytes);
      return true;
    },
    async middleware(ctx, next) {
      await next();
      const fresh = isPlain(ctx.req) ? keep(ctx) : undefined;
      if (fresh) documents.set(ctx.url, fresh);
    },
  };
}
