/** What who signs in decided about their second factors. */
import type { PreferredFactor } from '../accounts/accounts.ts';
import type { Principal } from '../accounts/principals.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';

interface Preferences {
  /** Proposed first; null for none. */
  readonly preferredFactor?: PreferredFactor | null;
  readonly refusesEmailCode?: boolean;
}

/** Stores those given; the others stay. */
export async function savePreferences(
  db: Db,
  clock: Clock,
  { account, member }: Pick<Principal, 'account' | 'member'>,
  { preferredFactor, refusesEmailCode }: Preferences,
): Promise<void> {
  const columns = { preferred_factor: preferredFactor, refuses_email_code: refusesEmailCode };
  if (member) await db('account_members').where({ id: member.id }).update(columns);
  else
    await db('accounts')
      .where({ id: account.id })
      .update({ ...columns, updated_at: clock.now() });
}
