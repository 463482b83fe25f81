/** The proved addresses of an account: of a person all theirs, of a shared account those of its members too. */
import type { Db } from '../lib/database.ts';

export interface EmailAddress {
  readonly id: string;
  readonly address: string;
  /** The starred one: it receives notifications. */
  readonly isNotification: boolean;
}

/** Those that are still the account's, the starred one first, then as they were proved. */
export async function listEmailAddresses(db: Db, accountId: string): Promise<EmailAddress[]> {
  const rows = await db('email_addresses')
    .where({ account_id: accountId })
    .whereNull('released_at')
    .orderBy([{ column: 'is_notification', order: 'desc' }, { column: 'verified_at' }, { column: 'address' }])
    .select('id', 'address', 'is_notification');
  return rows.map((row) => ({ id: row.id, address: row.address, isNotification: row.is_notification }));
}
