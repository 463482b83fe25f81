/**
 * The OpenID Connect engine: oidc-provider at the issuer's root, its policy and its settings. Pages are elsewhere: it
 * sends people to `/connexion/:uid` and is told how that ended.
 */
import { decodeJwt } from 'jose';
import Provider, {
  type Client,
  type Configuration,
  type JWK as EngineKey,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type pg from 'pg';
import type { Settings } from '../../config/settings.ts';
import { findClientMetadata, secretMatches } from '../applications/applications.ts';
import type { Keyring } from '../lib/keyring.ts';
import { findActingMember, grantHash, rememberMember, sessionHash } from './acting-members.ts';
import { createAdapterFactory } from './adapter.ts';
import { assertClaims } from './asked-claims.ts';
import { ACR_VALUES, askedAssurance, isMet } from './assurance.ts';
import { type Acting, CLAIMS_BY_SCOPE, findClaims } from './claims.ts';
import type { EngineStore } from './store.ts';

const MINUTES = 60;
const HOURS = 60 * MINUTES;
const DAYS = 24 * HOURS;
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
  /** Assurance classes that this account, or this member of a shared one, can reach here by signing in again. */
  reachableClasses(accountId: string, memberId: string | undefined): Promise<string[]>;
  signOut(ctx: KoaContextWithOIDC, xsrf: string): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): Promise<void>;
  error(ctx: KoaContextWithOIDC, error: errors.OIDCProviderError | Error): Promise<void>;
}

interface Deps {
  readonly settings: Settings;
  readonly pool: pg.Pool;
  readonly keyring: Keyring;
  readonly engineStore: EngineStore;
}

/** Asks for another sign-in when the session's class is not the one asked for and another try can reach it. */
async function mustStepUp(
  ctx: KoaContextWithOIDC,
  reachableClasses: EnginePages['reachableClasses'],
): Promise<boolean> {
  const { oidc } = ctx;
  const asked = askedAssurance(oidc.params ?? {});
  if (!asked) return false;
  if (asked.classes.length === 0) {
    // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
    throw new errors.CustomOIDCProviderError('unmet_authentication_requirements', 'acr values are unknown');
  }
  const accountId = oidc.session?.accountId;
  if (!accountId) return false;
  // A wish is not worth a refusal, nor a second sign-in right after the first.
  if (!asked.essential && (oidc.prompts.has('none') || oidc.result?.login)) return false;
  return !isMet(asked, oidc.acr ?? '', await reachableClasses(accountId, memberOf(ctx)));
}

function loginAndConsent({ reachableClasses }: EnginePages): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const checks = policy.get('login')?.checks;
  // Ours covers them, and acr_values too, which the engine leaves alone.
  checks?.remove('essential_acr');
  checks?.remove('essential_acrs');
  checks?.add(
    // A suspended or closed account keeps its browser session until the browser comes back.
    new interactionPolicy.Check(
      'account_not_active',
      'this account may not sign in',
      'login_required',
      (ctx) => Boolean(ctx.oidc.session?.accountId && !ctx.oidc.account),
    ),
  );
  checks?.add(
    // The engine compares the hint before the sign-in only, and whoever signs in may be somebody else.
    new interactionPolicy.Check(
      'id_token_hint_answered',
      'id_token_hint and authenticated subject do not match',
      'login_required',
      (ctx) => {
        const { result, params, account, entities } = ctx.oidc;
        const hint = params?.id_token_hint;
        if (!result?.login || !account || entities.IdTokenHint || typeof hint !== 'string') return false;
        if (decodeJwt(hint).sub === account.accountId) return false;
        throw new errors.LoginRequired('id_token_hint and authenticated subject do not match');
      },
    ),
  );
  checks?.add(
    new interactionPolicy.Check('assurance', 'another authentication is required', 'login_required', (ctx) =>
      mustStepUp(ctx, reachableClasses),
    ),
  );
  return policy;
}

const isFirstParty = (client: Client | undefined): boolean => client?.first_party === true;

