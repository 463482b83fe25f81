import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import yazl from 'yazl';
import { verifyChain } from '../../src/audit/journal.ts';
import { runImport } from '../../src/directories/import/run.ts';
import {
  NATIONAL_DIRECTORY_COLUMNS,
  type NationalDirectoryColumn,
} from '../../src/directories/national-directory/columns.ts';
import { getDirectoryPerson, searchDirectory } from '../../src/directories/national-directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { NATIONAL_DIRECTORY_AND_WORKPLACES } from '../../src/workplaces/directory-places.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  contentOf,
  createFolder,
  doctor,
  ended,
  type Folder,
  HEADER,
  importFile,
  inventedLines,
  type Line,
  startImport,
  written,
} from '../support/directory.ts';

const PLACE = {
  'Identifiant technique de la structure': 'R909001',
  'Raison sociale site': 'CABINET "FICTIF"\\DU\tMOULIN',
  'Libellé Voie (coord. structure)': 'DE L’ÉGLISE',
  'Libellé commune (coord. structure)': 'SAINT-FICTIF-SUR-LÈZE',
  'Téléphone (coord. structure)': '0199000001',
  'Adresse e-mail (coord. structure)': 'accueil@cabinet.example',
  'Code mode exercice': 'L',
};

async function zipped(path: string, files: Readonly<Record<string, string>>, compress = true): Promise<void> {
  const zip = new yazl.ZipFile();
  for (const [name, content] of Object.entries(files))
    zip.addBuffer(Buffer.from(content), name, { compress });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}

