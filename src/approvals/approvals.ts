/**
 * Requests that wait for an administrator: one row each, with what the person declared and the digest of the account
 * data it was made from; at most one waiting per account and kind. This folder owns the queue, the decision and its
 * deadlines; what a state change entails belongs to accounts/.
 */
import { findAccount, type NewAccount } from '../accounts/accounts.ts';
import { readerOf } from '../accounts/reader.ts';
import { record } from '../audit/journal.ts';
import { type Clock, DAY, fromNow } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';
import { enqueueMessage } from '../messages/outbox.ts';
import { digestOf, displayNameOf, findDeclared } from './declared.ts';
import type { FieldChange } from './profile-changes.ts';
import { PROMISE_HOURS } from './working-hours.ts';

export type ApprovalKind = 'sign-up' | 'profile-change';
export type Decision = 'approved' | 'refused' | 'withdrawn';

export interface Decided {
  readonly decision: Decision;
  readonly at: Date;
  /** Name of the administrator; absent when nobody decided, or their account is no more. */
  readonly by: string | undefined;
  readonly reason: string | undefined;
  readonly note: string | undefined;
}

export interface Approval {
  readonly id: string;
  readonly kind: ApprovalKind;
  readonly accountId: string;
  readonly originalHash: Buffer;
  /** Of a `profile-change`. */
  readonly changes: readonly FieldChange[];
  readonly identityProof: string;
  readonly createdAt: Date;
  readonly decided: Decided | undefined;
}

interface NewApproval {
  readonly accountId: string;
  readonly kind: ApprovalKind;
  /** Client address of the request. */
  readonly source?: string | undefined;
  /** Who asks, when it is a member of a shared account. */
  readonly actor?: string;
  /** Of a `profile-change`: what is asked, and the digest of what it was made from. */
  readonly change?: { readonly proposed: readonly FieldChange[]; readonly originalHash: Buffer };
}

/** Puts a request into the queue, with its journal entry. @returns its identifier. */
export async function openApproval(
  db: Db,
  { clock }: { readonly clock: Clock },
  { accountId, kind, source, actor = accountId, change }: NewApproval,
): Promise<string> {
  const found = await findDeclared(db, accountId);
  if (!found) throw new Error('no such account');
  const id = newId();
  await db('approvals').insert({
    id,
    kind,
    account_id: accountId,
    proposed: JSON.stringify(change?.proposed ?? found.declared),
    original_hash: change?.originalHash ?? digestOf(found.declared),
    identity_proof: found.declared.identityProof,
    created_at: clock.now(),
  });
  await record(db, clock, {
    event: 'approval.requested',
    outcome: 'success',
    actor,
    subject: accountId,
    source,
    details: {
      approval: id,
      kind,
      proof: found.declared.identityProof,
      fields: change?.proposed.map(({ field }) => field),
    },
  });
  return id;
}

/**
 * The end of a sign-up that an administrator must check: the request, its journal entry and the mail that tells the
 * person so. Call it in the transaction that made the pending account.
 * @returns the identifier of the request.
 */
export async function submitSignUp(
  db: Db,
  deps: { readonly clock: Clock; readonly keyring: Keyring },
  { accountId, source }: { accountId: string; source?: string | undefined },
): Promise<string> {
  return db.transaction(async (trx) => {
    const account = await findAccount(trx, accountId);
    if (account?.state !== 'pending') throw new Error('only a pending account waits for approval');
    const { to, lang, givenName, title } = await readerOf(trx, account);
    await enqueueMessage(trx, deps, {
      channel: 'email',
      template: 'sign-up-received',
      to,
      lang,
      params: { givenName, title, hours: PROMISE_HOURS },
    });
    return openApproval(trx, deps, { accountId, kind: 'sign-up', source });
  });
}

