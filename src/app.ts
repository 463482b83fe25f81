/** One node's HTTP application: middleware in order, our pages, then the engine. Importing it starts nothing. */
import type { RequestListener } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import mount from 'koa-mount';
import type Provider from 'oidc-provider';
import { wakeLogoutNotices } from './applications/logout-notices.ts';
import { record } from './audit/journal.ts';
import type { Deps } from './deps.ts';
import { CaduceeError } from './errors.ts';
import { clientAddress, type RequestState, seeOther } from './http/context.ts';
import { handleErrors } from './http/errors.ts';
import { forwarded } from './http/forwarded.ts';
import { enginePolicy, securityHeaders } from './http/headers.ts';
import { healthRoutes } from './http/health.ts';
import { language } from './http/language.ts';
import { logRequests } from './http/request-log.ts';
import { JourneyMovedError } from './journeys/journeys.ts';
import { keepDocuments } from './openid/documents.ts';
import { loadSigningKeys } from './openid/keys.ts';
import { createProvider, ENGINE_ROUTES } from './openid/provider.ts';
import { currentUnit, runInUnit, UnitOfWork } from './openid/unit-of-work.ts';
import { addresses } from './pages/addresses.ts';
import { administrationRoutes } from './pages/administration/routes.ts';
import { enginePages, recordSignOut } from './pages/engine-pages.ts';
import { homeRoutes } from './pages/home.ts';
import { myAccountRoutes } from './pages/my-account/routes.ts';
import { portalRoutes } from './pages/portal/routes.ts';
import { sharedAccountRoutes } from './pages/shared-accounts/routes.ts';
import { signInRoutes } from './pages/sign-in/routes.ts';
import { signUpRoutes } from './pages/sign-up/routes.ts';

/** What the engine was about to hand out was not stored: not even its name leaves. */
function withhold(ctx: Context): void {
  ctx.remove('Location');
  ctx.remove('Set-Cookie');
}

/**
 * Gives the request one unit of work with the engine's storage, written before the answer leaves. When something that
 * may be used once had been used already, what the engine was about to issue is not stored, and not answered either.
 */
function engineStorage(deps: Deps): Middleware {
  const { engineStore, keyring, log, knex, clock } = deps;
  return async (ctx, next) => {
    const unit = new UnitOfWork(engineStore, keyring);
    await runInUnit(unit, async () => {
      let fresh: boolean;
      try {
        await next();
      } finally {
        fresh = await unit.flush().catch((error: Error) => {
          withhold(ctx);
          throw error;
        });
        if (unit.replay) {
          const { kind, accountId, clientId } = unit.replay;
          log.warn({ reference: ctx.state.reference, kind, clientId }, 'a one-time value was used again');
          await record(knex, clock, {
            event: 'token.replayed',
            outcome: 'failure',
            subject: accountId,
            source: clientAddress(ctx),
            details: { kind, application: clientId },
          });
        }
      }
      // Written already: if the queue cannot be reached now, they are sent within the minute.
      if (unit.told)
        await wakeLogoutNotices(knex).catch((error: Error) =>
          log.warn({ error: error.message }, 'logouts are told later'),
        );
      if (fresh) return unit.runAfterwards();
      withhold(ctx);
      if (ctx.path !== ENGINE_ROUTES.token) throw new CaduceeError('protocol', { detail: 'used again' });
      ctx.status = 400;
      ctx.body = { error: 'invalid_grant', error_description: 'grant request is invalid' };
    });
  };
}

const MAX_PARAMETER_LENGTH = 2_048;

/** Anybody may send an authorization request, and the engine keeps its parameters while the person signs in. */
const boundParameters: Middleware = async (ctx, next) => {
  const isLong = (value: unknown) => String(value).length > MAX_PARAMETER_LENGTH;
  if (ctx.path === ENGINE_ROUTES.authorization && Object.values(ctx.query).some(isLong))
    throw new CaduceeError('protocol', { detail: 'a parameter is too long', status: 414 });
  await next();
};

/** Where journeys have their pages, each under its identifier. */
const JOURNEYS = [
  '/connexion',
  ...['ordre', 'medecin', 'secretariat'].map((kind) => `/inscription/${kind}`),
  '/invitation/acceptee',
  `${addresses.phones}/verifier`,
  `${addresses.totp}/activer`,
];
const JOURNEY = new RegExp(`^(?:${JOURNEYS.join('|')})/[\\w-]+`);

/** A second click or another tab moved the journey on: its address shows where it stands. */
const followJourney: Middleware = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    const journey = JOURNEY.exec(ctx.path);
    if (!(error instanceof JourneyMovedError) || !journey) throw error;
    seeOther(ctx, journey[0]);
  }
};

/** Builds the application; signing keys are made in the database when there are none. */
export async function createApp(
  deps: Deps,
): Promise<{ app: Koa; provider: Provider; listener: RequestListener }> {
  const { settings, keyring, log, assets } = deps;
  const provider = await createProvider(deps, await loadSigningKeys(deps), enginePages(deps));
  provider.on('server_error', (_ctx, error) =>
    log.error({ error: error.message, stack: error.stack }, 'engine failure'),
  );
  provider.on('end_session.success', (ctx) => currentUnit()?.afterWriting(() => recordSignOut(deps, ctx)));

  const router = new Router<RequestState>();
  homeRoutes(router, deps, provider);
  portalRoutes(router, deps, provider);
  signInRoutes(router, deps, provider);
  signUpRoutes(router, deps, provider);
  sharedAccountRoutes(router, deps, provider);
  myAccountRoutes(router, deps, provider);
  administrationRoutes(router, deps, provider);

  const app = new Koa();
  app.keys = [...keyring.cookieKeys];
  app.proxy = true;
  app.maxIpsCount = settings.TRUSTED_PROXIES;
  app.on('error', (error: Error) => log.error({ error: error.message }, 'connection failure'));

  const documents = keepDocuments(settings);
  app.use(documents.middleware);
  app.use(logRequests(deps));
  app.use(healthRoutes(deps));
  app.use(securityHeaders(settings));
  app.use(handleErrors(deps));
  // Before anything reads a cookie: the first one read decides whether the connection counts as secure.
  app.use(forwarded(settings));
  app.use(language);
  app.use(assets.middleware);
  app.use(engineStorage(deps));
  app.use(followJourney);
  app.use(router.routes());
  app.use(router.allowedMethods());
  app.use(enginePolicy);
  app.use(boundParameters);
  app.use(mount(provider));
  // Composed at the first request: whoever built the application may still add to it.
  let callback: RequestListener | undefined;
  const listener: RequestListener = (request, response) => {
    if (documents.answer(request, response)) return;
    callback ??= app.callback();
    callback(request, response);
  };
  return { app, provider, listener };
}
