/** The decision on a request: one, by somebody else than the person concerned, on the data that they were shown. */
import type { Settings } from '../../config/settings.ts';
import { type AccountState, findAccount, findOwnerOfRpps } from '../accounts/accounts.ts';
import { transition } from '../accounts/transition.ts';
import { record } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import { type Db, isUniqueViolation } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type Approval, type ApprovalKind, type Decided, findApproval } from './approvals.ts';
import { type Declared, digestOf, findDeclared } from './declared.ts';
import { type Evidence, evidenceOf } from './evidence.ts';
import { applyDecision, digestOfApproved, withChanges } from './profile-changes.ts';

/** A request as an administrator is shown it. */
export interface Sheet {
  readonly approval: Approval;
  readonly state: AccountState;
  /** As it would be once approved. */
  readonly declared: Declared;
  readonly evidence: Evidence;
  /** The account changed since the request was made. */
  readonly changed: boolean;
  /** Hex digest of everything above that a decision rests on; it comes back with the decision. */
  readonly seenHash: string;
}

export async function findSheet(db: Db, approvalId: string): Promise<Sheet | undefined> {
  const approval = await findApproval(db, approvalId);
  const found = approval && (await findDeclared(db, approval.accountId));
  if (!approval || !found) return undefined;
  const { state } = found;
  const declared = withChanges(found.declared, approval.changes);
  const evidence = await evidenceOf(db, approval.accountId, declared);
  const original =
    approval.kind === 'sign-up' ? digestOf(declared) : await digestOfApproved(db, approval.accountId);
  const changed = !original.equals(approval.originalHash);
  return {
    approval,
    state,
    declared,
    evidence,
    changed,
    seenHash: digestOf({ approval: approval.id, state, declared, evidence, changed }).toString('hex'),
  };
}

/** In which state of its account a request waits. */
export const WAITS_IN: Readonly<Record<ApprovalKind, AccountState>> = {
  'sign-up': 'pending',
  'profile-change': 'active',
};

export interface DecisionMade {
  readonly approvalId: string;
  /** The administrator. */
  readonly by: { readonly accountId: string; readonly source?: string | undefined };
  readonly decision: 'approved' | 'refused';
  /** For the person; a refusal needs one. */
  readonly reason: string;
  /** For colleagues; may be empty. */
  readonly note: string;
  /** {@link Sheet.seenHash} of what the administrator was shown. */
  readonly seenHash: string;
}

/** `original-changed`: what the request was made from is no longer what the account holds. */
type Refusal =
  | 'own-request'
  | 'changed'
  | 'original-changed'
  | 'no-reason'
  | 'rpps-taken'
  | 'unknown'
  | 'decided';

export type DecisionResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: Exclude<Refusal, 'decided'> }
  | { readonly ok: false; readonly why: 'decided'; readonly decided: Decided };

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly settings: Settings;
}

interface Party {
  readonly accountId: string;
  readonly rpps: string | undefined;
  /** Canonical addresses without their sub-addresses (RFC 5233), those given back included. */
  readonly emails: readonly string[];
  /** Proved and declared, E.164. */
  readonly phones: readonly string[];
}

/** Whether two accounts are one person's, as far as it can be told for sure. */
export const isSamePerson = (one: Party, other: Party): boolean =>
  one.accountId === other.accountId ||
  (one.rpps !== undefined && one.rpps === other.rpps) ||
  one.emails.some((email) => other.emails.includes(email)) ||
  one.phones.some((phone) => other.phones.includes(phone));

async function partyOf(db: Db, accountId: string): Promise<Party> {
  const row = await db('accounts').where({ id: accountId }).first('rpps');
  const emails = await db('email_addresses').where({ account_id: accountId }).pluck('canonical');
  const phones = [
    ...(await db('phone_numbers').where({ account_id: accountId }).pluck('number')),
    ...(await db('declared_phone_numbers').where({ account_id: accountId }).pluck('number')),
  ];
  const mailboxes = emails.map((email: string) => email.replace(/\+[^@]*@/, '@'));
  return { accountId, rpps: row?.rpps ?? undefined, emails: mailboxes, phones };
}

