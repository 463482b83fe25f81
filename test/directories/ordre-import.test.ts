import { expect } from 'chai';
import { ImportFailure, runImport } from '../../src/directories/import/run.ts';
import type { ImportOptions } from '../../src/directories/import/types.ts';
import { ordinalRegisterImport } from '../../src/directories/ordinal-import.ts';
import { findOrdinalEntry } from '../../src/directories/ordinal-register.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createFolder, type Folder } from '../support/directory.ts';
import { ORDRE_HEADER, ordreFile, type Row } from '../support/register-files.ts';

const [ALIX, FREDERIQUE, CLAUDE, LOU] = ['99700900014', '99700900022', '99700900030', '99700900063'] as const;

/** One activity of a doctor. */
const doctor = (rpps: string, more: Row = {}): Row => ({
  "Type d'identifiant PP": '8',
  'Identifiant PP': rpps,
  'Identification nationale PP': `8${rpps}`,
  'Nom de famille': 'NAISSANCE',
  Prénoms: "ALIX'MARIE'ZOÉ",
  'Date de naissance': '17/06/1980',
  'Code civilité': 'MME',
  'Code profession': '10',
  "Code civilité d'exercice": 'DR',
  "Nom d'exercice": `DOC${rpps.slice(4)}`,
  "Prénom d'exercice": 'ALIX',
  ...more,
});
const PHONE = 'Téléphone (coord. correspondance)';
const EMAIL = 'Adresse e-mail (coord. correspondance)';
const WITH_END = [...ORDRE_HEADER, 'Date de fin'];

