/** Proved phone numbers of who signs in: each may receive a code. Two accounts, or two members of one, may share a number. */
import type { Principal } from '../accounts/principals.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';

export const MAX_PHONES = 5;

export interface Phone {
  readonly id: string;
  /** E.164. */
  readonly number: string;
  readonly verifiedAt: Date;
}

type Holder = Pick<Principal, 'account' | 'member'>;

const rowsOf = (db: Db, { account, member }: Holder) =>
  db('phone_numbers').where({ account_id: account.id, member_id: member?.id ?? null });

export async function listPhones(db: Db, holder: Holder): Promise<Phone[]> {
  const rows = await rowsOf(db, holder)
    .orderBy(['verified_at', 'number'])
    .select('id', 'number', 'verified_at');
  return rows.map(({ id, number, verified_at }) => ({ id, number, verifiedAt: verified_at }));
}

/** @param number E.164, just proved. @returns false when they have it already. */
export async function addPhone(
  db: Db,
  clock: Clock,
  { account, member }: Holder,
  number: string,
): Promise<boolean> {
  const added = await db('phone_numbers')
    .insert({
      id: newId(),
      account_id: account.id,
      member_id: member?.id ?? null,
      number,
      verified_at: clock.now(),
    })
    .onConflict(['account_id', 'member_id', 'number'])
    .ignore()
    .returning('id');
  return added.length === 1;
}

/** @returns false when they have no such phone. */
export async function removePhone(db: Db, holder: Holder, id: string): Promise<boolean> {
  return (await rowsOf(db, holder).andWhere({ id }).delete()) === 1;
}
