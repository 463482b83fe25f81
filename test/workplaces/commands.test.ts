import { expect } from 'chai';
import { ended } from '../support/directory.ts';
import { run } from '../support/process.ts';
import { finessFile, ordreFile } from '../support/register-files.ts';
import { createPlaces, type Places, site } from './support.ts';

describe('operator’s imports', () => {
  let places: Places;
  before(async () => {
    places = await createPlaces();
  });
  after(() => places.close());

  const caducee = (...args: string[]) =>
    ended(run(['src/cli.ts', ...args].join(' '), { DATABASE_URL: places.database.url, NODE_ENV: 'test' }));

  it('of FINESS tells the encoding, the counts and the doubtful keys', async () => {
    const rows = [site('010000025', 'MATERNITÉ'), site('0B0000002', 'CLINIQUE')];
    const file = await places.folder.write('finess.csv', Buffer.from(finessFile(rows), 'latin1'));
    const { status, output } = await caducee('import', 'finess', file);
    expect(status).to.equal(0);
    expect(output).to.match(
      /^finess\.csv imported in [\d.]+ s\nencoding {3}iso-8859-1\nrows read {2}2\nadded {6}2\n(.*\n)+doubtful keys: 1\n$/,
    );
  });

  it('of the Order tells what was left out', async () => {
    const row = {
      "Type d'identifiant PP": '8',
      'Identifiant PP': '99700900014',
      'Date de naissance': '17/06/1980',
      'Code profession': '10',
      "Nom d'exercice": 'DOC0090001',
      "Prénom d'exercice": 'ALIX',
      'Téléphone (coord. correspondance)': '12',
    };
    const file = await places.folder.write(
      'ordre.txt',
      ordreFile([row, { ...row, 'Code profession': '60' }]),
    );
    const { status, output } = await caducee('import', 'ordre', file);
    expect(status).to.equal(0);
    expect(output).to.contain('added      1\n');
    expect(output).to.contain(
      'other professions: 1\nunusable phones: 1\nunusable emails: 0\nambiguous birthdates: 0\n',
    );
    expect(output).to.not.contain('ALIX');
  });

  for (const register of ['finess', 'ordre'])
    it(`of ${register} end with 1 and one line for a file that is not theirs`, async () => {
      const file = await places.folder.write('other.txt', 'a|b|\n1|2|\n');
      const { status, output } = await caducee('import', register, file);
      expect(status).to.equal(1);
      expect(output).to.match(/^this is not the expected file: .*; nothing changed\n$/);
    });
});
