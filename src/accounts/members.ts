/**
 * Shared accounts: one account of a secretariat, several people who each prove their own address and sign in with it.
 * The account is nobody: no professional identity, no role, no secret of its own; the database refuses them.
 */
import { record } from '../audit/journal.ts';
import type { Lang } from '../http/texts.ts';
import type { Clock } from '../lib/clock.ts';
import { type Db, isUniqueViolation } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import { DuplicateAccountError, findOwnerOfRpps } from './accounts.ts';

export interface NewMember {
  /** Code of TRE_R81. */
  readonly civiliteCode?: string | undefined;
  readonly familyName: string;
  readonly givenName: string;
  /** The member's own proved address: they sign in with it. */
  readonly email: { readonly address: string; readonly canonical: string };
  /** The member's own proved phones, E.164. */
  readonly phones?: readonly string[];
  readonly passwordHash: string;
  readonly termsVersion: string;
  /** French unless told. */
  readonly language?: Lang | undefined;
}

export interface Member {
  readonly id: string;
  readonly accountId: string;
  readonly familyName: string;
  readonly givenName: string;
  readonly displayName: string;
  readonly email: string;
  readonly createdAt: Date;
}

export interface NewSharedAccount {
  /** « Intitulé du compte ». */
  readonly title: string;
  readonly firstMember: NewMember;
  readonly state?: 'pending' | 'active';
  /** RPPS number of the professional who is said to answer for the account. */
  readonly responsibleRpps?: string | undefined;
  /** Client address of the request. */
  readonly source?: string | undefined;
}

interface Deps {
  readonly clock: Clock;
}

/** Somebody must be left to sign in to the account. */
export class LastMemberError extends Error {
  override name = 'LastMemberError';
}

async function insertMember(db: Db, clock: Clock, accountId: string, member: NewMember): Promise<string> {
  const id = newId();
  const now = clock.now();
  await db('account_members').insert({
    id,
    account_id: accountId,
    civilite_code: member.civiliteCode,
    family_name: member.familyName,
    given_name: member.givenName,
    password_hash: member.passwordHash,
    terms_version: member.termsVersion,
    terms_accepted_at: now,
    language: member.language,
    created_at: now,
  });
  const { address, canonical } = member.email;
  try {
    await db('email_addresses').insert({
      id: newId(),
      account_id: accountId,
      member_id: id,
      address,
      canonical,
      verified_at: now,
      is_notification: !(await hasNotificationAddress(db, accountId)),
    });
  } catch (error) {
    if (isUniqueViolation(error, 'email_addresses_canonical_unique'))
      throw new DuplicateAccountError('email');
    throw error;
  }
  const phones = (member.phones ?? []).map((number) => ({
    id: newId(),
    account_id: accountId,
    member_id: id,
    number,
    verified_at: now,
  }));
  if (phones.length > 0) await db('phone_numbers').insert(phones);
  return id;
}

const hasNotificationAddress = async (db: Db, accountId: string): Promise<boolean> =>
  Boolean(await db('email_addresses').where({ account_id: accountId, is_notification: true }).first('id'));

/** The active account of this RPPS number, if it is a professional's. */
async function professionalWith(db: Db, rpps: string | undefined): Promise<string | undefined> {
  const owner = rpps === undefined ? undefined : await findOwnerOfRpps(db, rpps);
  return owner?.kind === 'professional' ? owner.id : undefined;
}

/**
 * Makes the account, its first member and the journal entry; call it in a transaction.
 * @throws {DuplicateAccountError} when the address has an account already.
 */
export async function createSharedAccount(
  db: Db,
  { clock }: Deps,
  { title, firstMember, state = 'pending', responsibleRpps, source }: NewSharedAccount,
): Promise<{ accountId: string; memberId: string }> {
  const accountId = newId();
  const now = clock.now();
  await db('accounts').insert({
    id: accountId,
    kind: 'shared',
    state,
    title,
    responsible_rpps: responsibleRpps,
    responsible_account_id: await professionalWith(db, responsibleRpps),
    identity_proof: 'declared',
    terms_version: firstMember.termsVersion,
    terms_accepted_at: now,
    language: firstMember.language,
    created_at: now,
    updated_at: now,
  });
  const memberId = await insertMember(db, clock, accountId, firstMember);
  await record(db, clock, {
    event: 'account.created',
    outcome: 'success',
    actor: memberId,
    subject: accountId,
    source,
    details: { kind: 'shared', proof: 'declared', terms: firstMember.termsVersion },
  });
  return { accountId, memberId };
}

