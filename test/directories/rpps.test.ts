import { expect } from 'chai';
import fc from 'fast-check';
import { isRpps, parseRpps } from '../../src/directories/rpps.ts';

const digits10 = fc.stringMatching(/^[0-9]{10}$/);

/** The number completed with the one key that passes, whichever it is. */
function withKey(prefix: string): string {
  for (let key = 0; key < 10; key++) if (isRpps(`${prefix}${key}`)) return `${prefix}${key}`;
  throw new Error(`no key for ${prefix}`);
}

describe('RPPS number', () => {
  const accepted: [string, string][] = [
    ['99700427885', '99700427885'],
    ['99700427869', '99700427869'],
    ['99700218896', '99700218896'],
    ['99700237045', '99700237045'],
    ['99700900014', '99700900014'],
    ['99700900303', '99700900303'],
    ['899700427885', '99700427885'],
    ['8 99700427885', '99700427885'],
    ['  997 0042 7885  ', '99700427885'],
    ['997\u00a00042\u202f7885', '99700427885'],
    ['997\u20090042\u20097885\n', '99700427885'],
    ['997.0042.7885', '99700427885'],
    ['997-0042-7885', '99700427885'],
    ['997\u20110042\u20137885', '99700427885'],
  ];
  for (const [input, number] of accepted)
    it(`reads ${JSON.stringify(input)}`, () => {
      expect(parseRpps(input)).to.deep.equal({ ok: true, value: number });
    });

  const refused: [string, string, number?][] = [
    ['', 'fault.required.rpps'],
    [' \u00a0 ', 'fault.required.rpps'],
    ['- .', 'fault.required.rpps'],
    ['9970042788A', 'fault.rpps.digits'],
    ['997/0042/7885', 'fault.rpps.digits'],
    ['９９７００４２７８８５', 'fault.rpps.digits'],
    ['٩٩٧٠٠٤٢٧٨٨٥', 'fault.rpps.digits'],
    ['99700427885\u0000', 'fault.rpps.digits'],
    ['9970042788', 'fault.rpps.length', 10],
    ['997004278855', 'fault.rpps.length', 12],
    ['8', 'fault.rpps.length', 1],
    ['8899700427885', 'fault.rpps.length', 13],
    ['99700427886', 'fault.rpps.key'],
    ['10001234567', 'fault.rpps.key'],
    ['899700427886', 'fault.rpps.key'],
  ];
  for (const [input, key, count] of refused)
    it(`refuses ${JSON.stringify(input)}: ${key}`, () => {
      const fault = count === undefined ? { key } : { key, vars: { count } };
      expect(parseRpps(input)).to.deep.equal({ ok: false, fault });
    });

  it('breaks its key when any one digit changes', () => {
    fc.assert(
      fc.property(digits10, fc.nat(10), fc.integer({ min: 1, max: 9 }), (prefix, rank, shift) => {
        const number = withKey(prefix);
        const changed = [...number];
        changed[rank] = String((Number(changed[rank]) + shift) % 10);
        return !isRpps(changed.join(''));
      }),
    );
  });

  it('reads the national identifier of every valid number as that number', () => {
    fc.assert(
      fc.property(digits10, (prefix) => {
        const number = withKey(prefix);
        expect(parseRpps(`8${number}`)).to.deep.equal({ ok: true, value: number });
      }),
    );
  });

  it('never throws and returns 11 digits or a fault', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (input) => {
        const result = parseRpps(input);
        return !result.ok || isRpps(result.value);
      }),
    );
  });
});
