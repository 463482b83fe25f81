/** The states of an account: one table says which change is possible, who may make it, and what follows. */
import type { JournalEvent } from '../audit/journal.ts';
import type { AccountState } from './accounts.ts';

/** Who changes a state: the person themself, an administrator, or Caducée by a rule of its own. */
export type TransitionRole = 'person' | 'administrator' | 'system';

/** Mail to the person: each says one thing. */
export type TransitionMail = 'approved' | 'refused' | 'suspended' | 'restored' | 'closed';

export interface Transition {
  readonly from: AccountState;
  readonly to: AccountState;
  readonly by: readonly TransitionRole[];
  readonly mail: TransitionMail;
  readonly event: JournalEvent;
  /** The account ends: its RPPS number and addresses are free for another one. */
  readonly ends?: true;
}

/** `refused` and `closed` lead nowhere: whoever comes back opens another account. */
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
    by: ['person', 'administrator', 'system'],
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
];

/** @returns the change from one state to another when `by` may make it; undefined otherwise. */
export const transitionOf = (
  from: AccountState,
  to: AccountState,
  by: TransitionRole,
): Transition | undefined =>
  TRANSITIONS.find((one) => one.from === from && one.to === to && one.by.includes(by));
