/**
 * An application of the portal, as its own makers would write it: a real OpenID Connect relying party.
 *
 * Owns: its sessions (in memory), its pages, and nothing of Caducée's: it knows the issuer's address, its own
 * identifier and its secret. Serves the demo and the tests.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import Koa, { type Context } from 'koa';
import nunjucks from 'nunjucks';
import * as oidc from 'openid-client';

export type RelyingPartyOptions = {
  /** 0 takes any free port. */
  port: number;
  /** Name in its addresses; it listens on 127.0.0.1 when that is `localhost`. */
  host?: string;
  /** What people call it, « Messagerie » for one. */
  name: string;
  /** One sentence on what it is for. */
  tagline: string;
  issuer: string;
  clientId: string;
  /** Without it, the client is public. */
  clientSecret?: string;
  /** Space-separated, `openid` included. */
  scope: string;
  /** Background of its buttons, dark enough for white text. */
  accent?: string;
};

export type RelyingParty = { url: string; close(): Promise<void> };

type Flow = { verifier: string; nonce: string; maxAge?: number };
type Claims = Record<string, unknown>;
type SignedIn = {
  idToken: string;
  accessToken: string;
  refreshToken?: string;
  claims: Claims;
  userinfo: Claims;
  refreshes: number;
  /** The last refresh: when, and whether the provider gave another refresh token. */
  refreshed?: { at: Date; rotated: boolean };
};
type Session = { flows: Map<string, Flow>; signedIn?: SignedIn; refreshing?: Promise<void> };

/** What the page of a failure says; `detail` is the provider's own words. */
type Failure = { status: number; title: string; text: string; detail?: string };

const MAX_SESSIONS = 1000;
const MAX_FLOWS = 10;
/** What `/login` hands on to the provider: sign-ins started elsewhere, and trying things out. */
const HANDED_ON = ['login_hint', 'prompt', 'max_age', 'acr_values', 'ui_locales', 'claims'] as const;

/** The addresses that an application at `base` (no slash at the end) registers with its provider. */
export const relyingPartyUrls = (base: string) => ({
  home: `${base}/`,
  redirectUri: `${base}/callback`,
  postLogoutRedirectUri: `${base}/`,
  backchannelLogoutUri: `${base}/backchannel-logout`,
  initiateLoginUri: `${base}/login`,
});

