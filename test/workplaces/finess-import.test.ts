import { expect } from 'chai';
import { ImportFailure } from '../../src/directories/import/run.ts';
import { FINESS_HEADER, finessFile } from '../support/register-files.ts';
import { createPlaces, type Places, site } from './support.ts';

describe('import of FINESS', () => {
  let places: Places;
  const content = () =>
    places
      .knex('workplaces')
      .orderBy('finess')
      .select('finess', 'legal_finess', 'name', 'other_name', 'address', 'postal_code', 'town', 'gone');

  before(async () => {
    places = await createPlaces();
  });
  after(() => places.close());

  it('keeps the site and its legal entity, the long name and the short one', async () => {
    const report = await places.importFiness([
      site('0B0000001', 'CH TEST', 'TESTVILLE', {
        rslongue: 'CENTRE HOSPITALIER  DE TESTVILLE ',
        lieuditbp: 'BP 12',
      }),
      site('2A0000014', 'LBM ESSAI', 'ESSAI-SUR-MER', { nofinessej: '', numvoie: '', typvoie: '', voie: '' }),
      site('0B0000003', 'SANS ROUTAGE', '', { codepostal: '', ligneacheminement: '99200 BOURG CEDEX' }),
    ]);
    expect(report).to.deep.include({ rowsRead: 3, added: 3, changed: 0, gone: 0, unchanged: 0, rejected: 0 });
    expect(await content()).to.deep.equal([
      {
        finess: '0B0000001',
        legal_finess: '1B0000001',
        name: 'CENTRE HOSPITALIER DE TESTVILLE',
        other_name: 'CH TEST',
        address: '12 R DES LILAS, BP 12',
        postal_code: '99100',
        town: 'TESTVILLE',
        gone: false,
      },
      {
        finess: '0B0000003',
        legal_finess: '1B0000001',
        name: 'SANS ROUTAGE',
        other_name: null,
        address: '12 R DES LILAS',
        postal_code: '99200',
        town: 'BOURG CEDEX',
        gone: false,
      },
      {
        finess: '2A0000014',
        legal_finess: null,
        name: 'LBM ESSAI',
        other_name: null,
        address: null,
        postal_code: '99100',
        town: 'ESSAI-SUR-MER',
        gone: false,
      },
    ]);
  });

  const named = (name: string) => [site('0B0000001', name)];
  for (const [encoding, bytes, read] of [
    ['utf-8', Buffer.from(finessFile(named('HÔPITAL ZOÉ')), 'utf8'), 'HÔPITAL ZOÉ'],
    ['utf-8', Buffer.from(`\ufeff${finessFile(named('HÔPITAL ZOÉ'))}`, 'utf8'), 'HÔPITAL ZOÉ'],
    ['iso-8859-1', Buffer.from(finessFile(named('HÔPITAL ZOÉ')), 'latin1'), 'HÔPITAL ZOÉ'],
    // The letter that windows-1252 adds where ISO-8859-1 has a control character.
    ['iso-8859-1', Buffer.from(finessFile(named('C\x9cUR D\x92ÉTÉ')), 'latin1'), 'CœUR D’ÉTÉ'],
    [undefined, Buffer.from(finessFile(named('ASCII'))), 'ASCII'],
  ] as const)
    it(`reads ${read} in ${encoding ?? 'ASCII'} and tells the encoding`, async () => {
      const report = await places.importFile(await places.folder.write('f.csv', bytes), { force: true });
      expect(report.encoding).to.equal(encoding);
      const row = await places.knex('workplaces').where({ finess: '0B0000001' }).first('name');
      expect(row.name).to.equal(read);
      const kept = await places.knex('directory_imports').where({ id: report.id }).first();
      expect(kept).to.deep.include({ encoding: encoding ?? null, notes: { doubtfulKeys: 0 } });
    });

  it('finds the columns by name, in any order, quoted cells and CRLF included', async () => {
    const columns = ['ligneacheminement', 'rs', 'added', 'codepostal', 'nofinessej', 'nofinesset'];
    const text = finessFile([{ ...site('0B0000009', '"AUTRE ORDRE"', 'VILLE') }], columns);
    await places.importFile(await places.folder.write('f.csv', text.replaceAll('\n', '\r\n')), {
      force: true,
    });
    expect(await places.knex('workplaces').where({ finess: '0B0000009' }).first()).to.include({
      name: 'AUTRE ORDRE',
      town: 'VILLE',
      address: null,
    });
  });

  it('counts what is new, changed, gone and the same, writes only that, and keeps what is gone', async () => {
    const rows = Array.from({ length: 40 }, (_, n) => site(`0B00001${n + 10}`, `SITE ${n}`));
    await places.importFiness(rows, { force: true });
    const versions = () =>
      places.knex('workplaces').orderBy('finess').select('finess', places.knex.raw('xmin'));
    const before = new Map((await versions()).map(({ finess, xmin }) => [finess, xmin]));
    const report = await places.importFiness([
      site('0B0000110', 'SITE CHANGED'),
      ...rows.slice(1, 39),
      site('0B0000201', 'NEW'),
    ]);
    expect(report).to.include({ added: 1, changed: 1, gone: 1, unchanged: 38 });
    const written = (await versions()).filter(({ finess, xmin }) => before.get(finess) !== xmin);
    expect(written.map(({ finess }) => finess)).to.deep.equal(['0B0000110', '0B0000149', '0B0000201']);
    expect(await places.knex('workplaces').where({ finess: '0B0000149' }).first()).to.include({
      name: 'SITE 39',
      gone: true,
    });
    const back = await places.importFiness(rows, { force: true });
    expect(back).to.include({ added: 1, changed: 1, gone: 1, unchanged: 38 });
    expect((await places.knex('workplaces').where({ finess: '0B0000149' }).first()).gone).to.equal(false);
  });

  it('takes one of two lines of a number, the same whatever their order', async () => {
    const twice = [site('0B0000301', 'ALPHA'), site('0B0000301', 'BETA')];
    for (const rows of [twice, twice.toReversed()]) {
      await places.importFiness(rows, { force: true });
      expect((await places.knex('workplaces').where({ finess: '0B0000301' }).first()).name).to.equal('ALPHA');
    }
  });

  it('rejects lines without a number or a name, and counts doubtful keys without rejecting them', async () => {
    const report = await places.importFiness(
      [
        site('750712184', 'RIGHT KEY'),
        site('010000025', 'WRONG KEY'),
        site('7507', 'SHORT'),
        site('0B0000401', ''),
      ],
      { force: true, maxRejected: { count: 2 } },
    );
    expect(report).to.deep.include({ added: 2, rejected: 2, notes: { doubtfulKeys: 1 } });
    expect(report.rejections).to.deep.equal([
      { line: 4, reason: 'no FINESS number of a site' },
      { line: 5, reason: 'FINESS 0B0000401: no name' },
    ]);
  });

  describe('of a bad file', () => {
    const good = Array.from({ length: 20 }, (_, n) => site(`0B00005${n + 10}`, `KEPT ${n}`));
    const bad: [string, () => string | Buffer, RegExp][] = [
      ['is empty', () => '', /^the file is empty; nothing changed$/],
      ['holds a header alone', () => finessFile([]), /a header and no line; nothing changed$/],
      ['is something else', () => 'a;b\n1;2\n', /^this is not the expected file: .*nothing changed$/],
      [
        'lacks a column',
        () =>
          finessFile(
            good,
            FINESS_HEADER.filter((name) => name !== 'nofinessej'),
          ),
        /^missing column: « nofinessej »; nothing changed$/,
      ],
      ['is cut short', () => finessFile(good).slice(0, -30), /^the file is cut short: line 21/],
      ['lost most of its sites', () => finessFile(good.slice(0, 10)), /^10 of 20 would be gone \(50\.0 %\)/],
      [
        'turns from UTF-8 into something else',
        () =>
          Buffer.concat([
            Buffer.from(finessFile([...good, site('0B0000599', 'É'.repeat(10))])),
            Buffer.alloc(2 << 20, `${finessFile(good).split('\n')[1]}\n`),
            Buffer.from([0xc9, 0x0a]),
          ]),
        /^line \d+ is not UTF-8/,
      ],
    ];
    before(() => places.importFiness(good, { force: true }));

    for (const [what, file, message] of bad)
      it(`that ${what} says so in one line and changes nothing`, async () => {
        const before = await content();
        const path = await places.folder.write('bad.csv', file());
        const failure = await places.importFile(path).then(
          () => undefined,
          (error) => error,
        );
        expect(failure).to.be.instanceOf(ImportFailure);
        expect(failure.message).to.match(message).and.not.contain('\n');
        expect(await content()).to.deep.equal(before);
        const last = await places.knex('directory_imports').orderBy('started_at', 'desc').first();
        expect(last).to.include({ kind: 'finess', outcome: 'refused', detail: failure.message });
      });

    it('is journaled, as is one that went through', async () => {
      const entries = await places.knex('journal').where({ event: 'directory.imported' }).orderBy('seq');
      const [first, last] = [entries[0], entries.at(-1)].map(({ entry }) => JSON.parse(entry));
      expect(first).to.include({ outcome: 'success' });
      expect(first.details).to.include({ kind: 'finess', rowsRead: 3, added: 3, gone: 0 });
      expect(last).to.include({ outcome: 'failure' });
      expect(last.details).to.have.all.keys('kind', 'detail');
    });
  });
});
