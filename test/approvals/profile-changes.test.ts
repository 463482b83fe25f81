import { expect } from 'chai';
import type { Verdict } from '../../src/approvals/compare.ts';
import type { Evidence, RegisterEvidence } from '../../src/approvals/evidence.ts';
import { changesBetween, type FieldChange, proofAfter } from '../../src/approvals/profile-changes.ts';

const VALUES = {
  civilite: 'MME',
  givenName: 'Camille',
  familyName: 'MARTIN',
  rpps: '99700900048',
  title: undefined,
};

const orderSays = (
  answer: RegisterEvidence['answer'],
  verdicts: Partial<Record<'familyName' | 'givenName' | 'civilite', Verdict>> = {},
): Pick<Evidence, 'registers'> => ({
  registers: [
    {
      register: 'ordinal',
      answer,
      person: undefined,
      verdicts: {
        rpps: 'same',
        profession: 'same',
        civilite: 'same',
        familyName: 'same',
        givenName: 'same',
        ...verdicts,
      },
    },
  ],
});

describe('a change of profile', () => {
  it('is what differs, field by field, and nothing of what was not asked', () => {
    expect(changesBetween(VALUES, {})).to.deep.equal([]);
    expect(changesBetween(VALUES, { familyName: 'MARTIN', givenName: 'Camille' })).to.deep.equal([]);
    expect(changesBetween(VALUES, { familyName: 'LEROY', civilite: 'M' })).to.deep.equal([
      { field: 'civilite', from: 'MME', to: 'M' },
      { field: 'familyName', from: 'MARTIN', to: 'LEROY' },
    ]);
    expect(changesBetween({ ...VALUES, rpps: undefined }, { rpps: '99700900014' })).to.deep.equal([
      { field: 'rpps', from: undefined, to: '99700900014' },
    ]);
  });

  const name: FieldChange[] = [{ field: 'familyName', from: 'MARTIN', to: 'LEROY' }];
  const number: FieldChange[] = [{ field: 'rpps', from: '99700900048', to: '99700900014' }];
  const ORDER = 'ordinal-register';
  const cases: [string, string, FieldChange[], Pick<Evidence, 'registers'>, string][] = [
    ['never better than it was', 'declared', name, orderSays('found'), 'declared'],
    ['kept when the Order says the same', ORDER, name, orderSays('found'), ORDER],
    ['kept when the Order knows no civility', ORDER, name, orderSays('found', { civilite: 'absent' }), ORDER],
    ['lost with another number', ORDER, number, orderSays('found'), 'declared'],
    ['lost with another family name', ORDER, name, orderSays('found', { familyName: 'differs' }), 'declared'],
    ['lost with another given name', ORDER, name, orderSays('found', { givenName: 'absent' }), 'declared'],
    ['lost with another civility', ORDER, name, orderSays('found', { civilite: 'differs' }), 'declared'],
    ['lost when the Order no longer knows them', ORDER, name, orderSays('unknown'), 'declared'],
    ['lost when nothing was asked', ORDER, name, { registers: [] }, 'declared'],
  ];
  for (const [how, before, changes, evidence, after] of cases)
    it(`leaves a proof of identity ${how}`, () => {
      expect(proofAfter(before, changes, evidence)).to.equal(after);
    });
});
