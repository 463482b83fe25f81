import { expect } from 'chai';
import { nameInGreeting, parseAccountTitle, parsePersonName } from '../../src/accounts/names.ts';

describe('a declared name', () => {
  const cases: [string, string][] = [
    ['  Anne-Marie ', 'Anne-Marie'],
    ['de  la\tTour', 'de la Tour'],
    ["D'ESSAI", "D'ESSAI"],
    ['D’ESSAI', 'D’ESSAI'],
    ['Jose\u0301', 'José'],
    ['Nguyễn', 'Nguyễn'],
    ['', 'fault.required.familyName'],
    ['   ', 'fault.required.familyName'],
    ['x'.repeat(80), 'x'.repeat(80)],
    ['x'.repeat(81), 'fault.name.tooLong'],
    ['x'.repeat(100_000), 'fault.name.tooLong'],
    ['DOC0090001', 'DOC0090001'],
    ['2Anne', 'fault.name.characters'],
    ['\u3164\u3164', 'fault.name.characters'],
    ['\u115f\u1160', 'fault.name.characters'],
    ['e\u0301\u0301\u0301\u0301\u0301', 'fault.name.characters'],
    ['J. Martin', 'J. Martin'],
    ['caducee.example', 'fault.name.characters'],
    ['<b>Anne</b>', 'fault.name.characters'],
    ['Anne\u0000', 'fault.name.characters'],
    ['Anne\u202eenna', 'fault.name.characters'],
    ['-', 'fault.name.characters'],
    ['http://example.test', 'fault.name.characters'],
  ];
  for (const [typed, expected] of cases) {
    it(`${JSON.stringify(typed.slice(0, 24))} (${typed.length}) is ${expected.slice(0, 40)}`, () => {
      const read = parsePersonName(typed, 'familyName');
      expect(read.ok ? read.value : read.fault.key).to.equal(expected);
    });
  }

  it('says which part is missing', () => {
    expect(parsePersonName('', 'givenName')).to.deep.equal({
      ok: false,
      fault: { key: 'fault.required.givenName' },
    });
  });
});

describe('the title of a shared account', () => {
  const cases: [string, string][] = [
    [' Secrétariat  du 3e étage (cardiologie) ', 'Secrétariat du 3e étage (cardiologie)'],
    ['Cabinet Martin & Petit, n° 2', 'Cabinet Martin & Petit, n° 2'],
    ['', 'fault.required.title'],
    ['x'.repeat(100), 'x'.repeat(100)],
    ['x'.repeat(101), 'fault.name.tooLong'],
    ['<script>', 'fault.title.characters'],
    ['Secrétariat\u0000', 'fault.title.characters'],
    ['« A »', 'fault.title.characters'],
    ['Lisez https://site.example', 'fault.title.characters'],
    ['Lisez www.site.example', 'fault.title.characters'],
    ['Lisez site.example', 'fault.title.characters'],
  ];
  for (const [typed, expected] of cases) {
    it(`${JSON.stringify(typed.slice(0, 24))} (${typed.length}) is ${expected.slice(0, 40)}`, () => {
      const read = parseAccountTitle(typed);
      expect(read.ok ? read.value : read.fault.key).to.equal(expected);
    });
  }
});

describe('a given name in a greeting', () => {
  for (const [stored, said] of [
    ['ALEX', 'Alex'],
    ['JEAN-ÉMILE', 'Jean-Émile'],
    ["N'GOLO", "N'Golo"],
    ['MARIE LOU', 'Marie Lou'],
    ['Zoé-Anne', 'Zoé-Anne'],
    ['McKenzie', 'McKenzie'],
    ['', ''],
  ] as const)
    it(`${stored}: ${said}`, () => {
      expect(nameInGreeting(stored)).to.equal(said);
    });
});
