import { expect } from 'chai';
import type { AccountState } from '../../src/accounts/accounts.ts';
import {
  isReopenable,
  maySignIn,
  TRANSITIONS,
  type TransitionRole,
  transitionOf,
} from '../../src/accounts/states.ts';

const STATES: AccountState[] = ['pending', 'active', 'suspended', 'refused', 'closed'];
const ROLES: TransitionRole[] = ['person', 'administrator', 'system'];

/** Everything that is possible: who may, mail, journal entry, whether the account ends. */
const POSSIBLE: [string, TransitionRole[], string, string, boolean][] = [
  ['pending → active', ['administrator', 'system'], 'approved', 'account.approved', false],
  ['pending → refused', ['administrator'], 'refused', 'account.refused', true],
  ['pending → closed', ['person', 'administrator', 'system'], 'closed', 'account.closed', true],
  ['active → suspended', ['administrator', 'system'], 'suspended', 'account.suspended', false],
  ['active → closed', ['person'], 'closing', 'account.closed', false],
  ['active → closed', ['administrator', 'system'], 'closed', 'account.closed', true],
  ['closed → active', ['person'], 'reopened', 'account.reopened', false],
  ['suspended → active', ['administrator'], 'restored', 'account.restored', false],
  ['suspended → closed', ['administrator', 'system'], 'closed', 'account.closed', true],
];

describe('transitions of an account', () => {
  for (const from of STATES)
    for (const to of STATES) {
      const rows = POSSIBLE.filter(([change]) => change === `${from} → ${to}`);
      it(`${from} → ${to}: ${rows.flatMap(([, who]) => who).join(', ') || 'nobody'}`, () => {
        for (const role of ROLES) {
          const found = transitionOf(from, to, role);
          const row = rows.find(([, who]) => who.includes(role));
          expect(Boolean(found), role).to.equal(row !== undefined);
          if (!found || !row) continue;
          expect([found.mail, found.event, found.ends ?? false], role).to.deep.equal(row.slice(2));
        }
      });
    }

  it('give addresses and numbers back where they lead to the end, which nobody leaves', () => {
    expect(TRANSITIONS).to.have.length(POSSIBLE.length);
    const ended = new Set(TRANSITIONS.filter(({ ends }) => ends).map(({ to }) => to));
    expect([...ended].sort()).to.deep.equal(['closed', 'refused']);
    for (const { to, ends, mayReopen } of TRANSITIONS) {
      expect(Boolean(ends) !== Boolean(mayReopen), to).to.equal(ended.has(to));
    }
    const back = TRANSITIONS.filter(({ from }) => ended.has(from));
    expect(back.map(({ from, to, by }) => [from, to, by])).to.deep.equal([['closed', 'active', ['person']]]);
  });

  const now = new Date('2026-11-24T08:00:00Z');
  const clock = { now: () => now };
  const later = new Date(now.getTime() + 1);
  const cases: [AccountState, Date | undefined, boolean, boolean][] = [
    ['active', undefined, false, true],
    ['closed', later, true, true],
    ['closed', now, false, false],
    ['closed', undefined, false, false],
    ['suspended', later, false, false],
    ['pending', undefined, false, false],
    ['refused', undefined, false, false],
  ];
  for (const [state, reopenUntil, reopens, signsIn] of cases)
    it(`${state}, to be reopened until ${reopenUntil?.toISOString() ?? 'never'}`, () => {
      expect(isReopenable(clock, { state, reopenUntil })).to.equal(reopens);
      expect(maySignIn(clock, { state, reopenUntil })).to.equal(signsIn);
    });
});
