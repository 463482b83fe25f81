/** Every failure ends here: a page in the person's words with a reference, and one line in the log with the same. */
import type { Context, Middleware } from 'koa';
import { HashQueueFullError } from '../credentials/password-hash.ts';
import type { Deps } from '../deps.ts';
import { CaduceeError, type ErrorKind } from '../errors.ts';
import { type RequestState, renderPage } from './context.ts';

/** Connection lost, refused or not to be had (PostgreSQL classes 08, 53, 57P), or no connection left in time. */
const DATABASE_AWAY = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|08...|53300|57P0.)$/;

const isDatabaseAway = (error: { code?: string; name?: string; message?: string }): boolean =>
  DATABASE_AWAY.test(error.code ?? '') ||
  error.name === 'KnexTimeoutError' ||
  /timeout exceeded when trying to connect|Connection terminated/.test(error.message ?? '');

export function asCaduceeError(error: unknown): CaduceeError {
  if (error instanceof CaduceeError) return error;
  if (error instanceof HashQueueFullError) {
    return new CaduceeError('busy', { cause: error, retryAfterSeconds: error.retryAfterSeconds });
  }
  const { status, expose } = error as { status?: number; expose?: boolean };
  if (expose && status === 413) return new CaduceeError('tooLarge', { cause: error });
  if (expose && status && status < 500) return new CaduceeError('protocol', { cause: error, status });
  if (isDatabaseAway(error as Error))
    return new CaduceeError('unavailable', { cause: error, retryAfterSeconds: 5 });
  return new CaduceeError('internal', { cause: error });
}

/** What to do next, where it is not the home page. */
const ACTIONS: { readonly [Kind in ErrorKind]?: { url: string; labelKey: string }[] } = {
  misdirected: [],
  interactionExpired: [{ url: '/connexion', labelKey: 'error.action.signIn' }],
  alreadySignedIn: [{ url: '/', labelKey: 'error.action.portal' }],
};

/** Where the page is shown again in another language: never `//elsewhere`, nor a request that had a body. */
const pathOf = (ctx: Context): string =>
  ctx.method === 'GET' && /^(\/[\w-]+)+$/.test(ctx.path) ? ctx.path : '/';

function logError({ log }: Deps, ctx: Context, error: CaduceeError): void {
  const { reference } = ctx.state as RequestState;
  const line = { reference, kind: error.kind, status: error.status, detail: error.detail };
  const cause = error.cause as Error | undefined;
  if (error.status < 500) log.info(line, 'request refused');
  else
    log.error(
      { ...line, error: cause && { name: cause.name, message: cause.message, stack: cause.stack } },
      'request failed',
    );
}

/** Answers with the page of this error. */
export function renderError(deps: Deps, ctx: Context, error: CaduceeError): void {
  logError(deps, ctx, error);
  const { reference } = ctx.state as RequestState;
  ctx.status = error.status;
  if (error.retryAfterSeconds) ctx.set('Retry-After', String(error.retryAfterSeconds));
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.body = { error: error.kind, reference };
    return;
  }
  renderPage(deps, ctx, 'error.njk', {
    titleKey: `error.${error.kind}.title`,
    messageKey: `error.${error.kind}.message`,
    adviceKey: `error.${error.kind}.advice`,
    vars: { supportEmail: error.kind === 'protocol' ? undefined : deps.settings.SUPPORT_EMAIL },
    technical: error.technical,
    referenceKey: error.kind === 'protocol' ? 'error.applicationReference' : 'error.reference',
    // No incident, so nothing to look up.
    reference: ['notFound', 'alreadySignedIn'].includes(error.kind) ? undefined : reference,
    path: pathOf(ctx),
    actions: ACTIONS[error.kind] ?? [{ url: '/', labelKey: 'error.action.home' }],
  });
}

export function handleErrors(deps: Deps): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && ctx.body === undefined) throw new CaduceeError('notFound');
      if (ctx.status === 405 && ctx.body === undefined) throw new CaduceeError('method');
    } catch (error) {
      renderError(deps, ctx, asCaduceeError(error));
    }
  };
}