/** Starts the application; its provider is only asked at the first sign-in. Throws when the port is taken. */
export async function startRelyingParty(options: RelyingPartyOptions): Promise<RelyingParty> {
  const {
    host = 'localhost',
    name,
    tagline,
    issuer,
    clientId,
    clientSecret,
    scope,
    accent = '#135e63',
  } = options;
  const server = createServer();
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(options.port, host === 'localhost' ? '127.0.0.1' : host, done);
  });
  const { port } = server.address() as AddressInfo;
  const base = `http://${host}:${port}`;
  const urls = relyingPartyUrls(base);

  let discovered: Promise<oidc.Configuration> | undefined;
  const provider = () => {
    discovered ??= discover(issuer, clientId, clientSecret).catch((error) => {
      discovered = undefined;
      throw error;
    });
    return discovered;
  };

  const sessions = new Map<string, Session>();
  // Cookies ignore ports: two applications on one host would sign each other out.
  const cookie = `rp_${port}`;
  const sessionOf = (ctx: Context) => sessions.get(ctx.cookies.get(cookie) ?? '');
  const openSession = (ctx: Context, session: Session) => {
    sessions.delete(ctx.cookies.get(cookie) ?? '');
    const id = randomBytes(32).toString('base64url');
    sessions.set(id, session);
    const oldest = sessions.keys().next().value;
    if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
    ctx.cookies.set(cookie, id, { httpOnly: true, sameSite: 'lax', signed: false });
  };
  // A logout token is good once (OpenID Connect Back-Channel Logout 1.0 §2.6).
  const logoutTokens = new Set<string>();
  const endSessionsOf = ({ sub, sid }: JWTPayload) => {
    for (const [id, { signedIn }] of sessions)
      if (signedIn && (sid === undefined ? signedIn.claims.sub === sub : signedIn.claims.sid === sid))
        sessions.delete(id);
  };
  const endSession = (ctx: Context) => {
    sessions.delete(ctx.cookies.get(cookie) ?? '');
    ctx.cookies.set(cookie, null, { signed: false });
  };
  const show = (ctx: Context, more: object) => {
    ctx.type = 'html';
    ctx.body = pages.renderString(PAGE, { name, tagline, css: CSS.replace('ACCENT', accent), ...more });
  };
  const showFailure = (ctx: Context, { status, ...failure }: Failure) => {
    ctx.status = status;
    show(ctx, { failure, signedIn: sessionOf(ctx)?.signedIn });
  };

  const router = new Router();

  router.get('/', (ctx) => {
    const signedIn = sessionOf(ctx)?.signedIn;
    if (!signedIn) return show(ctx, {});
    const { claims, userinfo, refreshes, refreshed, refreshToken } = signedIn;
    show(ctx, {
      signedIn,
      person: personName({ ...claims, ...userinfo }),
      email: userinfo.email ?? claims.email,
      asksEmail: scope.split(' ').includes('email'),
      tables: [
        { caption: 'Jeton d’identité (ID token)', rows: rows(claims) },
        { caption: 'Informations de la personne (userinfo)', rows: rows(userinfo) },
      ],
      refreshes,
      refreshed: refreshed && { time: TIME.format(refreshed.at), rotated: refreshed.rotated },
      refreshable: refreshToken !== undefined,
    });
  });

  router.get('/claims.json', (ctx) => {
    const signedIn = sessionOf(ctx)?.signedIn;
    ctx.status = signedIn ? 200 : 401;
    ctx.body = signedIn
      ? { id_token: signedIn.claims, userinfo: signedIn.userinfo, refreshes: signedIn.refreshes }
      : { error: 'not_signed_in' };
  });

  // A provider may start a sign-in by GET or by POST (OpenID Connect Core, section 4).
  router.all(['/login'], async (ctx) => {
    if (ctx.method !== 'GET' && ctx.method !== 'POST') return ctx.throw(405);
    const asked = { ...ctx.query, ...(ctx.request.body as object | undefined) } as Record<string, unknown>;
    if (asked.iss !== undefined && asked.iss !== issuer) return showFailure(ctx, UNKNOWN_ISSUER);
    const parameters: Record<string, string> = { scope, redirect_uri: urls.redirectUri };
    for (const key of HANDED_ON) {
      const value = asked[key];
      if (typeof value === 'string' && value !== '') parameters[key] = value;
    }
    const config = await provider();
    const state = oidc.randomState();
    const flow: Flow = {
      verifier: oidc.randomPKCECodeVerifier(),
      nonce: oidc.randomNonce(),
      ...(parameters.max_age ? { maxAge: Number(parameters.max_age) } : {}),
    };
    let session = sessionOf(ctx);
    if (!session) {
      session = { flows: new Map() };
      openSession(ctx, session);
    }
    // Several at a time: each tab comes back with its own state.
    session.flows.set(state, flow);
    const oldest = session.flows.keys().next().value;
    if (session.flows.size > MAX_FLOWS && oldest !== undefined) session.flows.delete(oldest);
    ctx.status = 303;
    ctx.redirect(
      oidc.buildAuthorizationUrl(config, {
        ...parameters,
        response_type: 'code',
        state,
        nonce: flow.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: 'S256',
      }).href,
    );
  });

  router.get('/callback', async (ctx) => {
    const session = sessionOf(ctx);
    const state = typeof ctx.query.state === 'string' ? ctx.query.state : '';
    const flow = session?.flows.get(state);
    if (!session || !flow) return showFailure(ctx, EXPIRED);
    session.flows.delete(state);
    const config = await provider();
    const tokens = await oidc.authorizationCodeGrant(config, new URL(ctx.url, base), {
      pkceCodeVerifier: flow.verifier,
      expectedState: state,
      expectedNonce: flow.nonce,
      idTokenExpected: true,
      ...(flow.maxAge === undefined ? {} : { maxAge: flow.maxAge }),
    });
    const claims = tokens.claims()!;
    const signedIn: SignedIn = {
      idToken: tokens.id_token!,
      accessToken: tokens.access_token,
      ...(tokens.refresh_token ? { refreshToken: tokens.refresh_token } : {}),
      claims,
      userinfo: await oidc.fetchUserInfo(config, tokens.access_token, claims.sub),
      refreshes: 0,
    };
    // Another session identifier than before the sign-in: one that was planted is worth nothing.
    openSession(ctx, { flows: session.flows, signedIn });
    ctx.status = 303;
    ctx.redirect('/');
  });

  router.post('/refresh', async (ctx) => {
    const session = sessionOf(ctx);
    if (session?.signedIn?.refreshToken) {
      const config = await provider();
      // Two clicks are one refresh: a refresh token shown twice looks stolen, and ends everything.
      session.refreshing ??= refresh(config, session).finally(() => delete session.refreshing);
      try {
        await session.refreshing;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        endSession(ctx);
        return showFailure(ctx, OVER);
      }
    }
    ctx.status = 303;
    ctx.redirect('/');
  });

  router.post('/backchannel-logout', async (ctx) => {
    const { logout_token: token } = (ctx.request.body ?? {}) as { logout_token?: unknown };
    const claims = await readLogoutToken(await provider(), token).catch(() => undefined);
    ctx.set('Cache-Control', 'no-store');
    if (!claims || logoutTokens.has(String(claims.jti))) {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request' };
      return;
    }
    logoutTokens.add(String(claims.jti));
    const oldest = logoutTokens.values().next().value;
    if (logoutTokens.size > MAX_SESSIONS && oldest !== undefined) logoutTokens.delete(oldest);
    endSessionsOf(claims);
    ctx.status = 200;
  });

  router.post('/logout', async (ctx) => {
    const idToken = sessionOf(ctx)?.signedIn?.idToken;
    endSession(ctx);
    ctx.status = 303;
    if (!idToken) return ctx.redirect('/');
    const config = await provider();
    ctx.redirect(
      oidc.buildEndSessionUrl(config, {
        id_token_hint: idToken,
        post_logout_redirect_uri: urls.postLogoutRedirectUri,
        client_id: clientId,
      }).href,
    );
  });

  const app = new Koa();
  app.use(async (ctx, next) => {
    ctx.set({
      // Signing out is a form that ends at the provider: a redirect counts as the form's action.
      'Content-Security-Policy': `default-src 'none'; style-src 'unsafe-inline'; form-action 'self' ${new URL(issuer).origin}; base-uri 'none'; frame-ancestors 'none'`,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    });
    try {
      await next();
      if (ctx.status === 404 && !ctx.body) showFailure(ctx, NOT_FOUND);
    } catch (error) {
      showFailure(ctx, explain(error));
    }
  });
  app.use(bodyParser());
  app.use(async (ctx, next) => {
    // The provider may post to /login; the rest is for our own pages.
    const origin = ctx.get('Origin');
    const foreign = origin !== '' && origin !== `http://${ctx.host}`;
    if (ctx.method === 'POST' && ctx.path !== '/login' && foreign) return showFailure(ctx, FOREIGN);
    await next();
  });
  app.use(router.routes());
  server.on('request', app.callback());

  return {
    url: base,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function discover(issuer: string, clientId: string, secret?: string): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  return await oidc.discovery(
    url,
    clientId,
    undefined,
    secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret),
    {
      // Signatures are checked although the tokens come straight from the provider: a demo may run without TLS.
      execute: [
        oidc.enableNonRepudiationChecks,
        ...(url.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
      ],
      timeout: 10,
    },
  );
}

