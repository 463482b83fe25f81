/** Who signs in: a person as their account, or a member of a shared account. The one door from an address to a password. */
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { type Account, accountRows, asAccount, type PreferredFactor } from './accounts.ts';

export interface ActingMember {
  readonly id: string;
  readonly familyName: string;
  readonly givenName: string;
  readonly displayName: string;
}

export interface Principal {
  /** Whose tries are counted and who acts in the journal: the member, or the account of one person. */
  readonly id: string;
  readonly account: Account;
  /** Always there for a shared account, never for another. */
  readonly member: ActingMember | undefined;
  readonly passwordHash: string | undefined;
  /** Address that signs in. */
  readonly email: string;
  /** Proved phones, E.164; those chosen as second factor first. */
  readonly phones: readonly string[];
  /** Second factor proposed first, where the person chose one. */
  readonly preferredFactor: PreferredFactor | undefined;
  /** They take no code by e-mail while they have a second factor. */
  readonly refusesEmailCode: boolean;
  /** What they have besides contacts. */
  readonly factors: EnrolledFactors;
}

/** Second factors that were set up, counted. */
export interface EnrolledFactors {
  readonly totp: boolean;
  readonly passkeys: number;
  /** Recovery codes that were not used. */
  readonly recoveryCodes: number;
}

/** A row's holder: whoever signs in (migration 022). */
const ENROLLED = [
  'EXISTS (SELECT FROM totp_credentials WHERE holder_id = coalesce(member.id, accounts.id)) AS has_totp',
  '(SELECT count(*)::int FROM passkeys WHERE holder_id = coalesce(member.id, accounts.id)) AS passkeys',
  `(SELECT count(*)::int FROM recovery_codes
    WHERE holder_id = coalesce(member.id, accounts.id) AND used_at IS NULL) AS recovery_codes`,
];

const principalRows = (db: Db) =>
  accountRows(db)
    .join('email_addresses as own', 'own.account_id', 'accounts.id')
    .leftJoin('account_members as member', (join) =>
      join.on('member.id', 'own.member_id').andOnVal('member.state', 'active'),
    )
    // An address that an account merely has, or that was an ended member's, signs nobody in.
    .where((signsIn) => signsIn.where('own.is_sign_in', true).orWhereNotNull('member.id'))
    .select(
      'own.address as own_email',
      'member.id as member_id',
      'member.family_name as member_family_name',
      'member.given_name as member_given_name',
      'member.password_hash as member_password_hash',
      db.raw(
        `ARRAY(SELECT number FROM phone_numbers WHERE member_id = member.id
               ORDER BY is_second_factor DESC, verified_at, number) AS member_phones`,
      ),
      'member.preferred_factor as member_preferred_factor',
      db.raw('coalesce(member.refuses_email_code, accounts.refuses_email_code) AS refuses_email_code'),
      ...ENROLLED.map((column) => db.raw(column)),
    );

// biome-ignore lint/suspicious/noExplicitAny: a row of the query above
function asPrincipal(row: any): Principal {
  const account = asAccount(row);
  const email = row.own_email;
  const refusesEmailCode = row.refuses_email_code;
  const factors = { totp: row.has_totp, passkeys: row.passkeys, recoveryCodes: row.recovery_codes };
  if (!row.member_id) {
    const { id, passwordHash, phones, preferredFactor } = account;
    return {
      id,
      account,
      member: undefined,
      passwordHash,
      email,
      phones,
      preferredFactor,
      refusesEmailCode,
      factors,
    };
  }
  return {
    id: row.member_id,
    account,
    member: {
      id: row.member_id,
      familyName: row.member_family_name,
      givenName: row.member_given_name,
      displayName: `${row.member_given_name} ${row.member_family_name}`,
    },
    passwordHash: row.member_password_hash,
    email,
    phones: row.member_phones,
    preferredFactor: row.member_preferred_factor ?? undefined,
    refusesEmailCode,
    factors,
  };
}

/**
 * One statement whoever the address belongs to, so that its time tells nothing.
 * @param canonical canonical form of an address (see contacts.ts); only an address that signs in counts. One that an ended
 * account gave back still finds that account, until another one has it.
 */
export async function findSignInByEmail(db: Db, canonical: string): Promise<Principal | undefined> {
  const row = await principalRows(db)
    .where('own.canonical', canonical)
    .orderByRaw('own.released_at DESC NULLS FIRST')
    .first();
  return row && asPrincipal(row);
}

/** @param memberId who acts, for a shared account; a member of another account, or an ended one, is not found. */
export async function findPrincipal(
  db: Db,
  accountId: string,
  memberId: string | undefined,
): Promise<Principal | undefined> {
  const row = await principalRows(db)
    .where('accounts.id', accountId)
    // One or the other: the database keeps a person's account without members, and a shared one without `is_sign_in`.
    .where((acts) => {
      acts.where('own.is_sign_in', true);
      if (memberId) acts.orWhere('member.id', memberId);
    })
    .first();
  return row && asPrincipal(row);
}

/** @param id a principal's: an account's of one person, or a member's of a shared one. */
export async function findPrincipalById(db: Db, id: string): Promise<Principal | undefined> {
  const row = await principalRows(db)
    .where((person) => person.where({ 'accounts.id': id, 'own.is_sign_in': true }).orWhere('member.id', id))
    .first();
  return row && asPrincipal(row);
}

/** Reads who signs in again, and keeps others from changing their factors before this transaction ends. */
export async function lockPrincipal(
  trx: Db,
  { account, member }: Pick<Principal, 'account' | 'member'>,
): Promise<Principal | undefined> {
  // Not more than it takes: what refers to the account may be written meanwhile.
  await trx('accounts').where({ id: account.id }).forNoKeyUpdate().select('id');
  return findPrincipal(trx, account.id, member?.id);
}

/** Stores a new hash of the same person's password. */
export async function updatePasswordHash(
  db: Db,
  clock: Clock,
  { account, member }: Pick<Principal, 'account' | 'member'>,
  passwordHash: string,
): Promise<void> {
  if (member) {
    await db('account_members')
      .where({ id: member.id, state: 'active' })
      .update({ password_hash: passwordHash });
    return;
  }
  await db('accounts')
    .where({ id: account.id })
    .update({ password_hash: passwordHash, updated_at: clock.now() });
}
