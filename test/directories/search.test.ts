import { expect } from 'chai';
import { neighbours, orders, readQuery } from '../../src/directories/national-directory/query.ts';
import { familyForms } from '../../src/directories/national-directory/search-keys.ts';
import {
  type DirectoryQuery,
  findDirectoryPerson,
  getDirectoryPerson,
  searchDirectory,
} from '../../src/directories/national-directory.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  createFolder,
  doctor,
  type Folder,
  HEADER,
  importFile,
  inventedLines,
  type Line,
  written,
} from '../support/directory.ts';

const at = (town: string): Line => ({
  'Identifiant technique de la structure': `R9${town}`,
  'Raison sociale site': 'CABINET',
  'Libellé commune (coord. structure)': town,
});

const PEOPLE: readonly Line[] = [
  doctor('99700900014', 'VERNIOLLE', 'ALIX', at('VALBRUME')),
  doctor('99700900022', 'VERNIOLLES', 'ALIX', at('VALBRUME')),
  doctor('99700900030', 'VERNIOLLE-QUIBERT', 'ZOÉ-ANNE', at('PORT-IMAGINÉ')),
  doctor('99700900048', "D'ESSAILLOU", 'CLAUDE', at('L’ABSENTE')),
  doctor('99700900055', 'LE GOUFFRAC', 'MAËL', at('VALBRUME')),
  doctor('99700900063', 'CŒURJOLI', 'LÆTITIA'),
  doctor('99700900071', 'ALIXIS', 'VERNIOLLE', at('SAINT-FICTIF-SUR-LÈZE')),
  doctor('99700900089', 'ÇELIKÖZ', 'YAËL', at('VALBRUME')),
  doctor('99700900097', 'ZYWOKARTE', 'JEAN PIERRE', at('PORT-IMAGINÉ')),
  doctor('99700900097', 'ZYWOKARTE', 'JEAN PIERRE', at('VALBRUME')),
  {
    ...doctor('0B6090038', 'ADELIVRANCE', 'LOU'),
    "Type d'identifiant PP": '0',
    'Identification nationale PP': '00B6090038',
  },
  ...Array.from({ length: 30 }, (_, rank) =>
    doctor(String(99_700_950_000 + rank), 'MULTIPLION', `PRENOM${String(rank).padStart(2, '0')}`, {
      "Type d'identifiant PP": '1',
      'Identification nationale PP': `19970095${rank}`,
    }),
  ),
];