/** Whether another account has the RPPS number that this one would have. */
export async function isRppsTaken(db: Db, { approval, declared: { rpps } }: Sheet): Promise<boolean> {
  const owner = rpps === undefined ? undefined : await findOwnerOfRpps(db, rpps);
  return owner !== undefined && owner.id !== approval.accountId;
}

/** True when this account's person is the one that the request is about. */
export const isOwnRequest = async (db: Db, approval: Approval, accountId: string): Promise<boolean> =>
  isSamePerson(await partyOf(db, accountId), await partyOf(db, approval.accountId));

/**
 * Decides, with all that follows: the state, the mail, the journal entry. Of two administrators at once one decides,
 * and the other one is told what was decided.
 *
 * @throws when `by` is not an active administrator.
 */
export async function decide(
  db: Db,
  deps: Deps,
  { approvalId, by, decision, reason, note, seenHash }: DecisionMade,
): Promise<DecisionResult> {
  const { clock } = deps;
  const decided = db.transaction(async (trx): Promise<DecisionResult> => {
    const locked = await trx('approvals').where({ id: approvalId }).forUpdate().first('account_id');
    if (!locked) return { ok: false, why: 'unknown' };
    await trx('accounts').where({ id: locked.account_id }).forUpdate().first('id');
    // Read after the wait for the rows: the role may have been taken away meanwhile.
    const administrator = await findAccount(trx, by.accountId);
    if (administrator?.state !== 'active' || !administrator.isAdministrator)
      throw new Error('only an active administrator decides');
    const sheet = await findSheet(trx, approvalId);
    if (!sheet) return { ok: false, why: 'unknown' };
    const { approval } = sheet;
    if (approval.decided) return { ok: false, why: 'decided', decided: approval.decided };
    if (await isOwnRequest(trx, approval, by.accountId)) {
      await record(trx, clock, {
        event: approval.kind === 'sign-up' ? `account.${decision}` : `profile-change.${decision}`,
        outcome: 'failure',
        actor: by.accountId,
        subject: approval.accountId,
        source: by.source,
        details: { approval: approval.id, why: 'own-request' },
      });
      return { ok: false, why: 'own-request' };
    }
    if (sheet.seenHash !== seenHash || sheet.state !== WAITS_IN[approval.kind])
      return { ok: false, why: 'changed' };
    if (decision === 'approved' && approval.kind === 'profile-change' && sheet.changed)
      return { ok: false, why: 'original-changed' };
    if (decision === 'refused' && reason.trim() === '') return { ok: false, why: 'no-reason' };
    if (decision === 'approved' && (await isRppsTaken(trx, sheet))) return { ok: false, why: 'rpps-taken' };

    const decidedRows = await trx('approvals')
      .where({ id: approval.id })
      .whereNull('decided_at')
      .update({
        decided_at: clock.now(),
        decided_by: by.accountId,
        decision,
        reason: decision === 'refused' ? reason.trim() : null,
        note: note.trim() || null,
      });
    if (decidedRows !== 1) throw new Error('decided meanwhile, although it was locked');
    if (approval.kind === 'profile-change') {
      await applyDecision(trx, deps, sheet, { by, decision, reason: reason.trim() });
      return { ok: true };
    }
    await transition(trx, deps, {
      accountId: approval.accountId,
      to: decision === 'approved' ? 'active' : 'refused',
      by: { role: 'administrator', accountId: by.accountId, source: by.source },
      reason: reason.trim(),
      details: { approval: approval.id },
    });
    return { ok: true };
  });
  return decided.catch((error) => {
    // Another account of this number became active at the same moment.
    if (isUniqueViolation(error, 'accounts_rpps_unique')) return { ok: false, why: 'rpps-taken' };
    throw error;
  });
}
