/**
 * The OpenID Connect engine: oidc-provider at the issuer's root, its policy and its settings. Pages are elsewhere: it
 * sends people to `/connexion/:uid` and is told how that ended.
 */
import Provider, {
  type Client,
  type Configuration,
  type JWK as EngineKey,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type pg from 'pg';
import type { Settings } from '../../config/settings.ts';
import { findClientMetadata, secretMatches } from '../applications/applications.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { OutgoingFetch } from '../lib/outgoing.ts';
import { createAdapterFactory } from './adapter.ts';
import { noteUse, withApplicationPrompts } from './application-prompts.ts';
import { assertClaims } from './asked-claims.ts';
import { ACR_VALUES, reportedClass } from './assurance.ts';
import { enqueueLogouts } from './back-channel-logout.ts';
import { keepSession, type SeenFrom } from './browser-sessions.ts';
import { CLAIMS_BY_SCOPE, findClaims } from './claims.ts';
import { cacheClients } from './client-cache.ts';
import { actingOf, isFirstParty, keepMember, loadExistingGrant } from './grants.ts';
import { askedOf, createPolicy, type ReachableClasses } from './policy.ts';
import type { EngineStore } from './store.ts';

const MINUTES = 60;
const HOURS = 60 * MINUTES;
const DAYS = 24 * HOURS;
const FETCHED_BYTES = 64 * 1024;
const REFRESH_TOKEN_SECONDS = 8 * HOURS;
const OFFLINE_REFRESH_TOKEN_SECONDS = 30 * DAYS;

/** The client that our own pages are: it signs in and gets no token (`response_type=none`). */
export const OWN_CLIENT_ID = 'caducee';
export const OWN_RETURN_PATH = '/retour';

/** Addresses of the engine. Protocol ones keep their usual names; people only ever see the last one. */
export const ENGINE_ROUTES = {
  authorization: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  pushed_authorization_request: '/par',
  end_session: '/deconnexion',
} as const;

export const interactionUrl = (uid: string): string => `/connexion/${uid}`;

/** Pages that the engine asks for, rendered by the top floor, and what only the sign-in pages know. */
export interface EnginePages {
  readonly reachableClasses: ReachableClasses;
  seenFrom(ctx: KoaContextWithOIDC): SeenFrom;
  signOut(ctx: KoaContextWithOIDC, xsrf: string): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): Promise<void>;
  error(ctx: KoaContextWithOIDC, error: errors.OIDCProviderError | Error): Promise<void>;
}

interface Deps {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly knex: Db;
  readonly pool: pg.Pool;
  readonly keyring: Keyring;
  readonly engineStore: EngineStore;
  readonly outgoingFetch: OutgoingFetch;
}

const isAuthorization = (ctx: KoaContextWithOIDC): boolean =>
  ctx.oidc?.route === 'authorization' || ctx.oidc?.route === 'resume';