describe('import of the Order’s register', () => {
  let database: TestDatabase;
  let folder: Folder;
  const register = () => database.knex('ordinal_register').orderBy('rpps').select();
  const importText = async (content: string, options: ImportOptions = { force: true }) =>
    runImport(
      { databaseUrl: database.url, clock: systemClock },
      ordinalRegisterImport(systemClock),
      await folder.write('Extraction_ProSanteConnect_Personne_activite_202611250000.txt', content),
      options,
    );
  const importRows = (rows: readonly Row[], options?: ImportOptions) => importText(ordreFile(rows), options);
  const find = (rpps: string, birthdate: string) =>
    findOrdinalEntry(database.knex, rpps, birthdate, systemClock.now());

  before(async () => {
    database = await createTestDatabase();
    folder = await createFolder();
  });
  after(async () => {
    await folder.remove();
    await database.drop();
  });

  it('keeps one entry per doctor, found by the exact pair only', async () => {
    const contacts = { [PHONE]: '06 39 98 00 01', [EMAIL]: ' Alix@Example.TEST' };
    const report = await importRows([
      doctor(ALIX, { ...contacts, 'Code mode exercice': 'L' }),
      doctor(FREDERIQUE, { 'Date de naissance': '29/02/1984', 'Code civilité': '' }),
      doctor(ALIX, { ...contacts, 'Code mode exercice': 'S' }),
    ]);
    expect(report).to.deep.include({ rowsRead: 3, added: 2, changed: 0, gone: 0, unchanged: 0, rejected: 0 });
    expect(await find(ALIX, '1980-06-17')).to.deep.equal({
      rpps: ALIX,
      familyName: 'DOC0900014',
      givenName: 'ALIX',
      civiliteCode: 'MME',
      civiliteExerciceCode: 'DR',
      professionCode: '10',
      birthdate: '1980-06-17',
      phone: '+33639980001',
      email: 'Alix@example.test',
    });
    expect(await find(FREDERIQUE, '1984-02-29')).to.include({ civiliteCode: undefined, phone: undefined });
    expect(await find(ALIX, '1980-06-18')).to.equal(undefined);
    expect(await find(FREDERIQUE, '1980-06-17')).to.equal(undefined);
  });

  const NAMES: [string, Row, string, string][] = [
    ['the names of exercise', {}, 'DOC0900030', 'ALIX'],
    ['the birth names without them', { "Nom d'exercice": '', "Prénom d'exercice": '' }, 'NAISSANCE', 'ALIX'],
    ['a usual first name that is not the first', { "Prénom d'exercice": 'ZOÉ' }, 'DOC0900030', 'ZOÉ'],
    [
      'an apostrophe of a family name',
      { "Nom d'exercice": "D'ESSAI", "Prénom d'exercice": ' LOU-ANNE ' },
      "D'ESSAI",
      'LOU-ANNE',
    ],
  ];
  for (const [what, row, family, given] of NAMES)
    it(`reads ${what}`, async () => {
      await importRows([doctor(CLAUDE, row)]);
      expect(await find(CLAUDE, '1980-06-17')).to.include({ familyName: family, givenName: given });
    });

  const CONTACTS: [string, string, string | undefined, number][] = [
    [PHONE, '0639980001', '+33639980001', 0],
    [PHONE, '+33 6 39 98 00 01', '+33639980001', 0],
    [PHONE, '0690 00 12 34', '+590690001234', 0],
    [PHONE, '01 99 00 12 34', undefined, 1],
    [PHONE, 'poste 12', undefined, 1],
    [PHONE, '', undefined, 0],
    [EMAIL, 'lou@example.test', 'lou@example.test', 0],
    [EMAIL, 'lou@example', undefined, 1],
    [EMAIL, 'a@example.test;b@example.test', undefined, 1],
    [EMAIL, '', undefined, 0],
  ];
  for (const [column, text, contact, unusable] of CONTACTS)
    it(`${contact ? `reads ${text}` : `leaves out ${JSON.stringify(text)}`}, never its doctor`, async () => {
      const report = await importRows([
        doctor(CLAUDE, { [column]: text }),
        doctor(CLAUDE, { [column]: text }),
      ]);
      const entry = await find(CLAUDE, '1980-06-17');
      expect(column === PHONE ? entry?.phone : entry?.email).to.equal(contact);
      expect(report.rejected).to.equal(0);
      expect(report.notes).to.deep.equal({
        otherProfessions: 0,
        unusablePhones: column === PHONE ? unusable : 0,
        unusableEmails: column === EMAIL ? unusable : 0,
        ambiguousBirthdates: 0,
      });
    });

  it('keeps doctors only, and counts the lines of other professions', async () => {
    const report = await importRows([
      doctor(ALIX),
      doctor(ALIX, { 'Code profession': '21', "Nom d'exercice": 'PHARMACIEN' }),
      doctor(CLAUDE, { 'Code profession': '50' }),
      doctor('0B6077602', { "Type d'identifiant PP": '0', 'Code profession': '60' }),
    ]);
    expect(report).to.include({ added: 1, rejected: 0 });
    expect(report.notes).to.include({ otherProfessions: 3 });
    expect((await register()).map(({ rpps, family_name }) => `${rpps} ${family_name}`)).to.deep.equal([
      `${ALIX} DOC0900014`,
    ]);
  });

  it('leaves out whoever has two birthdates', async () => {
    const report = await importRows([
      doctor(ALIX),
      doctor(CLAUDE),
      doctor(CLAUDE, { 'Date de naissance': '18/06/1980' }),
    ]);
    expect(report.notes).to.include({ ambiguousBirthdates: 1 });
    expect(await find(CLAUDE, '1980-06-17')).to.equal(undefined);
    expect(await find(CLAUDE, '1980-06-18')).to.equal(undefined);
  });

  it('reads who left from the column « Date de fin », where there is one', async () => {
    const file = (end: string) => ordreFile([doctor(ALIX), doctor(LOU, { 'Date de fin': end })], WITH_END);
    const cases: [string, string | null, boolean][] = [
      ['30/06/2025', '2025-06-30', false],
      ['31/12/2099', '2099-12-31', true],
      ['', null, true],
    ];
    for (const [end, endedOn, found] of cases) {
      await importText(file(end));
      expect((await register())[1], end).to.include({ rpps: LOU, ended_on: endedOn });
      expect((await find(LOU, '1980-06-17')) !== undefined, end).to.equal(found);
    }
    const rejected = await importText(file('31/02/2025'), { force: true, maxRejected: { count: 1 } });
    expect(rejected.rejections).to.deep.equal([{ line: 3, reason: `RPPS ${LOU}: no usable end date` }]);
  });

  it('takes a doctor for gone only when all their lines ended', async () => {
    const rows = [doctor(LOU, { 'Date de fin': '30/06/2020' }), doctor(LOU)];
    await importText(ordreFile(rows, WITH_END));
    expect(await find(LOU, '1980-06-17')).to.not.equal(undefined);
    const both = [rows[0] as Row, doctor(LOU, { 'Date de fin': '30/06/2021' })];
    await importText(ordreFile(both, WITH_END));
    expect((await register())[0]).to.include({ ended_on: '2021-06-30' });
  });

  it('rejects lines that prove nobody, without their content but the number', async () => {
    const report = await importRows(
      [
        doctor(ALIX),
        doctor('99700900015'),
        doctor(CLAUDE, { "Type d'identifiant PP": '0' }),
        doctor(CLAUDE, { 'Date de naissance': '31/02/1980' }),
        doctor(CLAUDE, { 'Date de naissance': '' }),
        doctor(CLAUDE, { "Nom d'exercice": '', 'Nom de famille': '' }),
        doctor(CLAUDE, { 'Code profession': '' }),
      ],
      { maxRejected: { count: 6 }, force: true },
    );
    expect(report.rejections).to.deep.equal([
      { line: 3, reason: 'not an RPPS number' },
      { line: 4, reason: 'not an RPPS number' },
      { line: 5, reason: `RPPS ${CLAUDE}: no usable birthdate` },
      { line: 6, reason: `RPPS ${CLAUDE}: no usable birthdate` },
      { line: 7, reason: `RPPS ${CLAUDE}: no name` },
      { line: 8, reason: 'no profession' },
    ]);
  });

  it('counts what is new, changed, gone and the same, and writes only that', async () => {
    await importRows([doctor(ALIX), doctor(FREDERIQUE), doctor(CLAUDE)]);
    const versions = () =>
      database.knex('ordinal_register').orderBy('rpps').select('rpps', database.knex.raw('xmin'));
    const [before] = await versions();
    const report = await importRows([
      doctor(ALIX),
      doctor(FREDERIQUE, { [PHONE]: '0639980002' }),
      doctor(LOU),
    ]);
    expect(report).to.include({ added: 1, changed: 1, gone: 1, unchanged: 1 });
    const after = await versions();
    expect(after.map(({ rpps }) => rpps)).to.deep.equal([ALIX, FREDERIQUE, LOU]);
    expect(after[0]).to.deep.equal(before);
  });

  it('finds the columns by name, in any order', async () => {
    await importText(ordreFile([doctor(CLAUDE, { [EMAIL]: 'c@example.test' })], ORDRE_HEADER.toReversed()));
    expect(await find(CLAUDE, '1980-06-17')).to.include({
      email: 'c@example.test',
      familyName: 'DOC0900030',
    });
  });

  describe('of a bad file', () => {
    const good = [doctor(ALIX), doctor(FREDERIQUE), doctor(CLAUDE)];
    const bad: [string, () => string, RegExp][] = [
      ['is empty', () => '', /^the file is empty; nothing changed$/],
      ['is something else', () => 'nofinesset;rs\n1;2\n', /^this is not the expected file/],
      [
        'lacks the birthdate',
        () =>
          ordreFile(
            good,
            ORDRE_HEADER.filter((name) => name !== 'Date de naissance'),
          ),
        /^missing column: « Date de naissance »; nothing changed$/,
      ],
      ['is cut short', () => ordreFile(good).slice(0, -20), /^the file is cut short: line 4/],
      ['lost doctors', () => ordreFile(good.slice(1)), /^1 of 3 would be gone \(33\.3 %\)/],
      ['is mostly unusable', () => ordreFile([good[0]!, doctor('1')]), /^1 of 2 lines rejected/],
      [
        'holds no doctor',
        () => ordreFile([doctor(ALIX, { 'Code profession': '60' })]),
        /^3 of 3 would be gone/,
      ],
    ];
    before(() => importRows(good));

    for (const [what, file, message] of bad)
      it(`that ${what} says so in one line and changes nothing`, async () => {
        const before = await register();
        const failure = await importText(file(), {}).then(
          () => undefined,
          (error) => error,
        );
        expect(failure).to.be.instanceOf(ImportFailure);
        expect(failure.message).to.match(message).and.not.contain('\n');
        expect(await register()).to.deep.equal(before);
      });
  });

  it('leaves no birthdate, name or contact in its records, its journal or its staging', async () => {
    await importRows([doctor(ALIX, { [PHONE]: '0639980001', [EMAIL]: 'alix@example.test' })]);
    const records = await database.knex('directory_imports').select();
    const entries = await database.knex('journal').pluck('entry');
    const kept = JSON.stringify([records, entries]);
    for (const secret of ['1980', 'NAISSANCE', '639980001', 'alix@']) expect(kept).to.not.contain(secret);
    const staging = await database.knex.raw(`SELECT to_regclass('ordinal_stage') AS stage`);
    expect(staging.rows[0].stage).to.equal(null);
  });
});