/** OpenID Connect Back-Channel Logout 1.0 §2.6. Throws when it is not a logout token of this provider for this application. */
async function readLogoutToken(config: oidc.Configuration, token: unknown): Promise<JWTPayload> {
  const { issuer, jwks_uri } = config.serverMetadata();
  const { client_id } = config.clientMetadata();
  const keys = createRemoteJWKSet(new URL(jwks_uri!));
  const { payload } = await jwtVerify(String(token), keys, {
    issuer,
    audience: client_id,
    typ: 'logout+jwt',
    algorithms: ['ES256', 'RS256'],
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
  });
  const events = payload.events as Claims | null;
  if (typeof events?.['http://schemas.openid.net/event/backchannel-logout'] !== 'object')
    throw new Error('not a logout event');
  if ('nonce' in payload) throw new Error('an ID token is not a logout token');
  if (typeof payload.sid !== 'string' && typeof payload.sub !== 'string')
    throw new Error('nobody to sign out');
  return payload;
}

async function refresh(config: oidc.Configuration, session: Session): Promise<void> {
  const before = session.signedIn!;
  const subject = String(before.claims.sub);
  const tokens = await oidc.refreshTokenGrant(config, before.refreshToken!);
  const claims = tokens.claims();
  if (claims && claims.sub !== subject) throw new Error('The refreshed ID token is about somebody else.');
  // Kept at once: the former refresh token is spent, whatever happens to the question that follows.
  session.signedIn = {
    ...before,
    idToken: tokens.id_token ?? before.idToken,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? before.refreshToken!,
    claims: claims ?? before.claims,
    refreshes: before.refreshes + 1,
    refreshed: {
      at: new Date(),
      rotated: tokens.refresh_token !== undefined && tokens.refresh_token !== before.refreshToken,
    },
  };
  session.signedIn.userinfo = await oidc.fetchUserInfo(config, tokens.access_token, subject);
}

