/** The grant behind each authorization, and who acts for a shared account. */
import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import type pg from 'pg';
import type { Keyring } from '../lib/keyring.ts';
import { findActingMember, grantHash, rememberMember, sessionHash } from './acting-members.ts';
import type { Acting, SeenAccount } from './claims.ts';

interface Deps {
  readonly keyring: Keyring;
  readonly pool: pg.Pool;
}

export const isFirstParty = (client: Client | undefined): boolean => client?.first_party === true;

/** What {@link Configuration.findAccount} returns. */
interface EngineAccount {
  readonly accountId: string;
  readonly seen: SeenAccount;
}

/** The account of this request, as its application sees it. */
export const seenAccount = (ctx: KoaContextWithOIDC): SeenAccount | undefined =>
  (ctx.oidc.account as EngineAccount | undefined)?.seen;

/** Of a shared account, who acts for it. */
export const memberOf = (ctx: KoaContextWithOIDC): string | undefined => seenAccount(ctx)?.memberId;

/**
 * Two tabs that open one application at the same moment must share one grant, so its identifier follows from the
 * session, the application and the person.
 */
function grantIdOf(keyring: Keyring, ctx: KoaContextWithOIDC, accountId: string): string {
  const member = memberOf(ctx);
  const parts = [ctx.oidc.session?.uid, ctx.oidc.client?.clientId, accountId, ...(member ? [member] : [])];
  return Buffer.from(keyring.lookupHash('grant', parts.join('\n'))).toString('base64url');
}

export async function loadExistingGrant({ keyring, pool }: Deps, ctx: KoaContextWithOIDC) {
  const { oidc } = ctx;
  const { client, session, account, provider } = oidc;
  if (!client || !session || !account) return undefined;
  // Consent is not given for who may not enter; the policy says so to the person.
  if (!seenAccount(ctx)?.mayEnter) return undefined;
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
export function actingOf(keyring: Keyring, ctx: KoaContextWithOIDC, token: unknown): Acting {
  const login = ctx.oidc?.result?.login as { memberId?: string } | undefined;
  if (login) return { memberId: login.memberId };
  const { grantId } = (token ?? {}) as { grantId?: string };
  if (grantId) return { hash: grantHash(keyring, grantId) };
  const uid = ctx.oidc?.session?.uid;
  return uid ? { hash: sessionHash(keyring, uid) } : {};
}

/** Keeps who acts for a shared account with the session and the grant that the request leaves behind. */
export async function keepMember({ keyring, pool }: Deps, ctx: KoaContextWithOIDC): Promise<void> {
  if (!ctx.oidc) return;
  const member = memberOf(ctx);
  const { session, entities } = ctx.oidc;
  if (!member || !session?.accountId) return;
  await rememberMember(pool, sessionHash(keyring, session.uid), member);
  const grantId = entities.Grant?.jti;
  if (grantId) await rememberMember(pool, grantHash(keyring, grantId), member);
}
