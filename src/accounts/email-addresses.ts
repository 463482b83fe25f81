/**
 * The proved addresses of an account: of a person all theirs, of a shared account those of its members. One is starred and
 * receives notifications; of a person's, one signs in. The database keeps both from being missing.
 *
 * What changes them locks the account first: of two changes at once, the second sees what the first one left.
 */
import type { Clock } from '../lib/clock.ts';
import { type Db, isUniqueViolation } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import { DuplicateAccountError } from './accounts.ts';

/** Far above anyone's: bounds what one account may take. */
export const MAX_EMAILS = 10;

export interface EmailAddress {
  readonly id: string;
  readonly address: string;
  /** The starred one: it receives notifications. */
  readonly isNotification: boolean;
  /** False for members of a shared account too, who each sign in with their own. */
  readonly isSignIn: boolean;
  /** Whose it is, in a shared account. */
  readonly memberId: string | undefined;
}

/** As parseEmailAddress reads it (contacts.ts). */
interface Parsed {
  readonly address: string;
  readonly canonical: string;
}

/** Those that are still the account's, the starred one first, then as they were proved. */
export async function listEmailAddresses(db: Db, accountId: string): Promise<EmailAddress[]> {
  const rows = await db('email_addresses')
    .where({ account_id: accountId })
    .whereNull('released_at')
    .orderBy([{ column: 'is_notification', order: 'desc' }, { column: 'verified_at' }, { column: 'address' }])
    .select('id', 'address', 'is_notification', 'is_sign_in', 'member_id');
  return rows.map((row) => ({
    id: row.id,
    address: row.address,
    isNotification: row.is_notification,
    isSignIn: row.is_sign_in,
    memberId: row.member_id ?? undefined,
  }));
}

/** Keeps others from changing the addresses of this account before the transaction ends. */
export async function lockAddresses(trx: Db, accountId: string): Promise<void> {
  await trx('accounts').where({ id: accountId }).forNoKeyUpdate().first('id');
}

/** Locks, and finds one of the account's own. */
async function findLocked(trx: Db, accountId: string, id: string): Promise<EmailAddress | undefined> {
  await lockAddresses(trx, accountId);
  return (await listEmailAddresses(trx, accountId)).find((one) => one.id === id);
}

const rowsOf = (trx: Db, accountId: string) => trx('email_addresses').where({ account_id: accountId });

/** Moves a mark that one address of the account has. */
async function move(
  trx: Db,
  accountId: string,
  mark: 'is_notification' | 'is_sign_in',
  id: string,
): Promise<void> {
  await rowsOf(trx, accountId)
    .where({ [mark]: true })
    .update({ [mark]: false });
  await rowsOf(trx, accountId)
    .where({ id })
    .update({ [mark]: true });
}

/**
 * Adds an address that was just proved, to a person's account; call it in a transaction.
 * @returns its identifier; undefined when the account has {@link MAX_EMAILS}.
 * @throws {DuplicateAccountError} when it belongs to an account already.
 */
export async function addEmailAddress(
  trx: Db,
  clock: Clock,
  accountId: string,
  { address, canonical }: Parsed,
): Promise<string | undefined> {
  await lockAddresses(trx, accountId);
  if ((await listEmailAddresses(trx, accountId)).length >= MAX_EMAILS) return undefined;
  const id = newId();
  const added = await trx('email_addresses')
    .insert({ id, account_id: accountId, address, canonical, verified_at: clock.now() })
    .onConflict(trx.raw('(canonical) WHERE released_at IS NULL'))
    .ignore()
    .returning('id');
  if (added.length === 0) throw new DuplicateAccountError('email');
  return id;
}

/**
 * Removes an address of a person's account; its star passes to the one that signs in. Call it in a transaction.
 * @returns `signs-in`, and changes nothing, for the one that signs in: the last one always does.
 */
export async function removeEmailAddress(
  trx: Db,
  accountId: string,
  id: string,
): Promise<'removed' | 'signs-in' | 'unknown'> {
  const email = await findLocked(trx, accountId, id);
  if (!email || email.memberId) return 'unknown';
  if (email.isSignIn) return 'signs-in';
  await rowsOf(trx, accountId).where({ id }).delete();
  if (email.isNotification)
    await rowsOf(trx, accountId).where({ is_sign_in: true }).update({ is_notification: true });
  return 'removed';
}

/** Call it in a transaction. @returns false, and changes nothing, when it has the star already or is not the account's. */
export async function starEmailAddress(trx: Db, accountId: string, id: string): Promise<boolean> {
  const email = await findLocked(trx, accountId, id);
  if (!email || email.isNotification) return false;
  await move(trx, accountId, 'is_notification', id);
  return true;
}

/**
 * Makes another address of a person's account the one that signs in; call it in a transaction.
 * @returns false, and changes nothing, when it signs in already or is not the account's.
 */
export async function chooseSignInAddress(trx: Db, accountId: string, id: string): Promise<boolean> {
  const email = await findLocked(trx, accountId, id);
  if (!email || email.memberId || email.isSignIn) return false;
  await move(trx, accountId, 'is_sign_in', id);
  return true;
}

/**
 * Puts an address that was just proved in the place of a member's own; where applications knew the account by that one, they
 * ask again. Call it in a transaction.
 * @throws {DuplicateAccountError} when it belongs to an account already.
 */
export async function replaceMemberAddress(
  trx: Db,
  clock: Clock,
  { accountId, memberId }: { accountId: string; memberId: string },
  { address, canonical }: Parsed,
): Promise<void> {
  await lockAddresses(trx, accountId);
  try {
    await rowsOf(trx, accountId)
      .where({ member_id: memberId })
      .update({ address, canonical, verified_at: clock.now() });
  } catch (error) {
    if (isUniqueViolation(error, 'email_addresses_canonical_unique'))
      throw new DuplicateAccountError('email');
    throw error;
  }
}