export async function createProvider(
  deps: Deps,
  keys: readonly object[],
  pages: EnginePages,
): Promise<Provider> {
  const { settings, pool, keyring, engineStore, outgoingFetch } = deps;
  const https = settings.ISSUER.startsWith('https://');
  const cookieOptions = {
    httpOnly: true,
    sameSite: 'lax',
    secure: https,
    signed: true,
    overwrite: true,
  } as const;
  const idle = settings.SESSION_IDLE_MINUTES * MINUTES;
  const absolute = settings.SESSION_ABSOLUTE_HOURS * HOURS;

  const configuration: Configuration = {
    adapter: createAdapterFactory({
      store: engineStore,
      keyring,
      findClient: cacheClients((clientId) => findClientMetadata(pool, clientId)),
    }),
    jwks: { keys: keys as EngineKey[] },
    routes: ENGINE_ROUTES,
    clients: [
      {
        client_id: OWN_CLIENT_ID,
        client_name: 'Caducée',
        redirect_uris: [`${settings.ISSUER}${OWN_RETURN_PATH}`],
        post_logout_redirect_uris: [`${settings.ISSUER}/`],
        response_types: ['none'],
        grant_types: [],
        token_endpoint_auth_method: 'none',
        id_token_signed_response_alg: 'ES256',
        first_party: true,
        acr_demanded: true,
      },
    ],
    extraClientMetadata: { properties: ['first_party', 'icon', 'minimum_acr', 'acr_demanded'] },
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: 'RS256',
      token_endpoint_auth_method: 'client_secret_basic',
    },
    responseTypes: ['code', 'none'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256'],
      clientAuthSigningAlgValues: ['ES256', 'PS256', 'RS256', 'EdDSA'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA'],
    },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    scopes: [
      'openid',
      'offline_access',
      ...Object.keys(CLAIMS_BY_SCOPE).filter((scope) => scope !== 'openid'),
    ],
    claims: Object.fromEntries(
      Object.entries(CLAIMS_BY_SCOPE).map(([scope, claims]) => [scope, [...claims]]),
    ),
    acrValues: [...ACR_VALUES],
    conformIdTokenClaims: true,
    cookies: {
      keys: [...keyring.cookieKeys],
      names: {
        session: https ? '__Host-caducee' : 'caducee',
        interaction: 'caducee_interaction',
        resume: 'caducee_resume',
      },
      long: cookieOptions,
      short: cookieOptions,
    },
    discovery: { service_documentation: undefined, ui_locales_supported: ['fr', 'en'] },
    fetch: (url, options) => outgoingFetch(String(url), options),
    fetchResponseBodyLimits: { jwks_uri: FETCHED_BYTES, sector_identifier_uri: FETCHED_BYTES },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      claimsParameter: {
        enabled: true,
        assertClaimsParameter: async (_ctx, claims, client) => assertClaims({ ...claims }, client),
      },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        async logoutSource(ctx) {
          const secret = (ctx.oidc.session?.state as { secret?: string } | undefined)?.secret;
          if (!secret) throw new errors.InvalidRequest('no sign-out under way');
          await pages.signOut(ctx, secret);
        },
        postLogoutSuccessSource: (ctx) => pages.signedOut(ctx),
      },
      userinfo: { enabled: true },
    },
    async findAccount(ctx, accountId, token) {
      const found = await findClaims(
        pool,
        accountId,
        ctx.oidc?.client?.clientId,
        actingOf(keyring, ctx, token),
      );
      // At an authorization request, the policy stops who may not enter and says why; nowhere else are they anybody.
      if (!found || !(found.mayEnter || isAuthorization(ctx))) return undefined;
      return { accountId, seen: found, claims: async () => found.claims };
    },
    loadExistingGrant: (ctx) => loadExistingGrant(deps, ctx),
    interactions: {
      policy: withApplicationPrompts(deps, createPolicy(pages.reachableClasses)),
      url: (_ctx, interaction) => interactionUrl(interaction.uid),
    },
    issueRefreshToken: async (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') && (code.scopes.has('offline_access') || isFirstParty(client)),
    rotateRefreshToken: true,
    renderError: (ctx, _out, error) => pages.error(ctx, error),
    ttl: {
      AccessToken: 10 * MINUTES,
      AuthorizationCode: 1 * MINUTES,
      Grant: OFFLINE_REFRESH_TOKEN_SECONDS,
      IdToken: 10 * MINUTES,
      Interaction: 30 * MINUTES,
      RefreshToken: (_ctx, token) =>
        token.scopes.has('offline_access') ? OFFLINE_REFRESH_TOKEN_SECONDS : REFRESH_TOKEN_SECONDS,
      Session: (_ctx, session) => {
        const signedInAt = session.loginTs;
        const left =
          signedInAt === undefined ? absolute : signedInAt + absolute - Math.floor(Date.now() / 1000);
        return Math.max(1, Math.min(idle, left));
      },
    },
  };

  const provider = new Provider(settings.ISSUER, configuration);
  provider.use(async (ctx, next) => {
    await next();
    await keepMember(deps, ctx as KoaContextWithOIDC);
    await keepSession(deps, ctx as KoaContextWithOIDC, pages.seenFrom);
  });
  provider.on('authorization.success', (ctx) => noteUse(deps, ctx));
  enqueueLogouts(provider);
  // Where codes, and the tokens that follow from them, take their class from.
  Object.defineProperty(provider.OIDCContext.prototype, 'acr', {
    get(this: KoaContextWithOIDC['oidc']) {
      const acr = this.session?.acr;
      return acr && reportedClass(askedOf(this.client, this.params ?? {}), acr);
    },
  });
  // Forwarded headers are checked and rewritten before any request comes here (http/forwarded.ts).
  provider.proxy = true;
  provider.Client.prototype.compareClientSecret = function compare(this: Client, secret: string) {
    return secretMatches(secret, this.clientSecret ?? '');
  };
  return provider;
}