/** What is typed, and the family and given names of who is found, in order. */
const TABLE: readonly [DirectoryQuery, readonly string[]][] = [
  // Whole words first, then beginnings.
  ['verniolle alix', ['VERNIOLLE ALIX', 'ALIXIS VERNIOLLE', 'VERNIOLLES ALIX']],
  ['ALIX VERNIOLLE', ['VERNIOLLE ALIX', 'ALIXIS VERNIOLLE', 'VERNIOLLES ALIX']],
  ['vernioll', ['VERNIOLLE ALIX', 'VERNIOLLE-QUIBERT ZOÉ-ANNE', 'VERNIOLLES ALIX', 'ALIXIS VERNIOLLE']],
  ['verniolle', ['VERNIOLLE ALIX', 'VERNIOLLE-QUIBERT ZOÉ-ANNE', 'ALIXIS VERNIOLLE', 'VERNIOLLES ALIX']],
  // Double names from either end, apart or joined.
  ['quibert verniolle', ['VERNIOLLE-QUIBERT ZOÉ-ANNE']],
  ['verniolle-quibert', ['VERNIOLLE-QUIBERT ZOÉ-ANNE']],
  ['quibert', ['VERNIOLLE-QUIBERT ZOÉ-ANNE']],
  ['legouffrac', ['LE GOUFFRAC MAËL']],
  ['gouffrac mael', ['LE GOUFFRAC MAËL']],
  ['le gouff', ['LE GOUFFRAC MAËL']],
  // Accents, case, apostrophes, ligatures.
  ['d’essaillou', ["D'ESSAILLOU CLAUDE"]],
  ["D'Essaillou", ["D'ESSAILLOU CLAUDE"]],
  ['dessaillou', ["D'ESSAILLOU CLAUDE"]],
  ['essaillou claude', ["D'ESSAILLOU CLAUDE"]],
  ['coeurjoli laetitia', ['CŒURJOLI LÆTITIA']],
  ['Cœurjoli', ['CŒURJOLI LÆTITIA']],
  ['celikoz', ['ÇELIKÖZ YAËL']],
  ['anne verniolle quibert', ['VERNIOLLE-QUIBERT ZOÉ-ANNE']],
  ['pierre zywokarte', ['ZYWOKARTE JEAN PIERRE']],
  ['zoe anne quibert', ['VERNIOLLE-QUIBERT ZOÉ-ANNE']],
  // Two unfinished words.
  ['gouff ma', ['LE GOUFFRAC MAËL']],
  ['zywo jea', ['ZYWOKARTE JEAN PIERRE']],
  [{ familyName: 'celi', givenName: 'ya' }, ['ÇELIKÖZ YAËL']],
  // Towns.
  ['zywokarte valbrume', ['ZYWOKARTE JEAN PIERRE']],
  ['port imagine zywokarte', ['ZYWOKARTE JEAN PIERRE']],
  [{ familyName: 'zywokarte', town: 'valb' }, ['ZYWOKARTE JEAN PIERRE']],
  [{ familyName: 'celikoz', town: 'port-imaginé' }, []],
  [{ givenName: 'maël', town: 'valbrume' }, ['LE GOUFFRAC MAËL']],
  // Numbers.
  ['99700900089', ['ÇELIKÖZ YAËL']],
  ['8 99700 9000 89', ['ÇELIKÖZ YAËL']],
  [{ rpps: '9970090008', familyName: 'CELIKOZ' }, ['ÇELIKÖZ YAËL']],
  [{ rpps: '99700900089', familyName: 'verniolle' }, []],
  ['celikoz 99700900089', ['ÇELIKÖZ YAËL']],
  // One typing error.
  ['zywokatre', ['ZYWOKARTE JEAN PIERRE']],
  ['zywokarrte', ['ZYWOKARTE JEAN PIERRE']],
  ['zywokrte pierre', ['ZYWOKARTE JEAN PIERRE']],
  ['xywokarte jean', ['ZYWOKARTE JEAN PIERRE']],
  [{ familyName: 'selikoz' }, ['ÇELIKÖZ YAËL']],
  ['zywokxxte', []],
  // Another identifier.
  ['adelivrance', ['ADELIVRANCE LOU']],
];

describe('reading a search', () => {
  it('needs three letters or digits', () => {
    for (const query of [
      '',
      '  ',
      'ab',
      "o'",
      '%%%%',
      '___',
      '\0\0\0',
      '-----',
      {},
      { rpps: '99' },
      { town: 'x' },
    ]) {
      expect(readQuery(query), JSON.stringify(query)).to.equal(undefined);
    }
    for (const query of ['abc', 'd ba', { rpps: '997' }, { familyName: 'xyz' }]) {
      expect(readQuery(query), JSON.stringify(query)).not.to.equal(undefined);
    }
  });

  it('reads no more than six words of two hundred characters', () => {
    expect(readQuery('abc '.repeat(100_000))?.words).to.have.length(6);
    expect(readQuery('x'.repeat(100_000))?.words[0]).to.have.length(200);
    expect(orders(['a', 'b', 'c', 'd', 'e', 'f']).length).to.be.below(70);
  });

  it('tries the runs of words in every order', () => {
    expect(orders(['le', 'goff', 'jean'])).to.have.members([
      'le goff jean',
      'le jean goff',
      'goff le jean',
      'goff jean le',
      'jean le goff',
      'jean goff le',
    ]);
    expect(orders(['martin'])).to.deep.equal(['martin']);
  });

  it('tries every word one error away, unless the word is too short or too long', () => {
    const tried = neighbours('martin');
    for (const word of ['matin', 'marttin', 'mratin', 'martim', 'artin', 'xmartin', 'martins']) {
      expect(tried).to.include(word);
    }
    expect(tried).not.to.include('martin');
    expect(neighbours('doc0090001')).to.include('doc0090002');
    expect(neighbours('abc')).to.deep.equal([]);
    expect(neighbours('x'.repeat(30))).to.deep.equal([]);
  });

  it('finds a family name from each of its words', () => {
    expect(familyForms('martin')).to.deep.equal(['martin']);
    expect(familyForms('le goff')).to.deep.equal(['le goff', 'goff le', 'legoff']);
    expect(familyForms('de la rue')).to.deep.equal(['de la rue', 'la rue de', 'rue de la', 'delarue']);
  });
});

