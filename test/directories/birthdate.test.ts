import { expect } from 'chai';
import fc from 'fast-check';
import { parseBirthdate } from '../../src/directories/birthdate.ts';

const TODAY = new Date('2026-03-15T12:00:00Z');

describe('birthdate', () => {
  const accepted: [string, string][] = [
    ['17/06/1980', '1980-06-17'],
    ['17061980', '1980-06-17'],
    ['17-6-1980', '1980-06-17'],
    ['17.06.1980', '1980-06-17'],
    ['17 06 1980', '1980-06-17'],
    [' 17 / 6 / 1980 ', '1980-06-17'],
    ['17\u00a006\u00a01980', '1980-06-17'],
    ['1980-06-17', '1980-06-17'],
    ['1/1/1970', '1970-01-01'],
    ['29/02/2000', '2000-02-29'],
    ['29/02/1980', '1980-02-29'],
    ['15/03/2026', '2026-03-15'],
    ['15/03/1906', '1906-03-15'],
  ];
  for (const [input, date] of accepted)
    it(`reads ${JSON.stringify(input)} as ${date}`, () => {
      expect(parseBirthdate(input, TODAY)).to.deep.equal({ ok: true, value: date });
    });

  const refused: [string, string][] = [
    ['', 'fault.required.birthdate'],
    ['   ', 'fault.required.birthdate'],
    ['17/06/80', 'fault.birthdate.format'],
    ['1761980', 'fault.birthdate.format'],
    ['17 juin 1980', 'fault.birthdate.format'],
    ['1980/06/17', 'fault.birthdate.format'],
    ['80-06-17', 'fault.birthdate.format'],
    ['1980-6-17', 'fault.birthdate.format'],
    ['19800617', 'fault.birthdate.impossible'],
    ['1980-17-06', 'fault.birthdate.impossible'],
    ['1980-02-30', 'fault.birthdate.impossible'],
    ['2180-06-17', 'fault.birthdate.future'],
    ['17/06', 'fault.birthdate.format'],
    ['17//06/1980', 'fault.birthdate.format'],
    ['17/06/1980/', 'fault.birthdate.format'],
    ['１７/06/1980', 'fault.birthdate.format'],
    [`17${' '.repeat(100_000)}06/1980`, 'fault.birthdate.format'],
    ['30/02/1980', 'fault.birthdate.impossible'],
    ['29/02/1981', 'fault.birthdate.impossible'],
    ['29/02/1900', 'fault.birthdate.impossible'],
    ['31/04/1980', 'fault.birthdate.impossible'],
    ['00/06/1980', 'fault.birthdate.impossible'],
    ['32/01/1980', 'fault.birthdate.impossible'],
    ['06/17/1980', 'fault.birthdate.impossible'],
    ['17/00/1980', 'fault.birthdate.impossible'],
    ['16/03/2026', 'fault.birthdate.future'],
    ['17/06/9999', 'fault.birthdate.future'],
    ['14/03/1906', 'fault.birthdate.tooOld'],
    ['01/01/0001', 'fault.birthdate.tooOld'],
    ['17/06/0080', 'fault.birthdate.tooOld'],
  ];
  for (const [input, key] of refused)
    it(`refuses ${JSON.stringify(input.slice(0, 20))}: ${key}`, () => {
      expect(parseBirthdate(input, TODAY)).to.deep.equal({ ok: false, fault: { key } });
    });

  it('changes day at midnight in Paris, in winter and in summer time', () => {
    const born = (date: string, now: string) => parseBirthdate(date, new Date(now)).ok;
    expect(born('16/01/2026', '2026-01-15T22:59:59Z')).to.equal(false);
    expect(born('16/01/2026', '2026-01-15T23:00:00Z')).to.equal(true);
    expect(born('16/07/2026', '2026-07-15T21:59:59Z')).to.equal(false);
    expect(born('16/07/2026', '2026-07-15T22:00:00Z')).to.equal(true);
  });

  it('reads back every date of the last 120 years', () => {
    const range = { min: new Date('1906-03-16'), max: new Date('2026-03-15'), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), fc.constantFrom('/', '.', '-', ' ', ''), (date, separator) => {
        const iso = date.toISOString().slice(0, 10);
        const typed = iso.split('-').reverse().join(separator);
        expect(parseBirthdate(typed, TODAY)).to.deep.equal({ ok: true, value: iso });
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (input) => {
        const result = parseBirthdate(input, TODAY);
        return !result.ok || /^\d{4}-\d{2}-\d{2}$/.test(result.value);
      }),
    );
  });
});
