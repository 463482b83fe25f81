/**
 * What stands between a sign-in and an application: whether the person may enter it, and under which address it knows
 * them. Two prompts of the policy, after the sign-in and before consent, and the note that the application was opened.
 */
import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import type pg from 'pg';
import { linkOnlyEmail } from '../applications/email-links.ts';
import { isUseDue, recordUse } from '../applications/uses.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { parseAddress } from '../lib/network.ts';
import { CLAIMS_BY_SCOPE } from './claims.ts';
import { seenAccount } from './grants.ts';
import { currentUnit } from './unit-of-work.ts';

export const ACCESS_PROMPT = 'application_access';
export const EMAIL_PROMPT = 'application_email';

interface Deps {
  readonly clock: Clock;
  readonly knex: Db;
  readonly pool: pg.Pool;
}

/** Whether the request asks for the address, by the scope or by a claim (OpenID Connect Core §5.4, §5.5). */
const asksForEmail = ({ oidc }: KoaContextWithOIDC): boolean =>
  oidc.requestParamOIDCScopes.has('email') ||
  (CLAIMS_BY_SCOPE.email ?? []).some((claim) => oidc.requestParamClaims.has(claim));

/** A sign-in to our own pages: nothing is told, so there is nothing to ask. */
const isOwn = ({ oidc }: KoaContextWithOIDC): boolean => oidc.params?.response_type === 'none';

async function mustChooseEmail({ clock, knex }: Deps, ctx: KoaContextWithOIDC): Promise<boolean> {
  const seen = seenAccount(ctx);
  const { client } = ctx.oidc;
  if (!seen || !client || isOwn(ctx) || !asksForEmail(ctx) || seen.claims.email !== undefined) return false;
  const accountId = seen.claims.sub;
  const change = {
    accountId,
    clientId: client.clientId,
    actor: seen.memberId ?? accountId,
    source: parseAddress(ctx.ip),
  };
  return !(await linkOnlyEmail(knex, { clock }, change));
}

/** Adds both prompts after the sign-in. */
export function withApplicationPrompts(
  deps: Deps,
  policy: interactionPolicy.DefaultPolicy,
): interactionPolicy.DefaultPolicy {
  const { Check, Prompt } = interactionPolicy;
  const access = new Check(
    'access_rules',
    'this account may not enter the application',
    'access_denied',
    (ctx) => seenAccount(ctx)?.mayEnter === false,
  );
  const email = new Check(
    'email_not_linked',
    'the person has to choose an address for this application',
    'interaction_required',
    (ctx) => mustChooseEmail(deps, ctx),
  );
  const signIn = policy.findIndex(({ name }) => name === 'login');
  policy.add(new Prompt({ name: ACCESS_PROMPT }, access), signIn + 1);
  policy.add(new Prompt({ name: EMAIL_PROMPT }, email), signIn + 2);
  return policy;
}

/** Keeps that the application was opened, once the code that opens it is stored. */
export function noteUse({ clock, pool }: Deps, ctx: KoaContextWithOIDC): void {
  const seen = seenAccount(ctx);
  const { client } = ctx.oidc;
  if (!seen || !client || isOwn(ctx) || !isUseDue(clock, seen.lastUsedAt)) return;
  const use = { accountId: seen.claims.sub, clientId: client.clientId };
  currentUnit()?.afterWriting(() => recordUse(pool, clock, use));
}