// ---------------------------------------------------------------------------------------------- failures

const EXPIRED: Failure = {
  status: 400,
  title: 'Cette connexion a expiré ou a déjà servi',
  text: 'La page a peut-être été ouverte deux fois, ou laissée trop longtemps.',
};
const UNKNOWN_ISSUER: Failure = {
  status: 400,
  title: 'Fournisseur d’identité inconnu',
  text: 'La demande de connexion ne vient pas de Caducée : elle n’a pas été suivie.',
};
const OVER: Failure = {
  status: 401,
  title: 'Votre connexion a pris fin',
  text: 'Caducée n’actualise plus vos jetons : votre session est terminée ou votre accès a été retiré.',
};
const FOREIGN: Failure = {
  status: 403,
  title: 'Demande refusée',
  text: 'Cette action ne venait pas d’une page de cette application.',
};
const NOT_FOUND: Failure = {
  status: 404,
  title: 'Page introuvable',
  text: 'Cette adresse n’existe pas dans cette application.',
};
const UNREACHABLE: Failure = {
  status: 503,
  title: 'Caducée ne répond pas',
  text: 'La connexion n’a pas pu avoir lieu. Réessayez dans un instant.',
};
const REFUSED: Record<string, { title: string; text: string }> = {
  access_denied: {
    title: 'Connexion refusée',
    text: 'Vous avez renoncé à la connexion, ou votre compte n’a pas accès à cette application.',
  },
  login_required: {
    title: 'Connexion nécessaire',
    text: 'Vous n’êtes pas connecté à Caducée : connectez-vous pour continuer.',
  },
  interaction_required: {
    title: 'Une étape est nécessaire',
    text: 'Caducée a besoin de vous pour continuer.',
  },
  consent_required: { title: 'Votre accord est nécessaire', text: 'Caducée a besoin de votre accord.' },
};

/** What a person reads of an error: never its stack. */
function explain(error: unknown): Failure {
  if (error instanceof oidc.AuthorizationResponseError) {
    const known = REFUSED[error.error];
    return {
      status: 403,
      title: known?.title ?? 'La connexion n’a pas abouti',
      text: known?.text ?? 'Caducée n’a pas pu terminer la connexion.',
      detail: [error.error, error.error_description].filter(Boolean).join(' : '),
    };
  }
  // The code was used twice, or waited too long.
  if (isRefusal(error)) return EXPIRED;
  if (error instanceof oidc.ResponseBodyError) {
    return { ...UNREACHABLE, status: 502, title: 'La connexion n’a pas abouti', detail: error.error };
  }
  if (error instanceof Error && 'status' in error && Number(error.status) < 500) {
    return { ...FOREIGN, status: Number(error.status) };
  }
  return UNREACHABLE;
}

const isRefusal = (error: unknown) =>
  (error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant') ||
  (error instanceof oidc.WWWAuthenticateChallengeError &&
    error.cause.some(({ parameters }) => parameters.error === 'invalid_token'));

// ------------------------------------------------------------------------------------------------- pages

const TIME = new Intl.DateTimeFormat('fr-FR', {
  dateStyle: 'short',
  timeStyle: 'medium',
  timeZone: 'Europe/Paris',
});
const INSTANTS = new Set(['iat', 'exp', 'nbf', 'auth_time', 'updated_at']);

function personName({ given_name, family_name, name, email }: Claims): string {
  const full = [given_name, family_name].filter((part) => typeof part === 'string').join(' ');
  return full || String(name ?? email ?? '').trim();
}

function rows(claims: Claims): { name: string; value: string; block: boolean; note?: string }[] {
  return Object.entries(claims).map(([name, value]) => ({
    name,
    block: typeof value === 'object',
    value: typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value),
    ...(INSTANTS.has(name) && typeof value === 'number' ? { note: TIME.format(new Date(value * 1000)) } : {}),
  }));
}

const pages = new nunjucks.Environment(null, { autoescape: true });

