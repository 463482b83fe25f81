/**
 * Accounts: one person, or several secretaries who share one (members.ts), their proved contacts, their state. This
 * folder leaves passwords and codes to credentials/, and what applications receive to openid/.
 */
import type { Lang } from '../http/texts.ts';
import type { Clock } from '../lib/clock.ts';
import { type Db, isUniqueViolation } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';

export type AccountState = 'pending' | 'active' | 'suspended' | 'refused' | 'closed';

export type AccountKind = 'professional' | 'secretary' | 'shared';

/** Factors that may be proposed first: a recovery code never is. */
export type PreferredFactor = 'email' | 'sms' | 'totp' | 'passkey';

export interface Account {
  readonly id: string;
  readonly kind: AccountKind;
  readonly state: AccountState;
  /** What the account is called: a person's names, or the title of a shared account. */
  readonly displayName: string;
  readonly rpps: string | undefined;
  /** Empty for a shared account, which is nobody. */
  readonly familyName: string;
  /** Empty for a shared account. */
  readonly givenName: string;
  readonly passwordHash: string | undefined;
  readonly isAdministrator: boolean;
  /** Address that signs in; for a shared account, where each member has their own, the one that is written to. */
  readonly email: string;
  /** Address that receives notifications: the starred one. */
  readonly notificationEmail: string;
  /** Proved phones, E.164; those chosen as second factor first. */
  readonly phones: readonly string[];
  /** Second factor proposed first, where the person chose one. */
  readonly preferredFactor: PreferredFactor | undefined;
  /** Of an account that its own person closed: until when they may open it again. */
  readonly reopenUntil: Date | undefined;
}

/** A person's account; a shared one is made by createSharedAccount (members.ts). */
export interface NewAccount {
  readonly kind: Exclude<AccountKind, 'shared'>;
  readonly state: 'pending' | 'active';
  readonly rpps?: string | undefined;
  readonly professionCode?: string | undefined;
  readonly civiliteCode?: string | undefined;
  readonly civiliteExerciceCode?: string | undefined;
  readonly familyName: string;
  readonly givenName: string;
  readonly identityProof: 'declared' | 'ordinal-register';
  readonly passwordHash: string;
  readonly termsVersion: string;
  /** French unless told. */
  readonly language?: Lang | undefined;
  /** Proved addresses; the first one signs in and receives notifications. */
  readonly emails: readonly { address: string; canonical: string }[];
  /** Proved phones, E.164. */
  readonly phones: readonly string[];
}

export class DuplicateAccountError extends Error {
  readonly field: 'rpps' | 'email';

  constructor(field: 'rpps' | 'email') {
    super(`an account with this ${field} exists`);
    this.name = 'DuplicateAccountError';
    this.field = field;
  }
}

/** @throws {DuplicateAccountError} when the RPPS number or an address has an account already. */
export async function createAccount(db: Db, clock: Clock, account: NewAccount): Promise<string> {
  const id = newId();
  const now = clock.now();
  try {
    await db('accounts').insert({
      id,
      kind: account.kind,
      state: account.state,
      rpps: account.rpps,
      profession_code: account.professionCode,
      civilite_code: account.civiliteCode,
      civilite_exercice_code: account.civiliteExerciceCode,
      family_name: account.familyName,
      given_name: account.givenName,
      identity_proof: account.identityProof,
      password_hash: account.passwordHash,
      terms_version: account.termsVersion,
      terms_accepted_at: now,
      language: account.language,
      created_at: now,
      updated_at: now,
    });
    await db('email_addresses').insert(
      account.emails.map(({ address, canonical }, index) => ({
        id: newId(),
        account_id: id,
        address,
        canonical,
        verified_at: now,
        is_sign_in: index === 0,
        is_notification: index === 0,
      })),
    );
    if (account.phones.length > 0) {
      await db('phone_numbers').insert(
        account.phones.map((number) => ({ id: newId(), account_id: id, number, verified_at: now })),
      );
    }
  } catch (error) {
    if (isUniqueViolation(error, 'accounts_rpps_unique')) throw new DuplicateAccountError('rpps');
    if (isUniqueViolation(error, 'email_addresses_canonical_unique'))
      throw new DuplicateAccountError('email');
    throw error;
  }
  return id;
}

