import { expect } from 'chai';
import type { AccountState } from '../../src/accounts/accounts.ts';
import { TRANSITIONS, type TransitionRole, transitionOf } from '../../src/accounts/states.ts';

const STATES: AccountState[] = ['pending', 'active', 'suspended', 'refused', 'closed'];
const ROLES: TransitionRole[] = ['person', 'administrator', 'system'];

/** Everything that is possible: who may, mail, journal entry, whether the account ends. */
const POSSIBLE: [string, TransitionRole[], string, string, boolean][] = [
  ['pending → active', ['administrator', 'system'], 'approved', 'account.approved', false],
  ['pending → refused', ['administrator'], 'refused', 'account.refused', true],
  ['pending → closed', ['person', 'administrator', 'system'], 'closed', 'account.closed', true],
  ['active → suspended', ['administrator', 'system'], 'suspended', 'account.suspended', false],
  ['active → closed', ['person', 'administrator', 'system'], 'closed', 'account.closed', true],
  ['suspended → active', ['administrator'], 'restored', 'account.restored', false],
  ['suspended → closed', ['administrator', 'system'], 'closed', 'account.closed', true],
];

describe('transitions of an account', () => {
  for (const from of STATES)
    for (const to of STATES) {
      const row = POSSIBLE.find(([change]) => change === `${from} → ${to}`);
      it(`${from} → ${to}: ${row ? row[1].join(', ') : 'nobody'}`, () => {
        for (const role of ROLES) {
          const found = transitionOf(from, to, role);
          expect(Boolean(found), role).to.equal(row?.[1].includes(role) ?? false);
          if (!found || !row) continue;
          expect([found.mail, found.event, found.ends ?? false], role).to.deep.equal(row.slice(2));
        }
      });
    }

  it('are one line each, and lead to the end wherever addresses and numbers are given back', () => {
    expect(TRANSITIONS).to.have.length(POSSIBLE.length);
    const ended = new Set(TRANSITIONS.filter(({ ends }) => ends).map(({ to }) => to));
    expect([...ended].sort()).to.deep.equal(['closed', 'refused']);
    for (const { from, to, ends } of TRANSITIONS) {
      expect(ended.has(from), `${from} leads nowhere`).to.equal(false);
      expect(Boolean(ends)).to.equal(ended.has(to));
    }
  });
});
