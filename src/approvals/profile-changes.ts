/**
 * A person's request to change what others rely upon in their account (civility, names, RPPS number, title of a shared
 * account). The old values stay in use until an administrator approves; the person may take the request back until then.
 */
import type { Settings } from '../../config/settings.ts';
import { findAccount } from '../accounts/accounts.ts';
import {
  APPROVED_FIELDS,
  type ApprovedField,
  type ApprovedValues,
  approvedColumns,
  getApprovedValues,
} from '../accounts/profile.ts';
import { readerOf } from '../accounts/reader.ts';
import { record } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import { type Db, isUniqueViolation } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { MAIL_PATHS } from '../messages/links.ts';
import { enqueueMessage } from '../messages/outbox.ts';
import { type Approval, openApproval } from './approvals.ts';
import { type Declared, digestOf } from './declared.ts';
import type { Evidence } from './evidence.ts';

export interface FieldChange {
  readonly field: ApprovedField;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly settings: Settings;
}

interface Asked {
  readonly accountId: string;
  /** Who asks: the account, or the member of a shared one. */
  readonly actor: string;
  readonly source?: string | undefined;
}

/** What would change, field by field. */
export const changesBetween = (from: ApprovedValues, to: Partial<ApprovedValues>): FieldChange[] =>
  APPROVED_FIELDS.filter((field) => Object.hasOwn(to, field) && from[field] !== to[field]).map((field) => ({
    field,
    from: from[field],
    to: to[field],
  }));

/** Of everything that a request may change, so that one made from other data than today's is known. */
export const digestOfApproved = async (db: Db, accountId: string): Promise<Buffer> =>
  digestOf(await getApprovedValues(db, accountId));

const valuesOf = (changes: readonly FieldChange[]): Partial<ApprovedValues> =>
  Object.fromEntries(changes.map(({ field, to }) => [field, to]));

/** What the account would declare once the changes are made. */
export function withChanges(declared: Declared, changes: readonly FieldChange[]): Declared {
  const values = valuesOf(changes);
  const { civilite, title, givenName, familyName } = values;
  return {
    ...declared,
    ...(Object.hasOwn(values, 'rpps') && { rpps: values.rpps }),
    ...(Object.hasOwn(values, 'civilite') && { civiliteCode: civilite }),
    ...(givenName !== undefined && { givenName }),
    ...((title ?? familyName) !== undefined && { familyName: title ?? familyName }),
  } as Declared;
}

/** What it declared before them. */
export const withoutChanges = (declared: Declared, changes: readonly FieldChange[]): Declared =>
  withChanges(
    declared,
    changes.map(({ field, from, to }) => ({ field, from: to, to: from })),
  );

/**
 * Asks for these values; call it in the transaction of what is saved beside it, with the account's row locked.
 * @returns undefined when they are the account's already, or a request waits.
 */
export async function requestProfileChange(
  db: Db,
  deps: Pick<Deps, 'clock'>,
  { accountId, actor, source, wanted }: Asked & { wanted: Partial<ApprovedValues> },
): Promise<FieldChange[] | undefined> {
  const changes = changesBetween(await getApprovedValues(db, accountId), wanted);
  if (changes.length === 0) return undefined;
  try {
    // In a savepoint: the rest of the transaction stands when the index refuses.
    await db.transaction(async (trx) =>
      openApproval(trx, deps, {
        accountId,
        kind: 'profile-change',
        source,
        actor,
        change: { proposed: changes, originalHash: await digestOfApproved(trx, accountId) },
      }),
    );
  } catch (error) {
    if (isUniqueViolation(error, 'approvals_one_pending')) return undefined;
    throw error;
  }
  return changes;
}

export interface WaitingChange {
  readonly id: string;
  readonly createdAt: Date;
  readonly changes: readonly FieldChange[];
}

export async function findWaitingChange(db: Db, accountId: string): Promise<WaitingChange | undefined> {
  const row = await db('approvals')
    .where({ account_id: accountId, kind: 'profile-change' })
    .whereNull('decided_at')
    .first('id', 'created_at', 'proposed');
  return row && { id: row.id, createdAt: row.created_at, changes: row.proposed };
}

/** @returns false when nothing waits any more: it was decided, or taken back, meanwhile. */
export async function withdrawProfileChange(
  db: Db,
  { clock }: Pick<Deps, 'clock'>,
  { accountId, actor, source, id }: Asked & { id: string },
): Promise<boolean> {
  return db.transaction(async (trx) => {
    // A decision under way holds the row: what it leaves is read again after the wait.
    const withdrawn = await trx('approvals')
      .where({ id, account_id: accountId, kind: 'profile-change' })
      .whereNull('decided_at')
      .update({ decision: 'withdrawn', decided_at: clock.now() });
    if (withdrawn !== 1) return false;
    await record(trx, clock, {
      event: 'approval.withdrawn',
      outcome: 'success',
      actor,
      subject: accountId,
      source,
      details: { approval: id },
    });
    return true;
  });
}

/**
 * How the identity is proved once the changes are made. What the Order proved stays proved only as far as the Order says
 * the same: same number, and the names that it knows.
 */
export function proofAfter(
  before: string,
  changes: readonly FieldChange[],
  { registers }: Pick<Evidence, 'registers'>,
): string {
  if (before !== 'ordinal-register') return before;
  const order = registers.find(({ register }) => register === 'ordinal');
  const agrees =
    order?.answer === 'found' &&
    order.verdicts.familyName === 'same' &&
    order.verdicts.givenName === 'same' &&
    order.verdicts.civilite !== 'differs';
  return agrees && !changes.some(({ field }) => field === 'rpps') ? before : 'declared';
}

/** What follows from a decision that was made: the fields, the mail and the journal entry. */
export async function applyDecision(
  trx: Db,
  deps: Deps,
  { approval, evidence }: { approval: Approval; evidence: Evidence },
  {
    by,
    decision,
    reason,
  }: {
    by: { readonly accountId: string; readonly source?: string | undefined };
    decision: 'approved' | 'refused';
    reason: string;
  },
): Promise<void> {
  const { clock, settings } = deps;
  const { accountId, changes } = approval;
  if (decision === 'approved') {
    const { identity_proof: before } = await trx('accounts').where({ id: accountId }).first('identity_proof');
    const proof = proofAfter(before, changes, evidence);
    await trx('accounts')
      .where({ id: accountId })
      .update({
        ...approvedColumns(valuesOf(changes)),
        identity_proof: proof,
        // It came with the proof that is no more.
        ...(proof !== before && { civilite_exercice_code: null }),
        updated_at: clock.now(),
      });
  }
  const account = await findAccount(trx, accountId);
  if (account) {
    const { to, lang, givenName, title } = await readerOf(trx, account);
    await enqueueMessage(trx, deps, {
      channel: 'email',
      template: 'profile-change-decided',
      to,
      lang,
      params: {
        givenName,
        title,
        decision,
        fields: changes.map(({ field }) => field),
        reason: decision === 'refused' ? reason : '',
        profileUrl: `${settings.ISSUER}${MAIL_PATHS.myAccount}`,
        supportEmail: settings.SUPPORT_EMAIL,
      },
    });
  }
  await record(trx, clock, {
    event: `profile-change.${decision}`,
    outcome: 'success',
    actor: by.accountId,
    subject: accountId,
    source: by.source,
    details: { approval: approval.id, fields: changes.map(({ field }) => field) },
  });
}
