import { expect } from 'chai';
import { closestTo, compareField, compareIdentity, type Verdict } from '../../src/approvals/compare.ts';

describe('a declared field beside a register', () => {
  const CASES: [declared: string | undefined, known: string | undefined, verdict: Verdict][] = [
    ['MARTIN', 'Martin', 'same'],
    ['LE GOFF', 'Le-Goff', 'same'],
    ["D'ESSAI", 'D’ESSAI', 'same'],
    ['Lœuf', 'LOEUF', 'same'],
    ['Zoé', 'ZOE', 'same'],
    ['Zoe\u0301', 'Zoé', 'same'],
    ['  Anne   Marie ', 'Anne-Marie', 'same'],
    ['MARTIN', 'MARTINE', 'differs'],
    ['Anne Marie', 'Marie Anne', 'differs'],
    ['AnneMarie', 'Anne-Marie', 'differs'],
    ['99700900014', '99700900022', 'differs'],
    ['MARTIN', undefined, 'absent'],
    [undefined, 'MARTIN', 'absent'],
    ['', 'MARTIN', 'absent'],
    ['MARTIN', ' - ', 'absent'],
    [undefined, undefined, 'absent'],
  ];
  for (const [declared, known, verdict] of CASES)
    it(`${declared} | ${known}: ${verdict}`, () => {
      expect(compareField(declared, known)).to.equal(verdict);
      expect(compareField(known, declared), 'either way').to.equal(verdict);
    });

  it('has nothing to be compared with where the register does not know the person', () => {
    const declared = {
      rpps: '99700900014',
      profession: '10',
      civilite: 'M',
      familyName: 'MARTIN',
      givenName: 'Noa',
    };
    expect(compareIdentity(declared, undefined)).to.deep.equal({
      rpps: 'absent',
      profession: 'absent',
      civilite: 'absent',
      familyName: 'absent',
      givenName: 'absent',
    });
    expect(compareIdentity(declared, { ...declared, civilite: 'MME', givenName: undefined })).to.deep.equal({
      rpps: 'same',
      profession: 'same',
      civilite: 'differs',
      familyName: 'same',
      givenName: 'absent',
    });
  });

  it('is compared with the entry that says most of it', () => {
    const declared = { rpps: '1', profession: '60', civilite: 'M', familyName: 'MARTIN', givenName: 'Noa' };
    const entry = (profession: string, familyName: string) => ({
      identity: { ...declared, profession, familyName },
    });
    const [doctor, nurse, nurseOtherName] = [
      entry('10', 'MARTIN'),
      entry('60', 'MARTIN'),
      entry('60', 'AUTRE'),
    ];
    expect(closestTo(declared, [doctor, nurse, nurseOtherName])).to.equal(nurse);
    expect(closestTo(declared, [doctor, nurseOtherName]), 'a draw').to.equal(doctor);
    expect(closestTo(declared, [])).to.equal(undefined);
  });
});
