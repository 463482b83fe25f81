/**
 * What an account says of its person. Some fields change by an administrator's approval only (approvals/profile-changes.ts),
 * the others as soon as the person says so; of a member of a shared account, all of them.
 */
import type { Db } from '../lib/database.ts';
import type { Principal } from './principals.ts';

/** Fields that others rely upon, in the order of the page; each with its column. */
const APPROVED_COLUMNS = {
  civilite: 'civilite_code',
  givenName: 'given_name',
  familyName: 'family_name',
  rpps: 'rpps',
  title: 'title',
} as const;
export type ApprovedField = keyof typeof APPROVED_COLUMNS;
export const APPROVED_FIELDS = Object.keys(APPROVED_COLUMNS) as ApprovedField[];

/** `civilite` is a code of TRE_R81; `title` a shared account's. */
export type ApprovedValues = { readonly [field in ApprovedField]: string | undefined };

export interface Profile extends ApprovedValues {
  /** TRE_G15 and its like, or TRE_A00 and TRE_R85 for a secretary. */
  readonly profession: string | undefined;
  /** TRE_R11. */
  readonly civiliteExercice: string | undefined;
  /** RPPS number of the professional said to answer for a shared account. */
  readonly responsibleRpps: string | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a row of accounts
const approvedValuesOf = (row: any): ApprovedValues =>
  Object.fromEntries(
    APPROVED_FIELDS.map((field) => [field, row[APPROVED_COLUMNS[field]] ?? undefined]),
  ) as ApprovedValues;

/** @throws when there is no such account. */
export async function getProfile(db: Db, accountId: string): Promise<Profile> {
  const row = await db('accounts').where({ id: accountId }).first();
  if (!row) throw new Error('no such account');
  return {
    ...approvedValuesOf(row),
    profession: row.profession_code ?? undefined,
    civiliteExercice: row.civilite_exercice_code ?? undefined,
    responsibleRpps: row.responsible_rpps ?? undefined,
  };
}

/** @throws when there is no such account. */
export async function getApprovedValues(db: Db, accountId: string): Promise<ApprovedValues> {
  const row = await db('accounts').where({ id: accountId }).first(Object.values(APPROVED_COLUMNS));
  if (!row) throw new Error('no such account');
  return approvedValuesOf(row);
}

/** Stores values that were approved; a field that is not there stays as it is. */
export const approvedColumns = (values: Partial<ApprovedValues>): Record<string, string | null> =>
  Object.fromEntries(
    APPROVED_FIELDS.filter((field) => Object.hasOwn(values, field)).map((field) => [
      APPROVED_COLUMNS[field],
      values[field] ?? null,
    ]),
  );

export async function saveProfession(
  db: Db,
  accountId: string,
  professionCode: string,
  now: Date,
): Promise<void> {
  await db('accounts').where({ id: accountId }).update({ profession_code: professionCode, updated_at: now });
}

/** A member's own names, which are nobody's but theirs. */
export interface MemberNames {
  /** TRE_R81. */
  readonly civilite: string | undefined;
  readonly givenName: string;
  readonly familyName: string;
}

/** @throws when the member is no more. */
export async function getMemberNames(
  db: Db,
  { account, member }: Pick<Principal, 'account' | 'member'>,
): Promise<MemberNames> {
  const row = await db('account_members')
    .where({ id: member?.id ?? null, account_id: account.id })
    .first('civilite_code', 'given_name', 'family_name');
  if (!row) throw new Error('no such member');
  return {
    civilite: row.civilite_code ?? undefined,
    givenName: row.given_name,
    familyName: row.family_name,
  };
}

export async function saveMemberNames(
  db: Db,
  { account, member }: Pick<Principal, 'account' | 'member'>,
  { civilite, givenName, familyName }: MemberNames,
): Promise<void> {
  await db('account_members')
    .where({ id: member?.id ?? null, account_id: account.id, state: 'active' })
    .update({ civilite_code: civilite ?? null, given_name: givenName, family_name: familyName });
}
