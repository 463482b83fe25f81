import { expect } from 'chai';
import fc from 'fast-check';
import { formatFiness, hasDoubtfulFinessKey, isFiness, parseFiness } from '../../src/directories/finess.ts';

describe('FINESS number', () => {
  const accepted: [string, string][] = [
    ['010000024', '010000024'],
    ['010780054', '010780054'],
    ['250000700', '250000700'],
    ['590064036', '590064036'],
    ['750712184', '750712184'],
    ['2A0000014', '2A0000014'],
    ['2B0000020', '2B0000020'],
    ['9F0000001', '9F0000001'],
    ['0B0190011', '0B0190011'],
    ['2a0000014', '2A0000014'],
    ['75 071 218 4', '750712184'],
    [' 75\u00a0071\u202f218\u20094\n', '750712184'],
    ['75.071.218.4', '750712184'],
    ['75-071\u2011218\u20134', '750712184'],
    // The key is wrong: told apart below, never refused.
    ['010000025', '010000025'],
  ];
  for (const [input, number] of accepted)
    it(`reads ${JSON.stringify(input)}`, () => {
      expect(parseFiness(input)).to.deep.equal({ ok: true, value: number });
    });

  const refused: [string, string][] = [
    ['', 'fault.required.finess'],
    [' \u00a0 ', 'fault.required.finess'],
    ['- .', 'fault.required.finess'],
    ['75071218', 'fault.finess.format'],
    ['7507121844', 'fault.finess.format'],
    ['A50712184', 'fault.finess.format'],
    ['7507A2184', 'fault.finess.format'],
    ['75071218A', 'fault.finess.format'],
    ['75/071/218/4', 'fault.finess.format'],
    ['７５０７１２１８４', 'fault.finess.format'],
    ['0ı0000024', 'fault.finess.format'],
    ['0ſ0000024', 'fault.finess.format'],
    ['750712184\u0000', 'fault.finess.format'],
    [' '.repeat(41), 'fault.finess.format'],
  ];
  for (const [input, key] of refused)
    it(`refuses ${JSON.stringify(input)}: ${key}`, () => {
      expect(parseFiness(input)).to.deep.equal({ ok: false, fault: { key } });
    });

  const doubtful: [string, boolean][] = [
    ['010000024', false],
    ['750712184', false],
    ['010000025', true],
    ['750712183', true],
    ['2A0000014', false],
    ['0B0190012', false],
    ['1B0064166', false],
  ];
  for (const [number, expected] of doubtful)
    it(`${expected ? 'doubts' : 'does not doubt'} the key of ${number}`, () => {
      expect(hasDoubtfulFinessKey(number)).to.equal(expected);
    });

  it('is shown in groups that are read back', () => {
    expect(formatFiness('750712184')).to.equal('75 071 218 4');
    expect(formatFiness('2A0000014')).to.equal('2A 000 001 4');
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9][0-9A-Z][0-9]{7}$/), (number) => {
        expect(parseFiness(formatFiness(number))).to.deep.equal({ ok: true, value: number });
      }),
    );
  });

  it('never throws and returns a number of the pattern or a fault', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (input) => {
        const result = parseFiness(input);
        return !result.ok || isFiness(result.value);
      }),
    );
  });
});
