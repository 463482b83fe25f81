/** The states of an account: one table says which change is possible, who may make it, and what follows. */
import type { JournalEvent } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import type { Account, AccountState } from './accounts.ts';

/** Who changes a state: the person themself, an administrator, or Caducée by a rule of its own. */
export type TransitionRole = 'person' | 'administrator' | 'system';

/** Mail to the person: each says one thing. */
export type TransitionMail =
  | 'approved'
  | 'refused'
  | 'suspended'
  | 'restored'
  | 'closed'
  | 'closing'
  | 'reopened';

export interface Transition {
  readonly from: AccountState;
  readonly to: AccountState;
  readonly by: readonly TransitionRole[];
  readonly mail: TransitionMail;
  readonly event: JournalEvent;
  /** The account ends: its RPPS number and addresses are free for another one. */
  readonly ends?: true;
  /** Its own person may open it again for {@link REOPEN_DAYS}: until then nothing of it is given back. */
  readonly mayReopen?: true;
}

/** How long a closed account keeps what it holds of a person. */
export const REOPEN_DAYS = 30;

/** `refused` leads nowhere, and `closed` only back for who closed their own account. */
export const TRANSITIONS: readonly Transition[] = [
  {
    from: 'pending',
    to: 'active',
    by: ['administrator', 'system'],
    mail: 'approved',
    event: 'account.approved',
  },
  {
    from: 'pending',
    to: 'refused',
    by: ['administrator'],
    mail: 'refused',
    event: 'account.refused',
    ends: true,
  },
  {
    from: 'pending',
    to: 'closed',
    by: ['person', 'administrator', 'system'],
    mail: 'closed',
    event: 'account.closed',
    ends: true,
  },
  {
    from: 'active',
    to: 'suspended',
    by: ['administrator', 'system'],
    mail: 'suspended',
    event: 'account.suspended',
  },
  {
    from: 'active',
    to: 'closed',
    by: ['person'],
    mail: 'closing',
    event: 'account.closed',
    mayReopen: true,
  },
  {
    from: 'active',
    to: 'closed',
    by: ['administrator', 'system'],
    mail: 'closed',
    event: 'account.closed',
    ends: true,
  },
  { from: 'suspended', to: 'active', by: ['administrator'], mail: 'restored', event: 'account.restored' },
  {
    from: 'suspended',
    to: 'closed',
    by: ['administrator', 'system'],
    mail: 'closed',
    event: 'account.closed',
    ends: true,
  },
  { from: 'closed', to: 'active', by: ['person'], mail: 'reopened', event: 'account.reopened' },
];

/** Whether its own person may open a closed account again. */
export const isReopenable = (
  clock: Clock,
  { state, reopenUntil }: Pick<Account, 'state' | 'reopenUntil'>,
): boolean => state === 'closed' && reopenUntil !== undefined && clock.now() < reopenUntil;

/** Whether a sign-in may be gone through: at its end, who closed their account is asked whether they open it again. */
export const maySignIn = (clock: Clock, account: Pick<Account, 'state' | 'reopenUntil'>): boolean =>
  account.state === 'active' || isReopenable(clock, account);

/** @returns the change from one state to another when `by` may make it; undefined otherwise. */
export const transitionOf = (
  from: AccountState,
  to: AccountState,
  by: TransitionRole,
): Transition | undefined =>
  TRANSITIONS.find((one) => one.from === from && one.to === to && one.by.includes(by));