const CSS = `
  :root { --ink: #1d2b2f; --soft: #5b6a6e; --paper: #f6f7f9; --card: #fff; --line: #d9dfde; --accent: ACCENT }
  * { box-sizing: border-box }
  body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.5 system-ui, sans-serif }
  header { background: var(--accent); color: #fff; padding: 16px }
  header p { margin: 0 auto; max-width: 760px; font-weight: 650; font-size: 1.15rem }
  main { max-width: 792px; margin: 0 auto; padding: 24px 16px 48px }
  h1 { font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em; margin: 0 0 8px; overflow-wrap: anywhere }
  .soft { color: var(--soft); margin: 0 0 16px }
  .card { background: var(--card); border: 1px solid var(--line); border-radius: 16px; padding: 20px; margin: 16px 0 }
  .card > p { margin: 0 0 16px }
  .actions { display: flex; flex-wrap: wrap; gap: 12px }
  .button { display: inline-flex; align-items: center; min-height: 48px; padding: 8px 20px; border: 2px solid var(--accent); border-radius: 12px; background: var(--accent); color: #fff; font: inherit; font-weight: 600; text-decoration: none; cursor: pointer }
  .button.second { background: #fff; color: var(--ink) }
  :focus-visible { outline: 3px solid #1d2b2f; outline-offset: 2px }
  table { width: 100%; border-collapse: collapse; table-layout: fixed }
  caption { text-align: left; font-weight: 650; padding-bottom: 8px }
  th, td { text-align: left; vertical-align: top; padding: 8px 8px 8px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; font-weight: 400 }
  th { width: 34%; color: var(--soft) }
  pre { margin: 0; white-space: pre-wrap; font: .85rem/1.5 ui-monospace, monospace }
  @media (max-width: 480px) {
    th, td { display: block; width: 100% }
    th { padding-bottom: 0 }
    td { border-top: 0; padding-top: 0 }
  }
`;

const PAGE = `<!doctype html>
<html lang="fr">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{{ failure.title + ' – ' + name if failure else name }}</title>
  <style>{{ css | safe }}</style>
</head>
<body>
  <header><p>{{ name }}</p></header>
  <main>
  {% if failure %}
    <h1>{{ failure.title }}</h1>
    <div class="card">
      <p>{{ failure.text }}</p>
      {% if failure.detail %}<p class="soft">Réponse reçue : {{ failure.detail }}</p>{% endif %}
      <div class="actions">
        <a class="button" href="/login">Recommencer la connexion</a>
        <a class="button second" href="/">Retour à l’accueil</a>
      </div>
    </div>
  {% elif signedIn %}
    <h1>Bonjour {{ person }}</h1>
    <p class="soft">{{ tagline }}</p>
    {% if asksEmail %}<p>{% if email %}Votre compte dans {{ name }} : <b>{{ email }}</b>{% else %}Caducée ne donne plus d’adresse à {{ name }} : reconnectez-vous pour en choisir une.{% endif %}</p>{% endif %}
    <div class="card">
      <p role="status">
        {%- if refreshed %}Jetons actualisés {{ refreshes }} fois, la dernière le {{ refreshed.time }} :
          {{ 'le jeton d’actualisation a changé.' if refreshed.rotated else 'le jeton d’actualisation est resté le même.' }}
        {%- elif refreshable %}Jetons jamais actualisés.
        {%- else %}Caducée n’a pas donné de jeton d’actualisation à cette application.{% endif -%}
      </p>
      <div class="actions">
        {% if refreshable %}<form method="post" action="/refresh"><button class="button">Actualiser les jetons</button></form>{% endif %}
        <form method="post" action="/logout"><button class="button second">Se déconnecter</button></form>
      </div>
    </div>
    {% for table in tables %}
    <div class="card">
      <table>
        <caption>{{ table.caption }}</caption>
        <tbody>
        {% for row in table.rows %}
          <tr>
            <th scope="row">{{ row.name }}</th>
            <td>{% if row.block %}<pre>{{ row.value }}</pre>{% else %}{{ row.value }}{% endif %}
              {%- if row.note %} <span class="soft">({{ row.note }})</span>{% endif %}</td>
          </tr>
        {% endfor %}
        </tbody>
      </table>
    </div>
    {% endfor %}
  {% else %}
    <h1>{{ name }}</h1>
    <p class="soft">{{ tagline }}</p>
    <div class="card">
      <p>Cette application ne connaît pas votre mot de passe : elle demande à Caducée qui vous êtes,
        et ne reçoit que ce que vous lui destinez.</p>
      <div class="actions"><a class="button" href="/login">Se connecter avec Caducée</a></div>
    </div>
  {% endif %}
  </main>
</body>
</html>
`;