describe('import of a file of the national directory', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let folder: Folder;
  const people = async () => Number((await database.knex('directory_people').count('* as n').first())?.n);
  const lastImport = () => database.knex('directory_imports').orderBy('started_at', 'desc').first();

  before(async () => {
    database = await createTestDatabase();
    folder = await createFolder();
  });
  after(async () => {
    await folder.remove();
    await database.drop();
  });

  /** Refused in one line that fits, and nothing changed. */
  async function refuses(file: string, reason: RegExp, ...options: string[]): Promise<void> {
    const before = await contentOf(database.knex);
    const { status, output } = await importFile(database.url, file, ...options);
    expect(output.trim().split('\n'), output).to.have.length(1);
    expect(output)
      .to.match(reason)
      .and.to.match(/nothing changed/);
    expect(status).to.equal(1);
    expect(await contentOf(database.knex)).to.equal(before);
  }

  it('reads columns in any order, from a file with a byte order mark and CRLF, without the columns of later issues', async () => {
    const columns = NATIONAL_DIRECTORY_COLUMNS.toReversed().filter((name) => !/rôle|genre/.test(name));
    const lines = [
      doctor('99700900014', 'CŒUR', 'ZOÉ-ANNE', {
        ...PLACE,
        'Code savoir-faire': 'SM26',
        'Libellé savoir-faire': 'MG',
      }),
      // The activity again, with another savoir-faire; then another profession.
      doctor('99700900014', 'CŒUR', 'ZOÉ-ANNE', {
        ...PLACE,
        'Code savoir-faire': 'SM54',
        'Libellé savoir-faire': 'GM',
      }),
      doctor('99700900014', 'CŒUR', 'ZOÉ-ANNE', {
        'Code profession': '21',
        'Libellé profession': 'Pharmacien',
      }),
    ];
    const text = `\ufeff${written(lines, columns)}`.replaceAll('\n', '\r\n');
    const { status, output } = await importFile(database.url, await folder.write('reversed.txt', text));
    expect(status, output).to.equal(0);
    const person = await getDirectoryPerson(database.knex, '899700900014');
    expect(person.exercises.map(({ professionCode }) => professionCode)).to.deep.equal(['10', '21']);
    expect(person.exercises[0]?.savoirFaire.map(({ code }) => code)).to.deep.equal(['SM26', 'SM54']);
    expect(person.exercises[0]?.activities).to.have.length(1);
    expect(person.workplaces[0]).to.include({
      structureId: 'R909001',
      name: 'CABINET "FICTIF"\\DU\tMOULIN',
      town: 'SAINT-FICTIF-SUR-LÈZE',
    });
    const hits = await searchDirectory(database.knex, 'coeur');
    expect(hits.map(({ professionCode }) => professionCode)).to.deep.equal(['10', '21']);
  });

  it('keeps no phone number and no e-mail address', async () => {
    for (const table of ['directory_people', 'directory_structures', 'directory_search_keys']) {
      const { rows } = await database.knex.raw(`SELECT t::text AS row FROM ${table} t`);
      expect(JSON.stringify(rows)).not.to.match(/0199000001|cabinet\.example/);
      expect(rows).not.to.have.length(0);
    }
  });

  it('reports, records and journals what an import did', async () => {
    const lines = inventedLines(400);
    const bad = [
      doctor('99700900015', 'MAUVAISECLE', 'ALIX'),
      doctor('99700900022', '', 'ALIX'),
      doctor('99700900030', 'SANSMETIER', 'ALIX', { 'Code profession': '' }),
    ];
    const text = [...lines, written(bad).slice(HEADER.length), 'a|b|c\n', lines.at(-1)].join('');
    const file = await folder.write('invented.txt', text);
    const { status, output } = await importFile(database.url, file, '--force', '--max-rejected', '5');
    expect(status, output).to.equal(0);
    const total = lines.length - 1;
    expect(output).to.match(new RegExp(`rows read  ${total + 5}\\n`));
    expect(output).to.contain(`line ${total + 2}: RPPS 99700900015: its key is wrong`);
    expect(output).to.contain(`line ${total + 3}: no family name`);
    expect(output).to.contain(`line ${total + 4}: no profession`);
    expect(output).to.contain(`line ${total + 5}: 2 fields instead of 56`);
    const row = await lastImport();
    expect(row).to.include({ kind: 'rpps', outcome: 'imported', rejected: 4, gone: 1, unchanged: 0 });
    expect(row.added).to.equal(await people());
    expect(row.rejections).to.have.length(4);
    expect(row.sha256).to.match(/^[0-9a-f]{64}$/);
    const entry = await database
      .knex('journal')
      .where({ event: 'directory.imported' })
      .orderBy('seq', 'desc')
      .first();
    expect(JSON.parse(entry.entry).details).to.include({
      kind: 'rpps',
      sha256: row.sha256,
      added: row.added,
    });
    expect((await verifyChain(database.knex)).brokenAt).to.equal(undefined);
  });

  it('finds the same people in any order of the lines, and writes only who changed', async () => {
    const [header = '', ...lines] = inventedLines(400);
    const mixed = lines.toSorted((one, other) => (one.slice(-90) + one < other.slice(-90) + other ? -1 : 1));
    expect(
      (await importFile(database.url, await folder.write('plain.txt', [header, ...lines].join('')))).status,
    ).to.equal(0);
    const before = await contentOf(database.knex);
    const { output } = await importFile(
      database.url,
      await folder.write('mixed.txt', [header, ...mixed].join('')),
    );
    expect(output).to.match(/added {6}0\n.*changed {4}0\n.*gone {7}0\n/s);
    expect(await contentOf(database.knex)).to.equal(before);

    // As a first import, the changed file leads to the same directory as over the one before.
    const changed = await folder.write('changed.txt', inventedLines(400, 20).join(''));
    const second = await importFile(database.url, changed, '--force');
    expect(second.output).not.to.match(/(added|changed|gone) +0\n/);
    const updated = await contentOf(database.knex);
    const fresh = await createTestDatabase();
    try {
      expect((await importFile(fresh.url, changed)).status).to.equal(0);
      const withoutWords = (content: string) => content.split('\n').slice(0, 3);
      expect(withoutWords(await contentOf(fresh.knex))).to.deep.equal(withoutWords(updated));
    } finally {
      await fresh.drop();
    }
  });

  it('puts together the lines of one person that stand apart, under whatever writing of the identifier', async () => {
    const other = { "Type d'identifiant PP": '0', 'Identification nationale PP': '00B6090001' };
    const lines = [
      { ...doctor('0B6090001', 'SEPARE', 'ALIX', PLACE), ...other },
      doctor('99700900022', 'ENTREDEUX', 'ALIX'),
      { ...doctor('0B6090001', 'SEPARE', 'ALIX', { 'Code profession': '91' }), ...other },
      doctor('99700900030', 'ENTREDEUX', 'ALIX'),
      { ...doctor('B6090001', 'SEPARE', 'ALIX', { 'Code profession': '93' }), ...other },
    ];
    const fresh = await createTestDatabase();
    try {
      const { status, output } = await importFile(fresh.url, await folder.write('apart.txt', written(lines)));
      expect(status, output).to.equal(0);
      expect(output).to.match(/added {6}3\n/);
      const person = await getDirectoryPerson(fresh.knex, '00B6090001');
      expect(person.exercises.map(({ professionCode }) => professionCode)).to.deep.equal(['10', '91', '93']);
      expect(person).to.deep.include({ rpps: undefined, identifierType: '0', identifier: '0B6090001' });
      expect(person.workplaces).to.have.length(1);
      expect((await searchDirectory(fresh.knex, 'separe')).length).to.equal(3);
    } finally {
      await fresh.drop();
    }
  });

  describe('of lines that an import read before', () => {
    let fresh: TestDatabase;
    beforeEach(async () => {
      fresh = await createTestDatabase();
    });
    afterEach(() => fresh.drop());

    const [first, second, third] = ['99700900014', '99700900022', '99700900030'] as const;
    const known = [doctor(first, 'CONNU', 'ALIX', PLACE), doctor(second, 'AUTRE', 'ALIX')];
    const importing = async (lines: readonly Line[], ...options: string[]) => {
      const file = await folder.write('known.txt', written(lines));
      const { status, output } = await importFile(fresh.url, file, '--force', ...options);
      expect(status, output).to.equal(0);
      return output;
    };
    const professions = async () =>
      (await getDirectoryPerson(fresh.knex, `8${first}`)).exercises.map(
        ({ professionCode }) => professionCode,
      );
    const pharmacist = doctor(first, 'CONNU', 'ALIX', {
      'Code profession': '21',
      'Libellé profession': 'Pharmacien',
    });

    for (const [where, lines] of [
      ['after', [...known, pharmacist]],
      ['before', [pharmacist, known[1], known[0]]],
    ] as [string, Line[]][]) {
      it(`puts them together with another of the same person that stands ${where}, and takes it away again`, async () => {
        await importing(known);
        expect(await importing(lines)).to.match(/added {6}0\n.*changed {4}1\n.*unchanged {2}1\n/s);
        expect(await professions()).to.deep.equal(['10', '21']);
        expect(await importing(lines)).to.match(/changed {4}0\n.*unchanged {2}2\n/s);
        expect(await importing(known)).to.match(/changed {4}1\n.*unchanged {2}1\n/s);
        expect(await professions()).to.deep.equal(['10']);
      });
    }

    it('takes lines that come twice as once', async () => {
      await importing(known);
      expect(await importing([...known, ...known])).to.match(/changed {4}0\n.*unchanged {2}2\n/s);
      expect(await importing(known)).to.match(/changed {4}0\n.*gone {7}0\n.*unchanged {2}2\n/s);
    });

    it('tells who is gone, and who is back', async () => {
      await importing(known);
      expect(await importing(known.slice(1))).to.match(/gone {7}1\n.*unchanged {2}1\n/s);
      expect(await importing(known)).to.match(/added {6}1\n.*unchanged {2}1\n/s);
      expect(await professions()).to.deep.equal(['10']);
    });

    it('keeps their workplaces, and those that only the others knew no longer', async () => {
      const elsewhere = { ...PLACE, 'Identifiant technique de la structure': 'R909002' };
      await importing([...known, doctor(third, 'TIERS', 'ALIX', elsewhere)]);
      await importing([...known, doctor(third, 'TIERS', 'ALIX', PLACE)]);
      expect(await fresh.knex('directory_structures').pluck('id')).to.deep.equal(['R909001']);
      // Of two writings, the one that a known line has is still the one of a first import.
      const another = { ...PLACE, 'Raison sociale site': 'A' };
      await importing([...known, doctor(third, 'TIERS', 'ALIX', another)]);
      expect(await fresh.knex('directory_structures').pluck('name')).to.deep.equal(['A']);
      await importing(known);
      expect(await fresh.knex('directory_structures').pluck('name')).to.deep.equal([
        PLACE['Raison sociale site'],
      ]);
    });

    it('keeps every workplace, whatever the order of the columns', async () => {
      const lines = [
        ...known,
        doctor(third, 'TIERS', 'ALIX', { ...PLACE, 'Identifiant technique de la structure': 'R909002' }),
      ];
      const reversed = written(lines, NATIONAL_DIRECTORY_COLUMNS.toReversed());
      const file = await folder.write('reversed-known.txt', reversed);
      for (const added of [3, 0]) {
        expect((await importFile(fresh.url, file)).output).to.match(new RegExp(`added {6}${added}\\n`));
        expect(await fresh.knex('directory_structures').pluck('id')).to.have.members(['R909001', 'R909002']);
      }
    });

    it('rejects them again, at their line', async () => {
      const bad = [...known, doctor(second, '', 'ALIX'), doctor(third, 'TIERS', 'ALIX')];
      for (const _ of ['first', 'second']) {
        expect(await importing(bad, '--max-rejected', '1')).to.match(
          /rows read {2}4\n.*line 4: no family name/s,
        );
      }
    });

    it('reads them again when the header says something else', async () => {
      await importing(known);
      const swapped = (name: NationalDirectoryColumn) =>
        name === 'Code profession'
          ? 'Code catégorie professionnelle'
          : name === 'Code catégorie professionnelle'
            ? 'Code profession'
            : name;
      const [header = '', ...lines] = written(known).split('\n');
      const other = header
        .split('|')
        .map((name) => swapped(name as NationalDirectoryColumn))
        .join('|');
      const file = await folder.write('swapped.txt', [other, ...lines].join('\n'));
      expect((await importFile(fresh.url, file)).output).to.match(/changed {4}2\n/);
      expect(await professions()).to.deep.equal(['C']);
    });
  });

  it('refuses a file without a column that it needs, and names it', async () => {
    const columns = NATIONAL_DIRECTORY_COLUMNS.filter((name) => name !== 'Code profession');
    await refuses(
      await folder.write('missing.txt', written([], columns)),
      /missing column: « Code profession »/,
    );
    await refuses(await folder.write('other.csv', 'nofinesset;rs\n1;2\n'), /not the expected file/);
    await refuses(await folder.write('empty.txt', ''), /the file is empty/);
    await refuses(await folder.write('header.txt', HEADER), /a header and no line/);
  });

  it('refuses another encoding, and tells the line', async () => {
    const lines = [
      doctor('99700900014', 'ASCII', 'ALIX', { 'Libellé profession': 'ASCII' }),
      doctor('99700900022', 'ÉTANG', 'ZOÉ'),
    ];
    const text = Buffer.concat([
      Buffer.from(HEADER),
      Buffer.from(written(lines).slice(HEADER.length), 'latin1'),
    ]);
    await refuses(await folder.write('latin1.txt', text), /line 3 is not UTF-8/);
  });

  it('refuses a file that was cut, plain or zipped', async () => {
    const lines = inventedLines(300);
    const text = Buffer.from(lines.join(''));
    const cut = await folder.write('cut.txt', text.subarray(0, text.length - 40));
    await refuses(cut, new RegExp(`cut short: line ${lines.length}`));
    await zipped(folder.path('whole.zip'), {
      'readme.md': '-',
      'ps-libreacces-personne-activite.txt': text.toString(),
    });
    const zip = await readFile(folder.path('whole.zip'));
    await refuses(
      await folder.write('cut.zip', zip.subarray(0, zip.length >> 1)),
      /archive is cut short or damaged/,
    );
    await zipped(folder.path('stored.zip'), { 'stored.txt': text.toString() }, false);
    const damaged = await readFile(folder.path('stored.zip'));
    damaged.write('Medecin', damaged.indexOf('Infirmier'));
    await refuses(await folder.write('damaged.zip', damaged), /archive is cut short or damaged/);
    await zipped(folder.path('names.zip'), { '\u001b[2Jone.txt': '-', 'two\n.txt': '-' });
    await refuses(folder.path('names.zip'), /\(\?\[2Jone\.txt, two\?\.txt\)/);
    await zipped(folder.path('two.zip'), { 'one.txt': '-', 'two.txt': '-' });
    await refuses(folder.path('two.zip'), /must hold one .* \(one\.txt, two\.txt\)/);
    expect((await importFile(database.url, folder.path('whole.zip'), '--force')).status).to.equal(0);
  });

  it('rejects a line with a field that no register has, and keeps the others', async () => {
    const lines = [
      doctor('99700900014', 'COURT', 'ALIX'),
      doctor('99700900022', 'LONG'.repeat(700), 'ZOÉ'),
      doctor('99700900030', 'COURT', 'CLAUDE', { ...PLACE, 'Raison sociale site': 'É'.repeat(151) }),
      doctor('99700900030', 'COURT', 'CLAUDE', { ...PLACE, 'Raison sociale site': 'É'.repeat(150) }),
      // Of a column that is not read.
      doctor('99700900030', 'COURT', 'CLAUDE', { 'Adresse e-mail (coord. structure)': 'x'.repeat(5_000) }),
    ];
    const fresh = await createTestDatabase();
    try {
      const file = await folder.write('long.txt', written(lines));
      const { status, output } = await importFile(fresh.url, file, '--max-rejected', '2');
      expect(status, output).to.equal(0);
      expect(output).to.match(/added {6}2\n/);
      expect(output).to.contain("line 3: « Nom d'exercice » is longer than 300 bytes");
      expect(output).to.contain('line 4: « Raison sociale site » is longer than 300 bytes');
      expect(
        (await fresh.knex('directory_structures').pluck('name')).map((name) => name.length),
      ).to.deep.equal([150]);
    } finally {
      await fresh.drop();
    }
  });

  it('tells in one line what PostgreSQL refuses', async () => {
    const fresh = await createTestDatabase();
    try {
      await fresh.knex.raw(
        `ALTER TABLE directory_structures ADD CONSTRAINT too_far CHECK (postal_code < '98')`,
      );
      const line = doctor('99700900014', 'LOIN', 'ALIX', {
        ...PLACE,
        'Code postal (coord. structure)': '99000',
      });
      const { status, output } = await importFile(fresh.url, await folder.write('far.txt', written([line])));
      expect(output).to.match(
        /^the database refused: .* violates check constraint "too_far"; nothing changed\n$/,
      );
      expect(status).to.equal(1);
      expect(await fresh.knex('directory_people').pluck('national_id')).to.deep.equal([]);
    } finally {
      await fresh.drop();
    }
  });

  it('reads the same in several threads', async () => {
    const [header = '', ...lines] = inventedLines(9_000);
    const mixed = lines.toSorted((one, other) => (one.slice(-90) + one < other.slice(-90) + other ? -1 : 1));
    const bad = written([doctor('99700900022', '', 'ALIX')]).slice(HEADER.length);
    const contents: string[] = [];
    for (const threads of [1, 2]) {
      const fresh = await createTestDatabase();
      const deps = { databaseUrl: fresh.url, clock: systemClock };
      const importing = async (text: readonly string[]) => {
        const file = await folder.write('threads.txt', text.join(''));
        const { id, sha256, durationMs, ...report } = await runImport(
          deps,
          NATIONAL_DIRECTORY_AND_WORKPLACES,
          file,
          { threads, force: true },
        );
        contents.push(JSON.stringify(report), await contentOf(fresh.knex));
        return report;
      };
      try {
        const { rejections } = await importing([header, ...lines, bad]);
        expect(rejections).to.deep.equal([{ line: lines.length + 2, reason: 'no family name' }]);
        await importing([header, ...mixed]);
        await importing(inventedLines(9_000, 20));
        await fresh.knex.raw('TRUNCATE directory_people, directory_people_lines, directory_search_keys');
        await importing([header, ...mixed]);
      } finally {
        await fresh.drop();
      }
    }
    const half = contents.length / 2;
    expect(contents.slice(half)).to.deep.equal(contents.slice(0, half));
  });

  it('refuses a file with too many bad lines, with or without a limit of its own', async () => {
    const bad = Array.from({ length: 10_000 }, (_, rank) =>
      doctor(String(10_000_000_000 + rank * 10 + 1), 'X', 'Y'),
    );
    const file = await folder.write(
      'bad.txt',
      inventedLines(400).join('') + written(bad).slice(HEADER.length),
    );
    await refuses(file, /lines rejected, more than the 1 % allowed \(first: line \d+, RPPS/, '--force');
    await refuses(
      file,
      /more lines rejected than the 1000 allowed \(first: line \d+, RPPS/,
      '--max-rejected',
      '1000',
    );
  });

  it('refuses a file that would remove too many people, until it is forced', async () => {
    const before = await people();
    const [header = '', ...lines] = inventedLines(300);
    const short = await folder.write('short.txt', [header, ...lines.slice(0, 60)].join(''));
    await refuses(short, /would be gone \(\d+\.\d %\), more than the 5 % allowed/);
    expect((await lastImport()).outcome).to.equal('refused');
    expect((await importFile(database.url, short, '--force')).status).to.equal(0);
    expect(await people()).to.be.below(before / 2);
  });

  it('refuses a second import while one runs, and tells in one line that the database is away', async () => {
    const { knex } = database;
    const file = await folder.write('again.txt', inventedLines(300).join(''));
    await knex.transaction(async (trx) => {
      await trx.raw('LOCK TABLE directory_structures IN EXCLUSIVE MODE');
      const first = startImport(database.url, file, '--force');
      for (;;) {
        const { rows } = await knex.raw('SELECT FROM pg_locks WHERE NOT granted');
        if (rows.length > 0) break;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await refuses(file, /another import of this register is running/);
      await trx.commit();
      expect((await ended(first)).status).to.equal(0);
    });
    const away = await importFile('postgres://nobody@127.0.0.1:1/none', file);
    expect(away).to.deep.equal({
      status: 1,
      output: 'the connection to the database was lost; nothing changed\n',
    });
  });
});