describe('search in the national directory', function () {
  this.timeout(30_000);
  let database: TestDatabase;
  let folder: Folder;

  before(async () => {
    database = await createTestDatabase();
    folder = await createFolder();
    expect(await searchDirectory(database.knex, 'verniolle'), 'before any import').to.deep.equal([]);
    const text = inventedLines(500).join('') + written(PEOPLE).slice(HEADER.length);
    const { status, output } = await importFile(database.url, await folder.write('people.txt', text));
    expect(status, output).to.equal(0);
  });
  after(async () => {
    await folder.remove();
    await database.drop();
  });

  for (const [query, names] of TABLE) {
    it(`finds ${names.join(', ') || 'nobody'} for ${JSON.stringify(query)}`, async () => {
      const hits = await searchDirectory(database.knex, query);
      expect(hits.map(({ familyName, givenName }) => `${familyName} ${givenName}`)).to.deep.equal(names);
    });
  }

  it('gives what a row shows and nothing to reach the person by', async () => {
    const [hit] = await searchDirectory(database.knex, { familyName: 'zywokarte', town: 'valbrume' });
    expect(hit).to.deep.equal({
      id: '899700900097',
      rpps: '99700900097',
      familyName: 'ZYWOKARTE',
      givenName: 'JEAN PIERRE',
      civiliteCode: undefined,
      civiliteExerciceCode: undefined,
      professionCode: '10',
      profession: 'Médecin',
      categoryCode: 'C',
      savoirFaire: undefined,
      town: 'VALBRUME',
    });
    const [other] = await searchDirectory(database.knex, 'adelivrance');
    expect(other).to.include({ id: '00B6090038', rpps: undefined });
  });

  it('gives twenty unless told, twenty-one at most, each once', async () => {
    for (const [limit, expected] of [
      [undefined, 20],
      [5, 5],
      [1_000, 21],
      [-1, 1],
    ] as const) {
      const hits = await searchDirectory(database.knex, 'multiplion', limit === undefined ? {} : { limit });
      expect(hits).to.have.length(expected);
      expect(new Set(hits.map(({ id }) => id)).size).to.equal(expected);
    }
    const [first] = await searchDirectory(database.knex, 'multiplion');
    expect(first?.givenName).to.equal('PRENOM00');
  });

  it('takes signs of SQL and of patterns for what they are', async () => {
    for (const sign of [
      '%',
      '_',
      "'",
      '"',
      '\\',
      ';',
      '\0',
      '--',
      '/*',
      '?',
      '??',
      ':',
      '{}',
      ',',
      '\ud800',
    ]) {
      const hits = await searchDirectory(database.knex, `${sign}zywokarte${sign}`);
      expect(
        hits.map(({ id }) => id),
        JSON.stringify(sign),
      ).to.include('899700900097');
      expect(
        await searchDirectory(database.knex, { familyName: `${sign}xqz`, rpps: `${sign}1` }),
      ).to.deep.equal([]);
      expect(await findDirectoryPerson(database.knex, sign)).to.equal(undefined);
    }
    expect(await searchDirectory(database.knex, "x' OR '1'='1")).to.deep.equal([]);
    expect(await searchDirectory(database.knex, 'zywo%karte')).to.deep.equal([]);
  });

  it('gives the workplaces of a person', async () => {
    const person = await getDirectoryPerson(database.knex, '899700900097');
    expect(person.workplaces.map(({ town }) => town)).to.have.members(['PORT-IMAGINÉ', 'VALBRUME']);
    expect(JSON.stringify(person)).not.to.match(/phone|mail/i);
    await getDirectoryPerson(database.knex, '8').then(
      () => expect.fail('nobody has this identifier'),
      (error: Error) => expect(error.message).to.contain('not in the national directory'),
    );
  });
});
