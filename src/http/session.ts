/** Who is signed in on our own pages: the OpenID session itself, there is no other. */
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { type Account, findAccount } from '../accounts/accounts.ts';
import type { Deps } from '../deps.ts';

export type SignedInAccount = Account & {
  /** How this browser signed in: an authentication context class (openid/assurance.ts). */
  readonly acr: string | undefined;
};

/** @returns the account of this browser's session when it is active; undefined otherwise. */
export async function findSignedInAccount(
  { knex }: Deps,
  provider: Provider,
  ctx: Context,
): Promise<SignedInAccount | undefined> {
  const session = await provider.Session.get(ctx as Parameters<typeof provider.Session.get>[0]);
  if (!session.accountId) return undefined;
  const account = await findAccount(knex, session.accountId);
  return account?.state === 'active' ? { ...account, acr: session.acr } : undefined;
}