/**
 * Adds a member who may sign in at once, if the account is active.
 * @throws {DuplicateAccountError} when the address has an account already.
 */
export async function addMember(
  db: Db,
  { clock }: Deps,
  accountId: string,
  member: NewMember,
  { invitedBy, source }: { invitedBy: string; source?: string | undefined },
): Promise<string> {
  const id = await insertMember(db, clock, accountId, member);
  await record(db, clock, {
    event: 'member.added',
    outcome: 'success',
    actor: id,
    subject: accountId,
    source,
    details: { invitedBy, terms: member.termsVersion },
  });
  return id;
}

const memberRows = (db: Db) =>
  db('account_members as member')
    .join('email_addresses as own', 'own.member_id', 'member.id')
    .where('member.state', 'active')
    .select('member.*', 'own.address as email');

// biome-ignore lint/suspicious/noExplicitAny: a row of the query above
const asMember = (row: any): Member => ({
  id: row.id,
  accountId: row.account_id,
  familyName: row.family_name,
  givenName: row.given_name,
  displayName: `${row.given_name} ${row.family_name}`,
  email: row.email,
  createdAt: row.created_at,
});

/** The members who may sign in, the first one first. */
export async function listMembers(db: Db, accountId: string): Promise<Member[]> {
  const rows = await memberRows(db)
    .where('member.account_id', accountId)
    .orderBy([{ column: 'member.created_at' }, { column: 'member.id' }]);
  return rows.map(asMember);
}

/** @returns undefined for a member who ended, or who is one of another account. */
export async function findMember(db: Db, accountId: string, memberId: string): Promise<Member | undefined> {
  const row = await memberRows(db).where({ 'member.account_id': accountId, 'member.id': memberId }).first();
  return row && asMember(row);
}

/** What a member proves who they are with, besides an address and a password. */
const HELD = ['phone_numbers', 'totp_credentials', 'passkeys', 'recovery_codes', 'trusted_devices'];

/**
 * Ends a member: their address and phones are free again, their password and factors are erased; their name stays for the journal.
 * Call it in the transaction that also ends what they opened (openid/acting-members.ts).
 * @returns the member as they were; undefined when they, or who removes them, were gone already.
 * @throws {LastMemberError} when nobody else is left.
 */
export async function endMember(
  db: Db,
  { clock }: Deps,
  { accountId, memberId, by, source }: { accountId: string; memberId: string; by: string; source?: string },
): Promise<Member | undefined> {
  // Two members who remove each other at the same moment pass here one after the other.
  await db('accounts').where({ id: accountId }).forUpdate().first('id');
  const members = await listMembers(db, accountId);
  const member = members.find(({ id }) => id === memberId);
  // Who was removed while they waited here has no say any more.
  if (!member || !members.some(({ id }) => id === by)) return undefined;
  if (members.length === 1) throw new LastMemberError(`${memberId} is the last member of ${accountId}`);

  await db('account_members')
    .where({ id: memberId })
    .update({ state: 'ended', ended_at: clock.now(), password_hash: null });
  await db('email_addresses').where({ member_id: memberId }).delete();
  for (const table of HELD) await db(table).where({ member_id: memberId }).delete();
  if (!(await hasNotificationAddress(db, accountId))) {
    const next = members.find(({ id }) => id !== memberId) as Member;
    await db('email_addresses').where({ member_id: next.id }).update({ is_notification: true });
  }
  // What they proved themselves with proves nobody now.
  for (const table of ['passkeys', 'totp_credentials', 'recovery_codes', 'known_devices'])
    await db(table).where({ member_id: memberId }).delete();
  await record(db, clock, {
    event: 'member.removed',
    outcome: 'success',
    actor: by,
    subject: accountId,
    source,
    details: { member: memberId },
  });
  return member;
}
