/** Who is signed in on our own pages: the OpenID session itself, there is no other. */
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { findPrincipal, type Principal } from '../accounts/principals.ts';
import type { Deps } from '../deps.ts';
import { findActingMember, sessionHash } from '../openid/acting-members.ts';
import { seeSession } from '../openid/browser-sessions.ts';
import { clientAddress } from './context.ts';
import { deviceName } from './user-agent.ts';

export interface SignedIn extends Principal {
  /** Seconds since the epoch of the last sign-in of this session. */
  readonly signedInAt: number;
  /** How this browser signed in: an authentication context class (openid/assurance.ts). */
  readonly acr: string | undefined;
  /** What was done for it (RFC 8176 and our own values). */
  readonly amr: string[];
  /** Of the engine's session, and of the grants that were made in it: what stays when the others end. */
  readonly sessionUid: string;
  readonly grantIds: readonly string[];
}

/** @returns who is signed in in this browser: an active account, and of a shared one a member who is not ended. */
export async function findSignedIn(
  deps: Deps,
  provider: Provider,
  ctx: Context,
): Promise<SignedIn | undefined> {
  const { knex, pool, keyring } = deps;
  const session = await provider.Session.get(ctx as Parameters<typeof provider.Session.get>[0]);
  if (!session.accountId) return undefined;
  const uidHash = sessionHash(keyring, session.uid);
  const memberId = await findActingMember(pool, uidHash);
  const principal = await findPrincipal(knex, session.accountId, memberId);
  if (principal?.account.state !== 'active') return undefined;
  await seeSession(deps, uidHash, { source: clientAddress(ctx), deviceName: deviceName(ctx) });
  const grantIds = Object.values(session.authorizations ?? {}).flatMap(({ grantId }) => grantId ?? []);
  const { loginTs: signedInAt = 0, acr, amr = [], uid: sessionUid } = session;
  return { ...principal, signedInAt, acr, amr, sessionUid, grantIds };
}

/** How the top of our pages names who is signed in. */
export const signedInName = ({ account, member }: Principal): string =>
  member ? `${member.displayName}, ${account.displayName}` : account.displayName;