/** The rows of accounts as {@link asAccount} reads them, one each. */
export const accountRows = (db: Db) =>
  db('accounts')
    .leftJoin('email_addresses as sign_in', (join) =>
      join.on('sign_in.account_id', 'accounts.id').andOnVal('sign_in.is_sign_in', true),
    )
    .leftJoin('email_addresses as star', (join) =>
      join.on('star.account_id', 'accounts.id').andOnVal('star.is_notification', true),
    )
    .where((usable) => usable.whereNotNull('sign_in.id').orWhere('accounts.kind', 'shared'))
    .select(
      'accounts.id',
      'accounts.kind',
      'accounts.state',
      'accounts.title',
      'accounts.rpps',
      'accounts.family_name',
      'accounts.given_name',
      'accounts.password_hash',
      'accounts.preferred_factor',
      'accounts.may_reopen',
      'accounts.erase_after',
      'star.address as notification_email',
      db.raw(
        `coalesce(sign_in.address, star.address, (
           SELECT address FROM email_addresses WHERE account_id = accounts.id
           ORDER BY member_id IS NULL, verified_at, id LIMIT 1)) AS email`,
      ),
      db.raw(
        `EXISTS (SELECT FROM account_roles WHERE account_id = accounts.id AND role = 'administrator') AS is_administrator`,
      ),
      db.raw(
        `ARRAY(SELECT number FROM phone_numbers WHERE account_id = accounts.id AND member_id IS NULL
               ORDER BY is_second_factor DESC, verified_at, number) AS phones`,
      ),
    );

// biome-ignore lint/suspicious/noExplicitAny: a row of the query above
export const asAccount = (row: any): Account => ({
  id: row.id,
  kind: row.kind,
  state: row.state,
  displayName: row.title ?? `${row.given_name} ${row.family_name}`,
  rpps: row.rpps ?? undefined,
  familyName: row.family_name ?? '',
  givenName: row.given_name ?? '',
  passwordHash: row.password_hash ?? undefined,
  isAdministrator: row.is_administrator,
  email: row.email ?? '',
  notificationEmail: row.notification_email ?? row.email ?? '',
  phones: row.phones,
  preferredFactor: row.preferred_factor ?? undefined,
  reopenUntil: row.may_reopen ? row.erase_after : undefined,
});

export async function findAccount(db: Db, id: string): Promise<Account | undefined> {
  const row = await accountRows(db).where('accounts.id', id).first();
  return row && asAccount(row);
}

/** The account that has proved this RPPS number, or was approved with it; a pending one has only declared it. */
export async function findOwnerOfRpps(db: Db, rpps: string): Promise<Account | undefined> {
  const row = await accountRows(db)
    .where('accounts.rpps', rpps)
    .whereIn('accounts.state', ['active', 'suspended'])
    .first();
  return row && asAccount(row);
}

/** Keeps phones that were typed and that nothing proves. */
export async function saveDeclaredPhones(
  db: Db,
  accountId: string,
  numbers: readonly string[],
): Promise<void> {
  if (numbers.length === 0) return;
  await db('declared_phone_numbers').insert(numbers.map((number) => ({ account_id: accountId, number })));
}

/** Phones that were typed and that nothing proves; E.164. */
export async function listDeclaredPhones(db: Db, accountId: string): Promise<string[]> {
  return db('declared_phone_numbers').where({ account_id: accountId }).orderBy('number').pluck('number');
}

/** What was proved, or is not theirs, is no longer declared. */
export async function forgetDeclaredPhone(db: Db, accountId: string, number: string): Promise<void> {
  await db('declared_phone_numbers').where({ account_id: accountId, number }).delete();
}

/**
 * The account that a proved address belongs to, whatever the address is used for; one that ended owns none. One statement
 * whoever that is, so that its time tells nothing.
 */
export async function findOwnerOfEmail(
  db: Db,
  canonical: string,
): Promise<{ accountId: string; language: Lang } | undefined> {
  const row = await db('email_addresses as own')
    .join('accounts', 'accounts.id', 'own.account_id')
    .leftJoin('account_members as member', 'member.id', 'own.member_id')
    .where({ canonical })
    .whereNull('released_at')
    .first('own.account_id', db.raw('coalesce(member.language, accounts.language) AS language'));
  return row && { accountId: row.account_id, language: row.language };
}
