import { expect } from 'chai';
import { matches, startUrlOf } from '../../src/applications/tiles.ts';

const ISSUER = 'https://caducee.example.test';
const ISS = encodeURIComponent(ISSUER);

describe('a tile', () => {
  const TABLE: readonly [
    what: string,
    initiateLoginUri: string | undefined,
    startUrl: string | undefined,
    leadsTo: string | undefined,
  ][] = [
    ['to its plain address', undefined, 'https://a.example.test/x', 'https://a.example.test/x'],
    [
      'to its sign-in, told who asks',
      'https://a.example.test/login',
      'https://a.example.test/',
      `https://a.example.test/login?iss=${ISS}`,
    ],
    [
      'to its sign-in with the parameters it has',
      'https://a.example.test/login?site=1&iss=other#x',
      undefined,
      `https://a.example.test/login?site=1&iss=${ISS}#x`,
    ],
    ['nowhere without an address', undefined, undefined, undefined],
    ['nowhere by a script', undefined, 'javascript:alert(1)', undefined],
    ['nowhere by data', 'data:text/html,x', 'https://a.example.test/', undefined],
    ['nowhere by what is no address', undefined, '/somewhere', undefined],
  ];
  for (const [what, initiateLoginUri, startUrl, leadsTo] of TABLE) {
    it(`leads ${what}`, () => {
      expect(startUrlOf(ISSUER, { initiateLoginUri, startUrl })).to.equal(leadsTo);
    });
  }

  const LAB = { name: 'Laboratoire', description: 'Résultats de biologie, œdèmes' };
  for (const [search, found] of [
    ['', true],
    ['labo', true],
    ['LABORATOIRE', true],
    ['resultats', true],
    ['biologie labo', true],
    ['oedeme', true],
    ['messagerie', false],
    ['labo messagerie', false],
    ['%', true],
  ] as const) {
    it(`${found ? 'is found' : 'is not found'} by « ${search} »`, () => {
      expect(matches(search, LAB)).to.equal(found);
    });
  }
});
