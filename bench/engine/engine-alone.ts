/**
 * The engine by itself: oidc-provider on a Map, with the algorithms, lifetimes, scopes and clients that Caducée has, and
 * the shortest interaction that can be written. What it does not do is what Caducée adds.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { bodyParser } from '@koa/bodyparser';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import Provider, { type Adapter, type AdapterPayload, type JWK } from 'oidc-provider';
import { createPasswordHasher } from '../../src/credentials/password-hash.ts';
import { ACR_VALUES, assuranceOf } from '../../src/openid/assurance.ts';
import { CLAIMS_BY_SCOPE } from '../../src/openid/claims.ts';
import { serveAsker } from '../support/server-process.ts';
import { APPLICATION, CLIENT_ID, CLIENT_SECRET, PASSWORD, WITHOUT_QUESTION } from './subject.ts';

const MINUTES = 60;
const HOURS = 60 * MINUTES;
const DAYS = 24 * HOURS;
const issuer = process.env.ISSUER as string;

async function signingKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' } as JWK;
}

/** One Map for all models; what expired is forgotten when it is met. */
const rows = new Map<string, { payload: AdapterPayload; expiresAt: number }>();
const uids = new Map<string, string>();
const byGrant = new Map<string, Set<string>>();

function inMemory(model: string): Adapter {
  const keyOf = (id: string) => `${model}:${id}`;
  const find = async (id: string): Promise<AdapterPayload | undefined> => {
    const row = rows.get(keyOf(id));
    return row && row.expiresAt > Date.now() ? row.payload : undefined;
  };
  return {
    find,
    findByUid: async (uid) => find(uids.get(uid) ?? ''),
    findByUserCode: async () => undefined,
    async upsert(id, payload, expiresIn) {
      rows.set(keyOf(id), { payload, expiresAt: Date.now() + (expiresIn ?? 0) * 1_000 });
      if (model === 'Session') uids.set(payload.uid as string, id);
      if (!payload.grantId) return;
      const granted = byGrant.get(payload.grantId) ?? new Set();
      byGrant.set(payload.grantId, granted.add(keyOf(id)));
    },
    async consume(id) {
      const row = rows.get(keyOf(id));
      if (row) row.payload.consumed = Math.floor(Date.now() / 1_000);
    },
    async destroy(id) {
      rows.delete(keyOf(id));
    },
    async revokeByGrantId(grantId) {
      for (const key of byGrant.get(grantId) ?? []) rows.delete(key);
      byGrant.delete(grantId);
    },
  };
}

const claims = {
  name: 'Ange DOC0091000',
  given_name: 'Ange',
  family_name: 'DOC0091000',
  updated_at: Math.floor(Date.now() / 1_000),
  email: 'person@example.test',
  email_verified: true,
};

const provider = new Provider(issuer, {
  adapter: inMemory,
  jwks: { keys: [await signingKey('ES256'), await signingKey('RS256')] },
  routes: {
    authorization: '/authorize',
    token: '/token',
    userinfo: '/userinfo',
    jwks: '/jwks',
    pushed_authorization_request: '/par',
    end_session: '/deconnexion',
  },
  clients: [{ ...APPLICATION.metadata, client_id: CLIENT_ID, client_secret: CLIENT_SECRET }],
  responseTypes: ['code', 'none'],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  enabledJWA: {
    idTokenSigningAlgValues: ['ES256', 'RS256'],
    clientAuthSigningAlgValues: ['ES256', 'PS256', 'RS256', 'EdDSA'],
    dPoPSigningAlgValues: ['ES256', 'EdDSA'],
  },
  pkce: { required: () => true },
  scopes: ['offline_access', ...Object.keys(CLAIMS_BY_SCOPE)],
  claims: Object.fromEntries(Object.entries(CLAIMS_BY_SCOPE).map(([scope, names]) => [scope, [...names]])),
  acrValues: [...ACR_VALUES],
  cookies: { keys: ['a key of the measures only'], long: { signed: true }, short: { signed: true } },
  discovery: { service_documentation: undefined, ui_locales_supported: ['fr', 'en'] },
  features: {
    devInteractions: { enabled: false },
    claimsParameter: { enabled: true },
    resourceIndicators: { enabled: false },
  },
  findAccount: async (_ctx, accountId) => ({
    accountId,
    claims: async () => ({ sub: accountId, ...claims }),
  }),
  async loadExistingGrant({ oidc }) {
    const { client, session, account } = oidc;
    if (!client || !account) return undefined;
    const id = session?.grantIdFor(client.clientId);
    if (id) return provider.Grant.find(id);
    const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
    grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '));
    await grant.save();
    return grant;
  },
  interactions: { url: (_ctx, { uid }) => `/connexion/${uid}` },
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: 10 * MINUTES,
    AuthorizationCode: MINUTES,
    Grant: 30 * DAYS,
    IdToken: 10 * MINUTES,
    Interaction: 30 * MINUTES,
    RefreshToken: 8 * HOURS,
    Session: 60 * MINUTES,
  },
});

provider.on('server_error', (_ctx, error) => console.error(error));

const hasher = createPasswordHasher({
  concurrency: Number(process.env.HASH_CONCURRENCY),
  queueLimit: 200,
});
const passwordHash = await hasher.hash(PASSWORD);

provider.use(async (ctx, next) => {
  const withPassword = /^\/connexion\/[\w-]+$/.test(ctx.path);
  if (ctx.method !== 'POST' || !(withPassword || WITHOUT_QUESTION.test(ctx.path))) return next();
  if (withPassword) {
    await bodyParser()(ctx, async () => undefined);
    const { password } = ctx.request.body as { password: string };
    if (!(await hasher.verify(passwordHash, password))) return ctx.throw(401);
  }
  const ts = Math.floor(Date.now() / 1_000);
  const login = { accountId: String(ctx.query.person ?? 0), ...assuranceOf('email'), remember: false, ts };
  ctx.status = 303;
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login }));
});

const server = createServer(provider.callback());
server.listen(Number(process.env.PORT), '127.0.0.1');
await once(server, 'listening');
serveAsker({}, async () => server.closeAllConnections());
