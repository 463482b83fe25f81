/** What a person declared of themself, as it stands in their account, and the digest that says whether it changed. */
import { createHash } from 'node:crypto';
import type { Account, AccountState } from '../accounts/accounts.ts';
import type { Db } from '../lib/database.ts';
import { listAccountWorkplaces } from '../workplaces/account-workplaces.ts';

export interface Declared {
  readonly kind: Account['kind'];
  readonly rpps: string | undefined;
  /** TRE_G15. */
  readonly professionCode: string | undefined;
  /** TRE_R81. */
  readonly civiliteCode: string | undefined;
  /** TRE_R11. */
  readonly civiliteExerciceCode: string | undefined;
  /** Title of a shared account. */
  readonly familyName: string;
  /** Empty for a shared account. */
  readonly givenName: string;
  readonly identityProof: string;
  /** Proved addresses, the one that signs in first; `verifiedAt` in ISO 8601. */
  readonly emails: readonly { readonly address: string; readonly verifiedAt: string }[];
  /** Proved phones, E.164. */
  readonly phones: readonly { readonly number: string; readonly verifiedAt: string }[];
  /** Phones that were typed and that nothing proves, E.164. */
  readonly declaredPhones: readonly string[];
  /** RPPS number of the professional said to answer for a shared account. */
  readonly responsibleRpps: string | undefined;
  /** Names of the secretaries of a shared account. */
  readonly members: readonly string[];
  /** In the person's own order. */
  readonly workplaces: readonly {
    readonly name: string;
    readonly town: string | undefined;
    readonly finess: string | undefined;
    /** No register knows it any more. */
    readonly gone: boolean;
    /** Name of the laboratory centre that it works with. */
    readonly centre: string | undefined;
  }[];
}

/** The account's data and state; undefined when there is no such account. */
export async function findDeclared(
  db: Db,
  accountId: string,
): Promise<{ state: AccountState; declared: Declared } | undefined> {
  const row = await db('accounts').where({ id: accountId }).first();
  if (!row) return undefined;
  const emails = await db('email_addresses')
    .where({ account_id: accountId })
    .orderBy([{ column: 'is_sign_in', order: 'desc' }, 'verified_at', 'canonical'])
    .select('address', 'verified_at');
  const phones = await db('phone_numbers')
    .where({ account_id: accountId })
    .orderBy(['verified_at', 'number'])
    .select('number', 'verified_at');
  const declaredPhones = await db('declared_phone_numbers')
    .where({ account_id: accountId })
    .orderBy('number')
    .pluck('number');
  const members = await db('account_members')
    .where({ account_id: accountId, state: 'active' })
    .orderBy(['created_at', 'id'])
    .select('given_name', 'family_name');
  return {
    state: row.state,
    declared: {
      kind: row.kind,
      rpps: row.rpps ?? undefined,
      professionCode: row.profession_code ?? undefined,
      civiliteCode: row.civilite_code ?? undefined,
      civiliteExerciceCode: row.civilite_exercice_code ?? undefined,
      familyName: row.title ?? row.family_name ?? '',
      givenName: row.given_name ?? '',
      identityProof: row.identity_proof,
      emails: emails.map(({ address, verified_at }) => ({ address, verifiedAt: verified_at.toISOString() })),
      phones: phones.map(({ number, verified_at }) => ({ number, verifiedAt: verified_at.toISOString() })),
      declaredPhones,
      responsibleRpps: row.responsible_rpps ?? undefined,
      members: members.map(({ given_name, family_name }) => `${given_name} ${family_name}`),
      workplaces: (await listAccountWorkplaces(db, accountId)).map(({ workplace, gone, centre }) => ({
        name: workplace.name,
        town: workplace.town,
        finess: workplace.finess,
        gone,
        centre: centre?.name,
      })),
    },
  };
}

export interface DeclaredMember {
  readonly displayName: string;
  /** TRE_R81. */
  readonly civiliteCode: string | undefined;
  readonly email: string | undefined;
}

/** The secretaries of a shared account, the first one first. */
export async function listDeclaredMembers(db: Db, accountId: string): Promise<DeclaredMember[]> {
  const rows = await db('account_members as member')
    .leftJoin('email_addresses as own', 'own.member_id', 'member.id')
    .where({ 'member.account_id': accountId, 'member.state': 'active' })
    .orderBy(['member.created_at', 'member.id'])
    .select('given_name', 'family_name', 'civilite_code', 'own.address');
  return rows.map(({ given_name, family_name, civilite_code, address }) => ({
    displayName: displayNameOf({ givenName: given_name, familyName: family_name }),
    civiliteCode: civilite_code ?? undefined,
    email: address ?? undefined,
  }));
}

/** SHA-256 of a value made of plain data, its fields in the order in which they were written. */
export const digestOf = (value: unknown): Buffer =>
  createHash('sha256').update(JSON.stringify(value)).digest();

/** Given and family name, or the label of a shared account. */
export const displayNameOf = ({
  givenName,
  familyName,
}: Pick<Declared, 'givenName' | 'familyName'>): string => `${givenName} ${familyName}`.trim();
