import { expect } from 'chai';
import fc from 'fast-check';
import { fold } from '../../src/directories/fold.ts';

const CASES: readonly [string, string][] = [
  ['MARTIN', 'martin'],
  ['  Le   Goff ', 'le goff'],
  ['Zoé-Anne', 'zoe anne'],
  ["D'ESSAI", 'd essai'],
  ['D’ESSAI', 'd essai'],
  ['CŒUR LÆTITIA', 'coeur laetitia'],
  ['Ç Ñ Ü ß Ø Ł', 'c n u ss o l'],
  ['E\u0301LODIE', 'elodie'],
  ['SAINT-FICTIF-SUR-LÈZE (99)', 'saint fictif sur leze 99'],
  ['DOC0090001', 'doc0090001'],
  ['ＭＡＲＴＩＮ', 'martin'],
  ['\u00a0MAR\u2011TIN\u00a0', 'mar tin'],
  ['İZMİR', 'izmir'],
  ['%_\\\'"\0|;--', ''],
  ['', ''],
];

describe('folding of names', () => {
  for (const [text, folded] of CASES) {
    it(`reads ${JSON.stringify(text)} as ${JSON.stringify(folded)}`, () => {
      expect(fold(text)).to.equal(folded);
    });
  }

  it('gives words of letters and digits, one space apart, and changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const folded = fold(text);
        expect(folded).to.match(/^([\p{L}\p{N}]+( [\p{L}\p{N}]+)*)?$/u);
        expect(fold(folded)).to.equal(folded);
      }),
      { numRuns: 500 },
    );
  });
});