export async function findApproval(db: Db, id: string): Promise<Approval | undefined> {
  const row = await db('approvals')
    .leftJoin('accounts as decider', 'decider.id', 'approvals.decided_by')
    .where('approvals.id', id)
    .first('approvals.*', 'decider.given_name as decider_given', 'decider.family_name as decider_family');
  return (
    row && {
      id: row.id,
      kind: row.kind,
      accountId: row.account_id,
      originalHash: row.original_hash,
      changes: row.kind === 'profile-change' ? row.proposed : [],
      identityProof: row.identity_proof,
      createdAt: row.created_at,
      decided: row.decision
        ? {
            decision: row.decision,
            at: row.decided_at,
            by: row.decider_family
              ? displayNameOf({ givenName: row.decider_given, familyName: row.decider_family })
              : undefined,
            reason: row.reason ?? undefined,
            note: row.note ?? undefined,
          }
        : undefined,
    }
  );
}

export interface Waiting {
  readonly id: string;
  readonly kind: ApprovalKind;
  readonly displayName: string;
  readonly accountKind: NewAccount['kind'];
  readonly professionCode: string | undefined;
  readonly identityProof: string;
  readonly createdAt: Date;
}

// An account that was closed or opened otherwise asks nothing any more.
const STILL_ASKS = `accounts.state = CASE approvals.kind WHEN 'sign-up' THEN 'pending' ELSE 'active' END`;

const waiting = (db: Db) =>
  db('approvals')
    .join('accounts', 'accounts.id', 'approvals.account_id')
    .whereNull('decided_at')
    .whereRaw(STILL_ASKS);

/** Requests that wait, in the order of their arrival or the other way round. */
export async function listWaiting(
  db: Db,
  { order, limit, offset }: { order: 'oldest' | 'newest'; limit: number; offset: number },
): Promise<Waiting[]> {
  const direction = order === 'oldest' ? 'asc' : 'desc';
  const rows = await waiting(db)
    .orderBy([
      { column: 'approvals.created_at', order: direction },
      { column: 'approvals.id', order: direction },
    ])
    .limit(limit)
    .offset(offset)
    .select(
      'approvals.id',
      'approvals.kind',
      'approvals.identity_proof',
      'approvals.created_at',
      'accounts.kind as account_kind',
      'accounts.profession_code',
      'accounts.given_name',
      'accounts.family_name',
      'accounts.title',
    );
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    displayName: row.title ?? displayNameOf({ givenName: row.given_name, familyName: row.family_name }),
    accountKind: row.account_kind,
    professionCode: row.profession_code ?? undefined,
    identityProof: row.identity_proof,
    createdAt: row.created_at,
  }));
}

/** @param before only requests made before this instant. @returns when each was made, oldest first. */
export async function waitingSince(db: Db, before: Date): Promise<Date[]> {
  return waiting(db)
    .where('approvals.created_at', '<', before)
    .orderBy('approvals.created_at')
    .pluck('approvals.created_at');
}

/** Marks the waiting requests that administrators were not told of yet. @returns how many. */
export async function announceWaiting(db: Db, clock: Clock): Promise<number> {
  return db('approvals')
    .whereIn('id', waiting(db).whereNull('announced_at').select('approvals.id'))
    .whereNull('announced_at')
    .update({ announced_at: clock.now() });
}

export async function countWaiting(db: Db): Promise<number> {
  const [row] = await waiting(db).count('* as n');
  return Number(row?.n);
}

/** Marks as withdrawn the requests that ask nothing any more. */
export async function withdrawStale(db: Db, clock: Clock): Promise<void> {
  await db('approvals')
    .whereNull('decided_at')
    .whereNotExists(
      db('accounts').whereRaw('accounts.id = approvals.account_id').whereRaw(STILL_ASKS).select(db.raw('1')),
    )
    .update({ decision: 'withdrawn', decided_at: clock.now() });
}

const KEEP_REFUSED_DAYS = 180;

/** Erases the accounts refused long ago, with their requests; the journal keeps that it happened. */
export async function sweepRefused(db: Db, clock: Clock): Promise<number> {
  return db('accounts')
    .where({ state: 'refused' })
    .where('updated_at', '<', fromNow(clock, -KEEP_REFUSED_DAYS * DAY))
    .delete();
}