/** What {@link Configuration.findAccount} returns: of a shared account, who acts for it. */
interface EngineAccount {
  readonly accountId: string;
  readonly memberId: string | undefined;
}

const memberOf = (ctx: KoaContextWithOIDC): string | undefined =>
  (ctx.oidc.account as EngineAccount | undefined)?.memberId;

/**
 * Two tabs that open one application at the same moment must share one grant, so its identifier follows from the
 * session, the application and the person.
 */
function grantIdOf(keyring: Keyring, ctx: KoaContextWithOIDC, accountId: string): string {
  const member = memberOf(ctx);
  const parts = [ctx.oidc.session?.uid, ctx.oidc.client?.clientId, accountId, ...(member ? [member] : [])];
  return Buffer.from(keyring.lookupHash('grant', parts.join('\n'))).toString('base64url');
}

async function loadExistingGrant({ keyring, pool }: Deps, ctx: KoaContextWithOIDC) {
  const { oidc } = ctx;
  const { client, session, account, provider } = oidc;
  if (!client || !session || !account) return undefined;
  const grantId = oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  let existing = grantId ? await provider.Grant.find(grantId) : undefined;
  if (existing && existing.accountId !== account.accountId) return undefined;
  // A colleague signed in after the one who got this grant, in the same browser: each has their own.
  const member = memberOf(ctx);
  if (existing && member && grantId) {
    const givenTo = await findActingMember(pool, grantHash(keyring, grantId));
    if (givenTo && givenTo !== member) existing = undefined;
  }
  if (!isFirstParty(client)) return existing;

  const wanted = [...oidc.requestParamOIDCScopes].join(' ');
  const granted = new Set(existing?.getOIDCScopeEncountered().split(' '));
  if (existing && [...oidc.requestParamOIDCScopes].every((scope) => granted.has(scope))) return existing;
  const grant = existing ?? new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  grant.jti ??= grantIdOf(keyring, ctx, account.accountId);
  grant.addOIDCScope(wanted);
  await grant.save();
  return grant;
}

/** By what a request is known to come from one member of a shared account rather than another. */
function actingOf(keyring: Keyring, ctx: KoaContextWithOIDC, token: unknown): Acting {
  const login = ctx.oidc?.result?.login as { memberId?: string } | undefined;
  if (login) return { memberId: login.memberId };
  const { grantId } = (token ?? {}) as { grantId?: string };
  if (grantId) return { hash: grantHash(keyring, grantId) };
  const uid = ctx.oidc?.session?.uid;
  return uid ? { hash: sessionHash(keyring, uid) } : {};
}

/** Keeps who acts for a shared account with the session and the grant that the request leaves behind. */
async function keepMember({ keyring, pool }: Deps, ctx: KoaContextWithOIDC): Promise<void> {
  if (!ctx.oidc) return;
  const member = memberOf(ctx);
  const { session, entities } = ctx.oidc;
  if (!member || !session?.accountId) return;
  await rememberMember(pool, sessionHash(keyring, session.uid), member);
  const grantId = entities.Grant?.jti;
  if (grantId) await rememberMember(pool, grantHash(keyring, grantId), member);
}

export async function createProvider(
  deps: Deps,
  keys: readonly object[],
  pages: EnginePages,
): Promise<Provider> {
  const { settings, pool, keyring, engineStore } = deps;
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
      findClient: (clientId) => findClientMetadata(pool, clientId),
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
      },
    ],
    extraClientMetadata: { properties: ['first_party', 'icon'] },
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
    features: {
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
      return found && { accountId, memberId: found.memberId, claims: async () => found.claims };
    },
    loadExistingGrant: (ctx) => loadExistingGrant(deps, ctx),
    interactions: {
      policy: loginAndConsent(pages),
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
  });
  // Forwarded headers are checked and rewritten before any request comes here (http/forwarded.ts).
  provider.proxy = true;
  provider.Client.prototype.compareClientSecret = function compare(this: Client, secret: string) {
    return secretMatches(secret, this.clientSecret ?? '');
  };
  return provider;
}
