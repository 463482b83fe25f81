import { expect } from 'chai';
import { workplacesOfDirectoryPerson } from '../../src/workplaces/directory-places.ts';
import { searchWorkplaces, type Workplace } from '../../src/workplaces/workplaces.ts';
import { activity, createPlaces, type Places, site, structure } from './support.ts';

const [ALIX, CLAUDE, NOBODY] = ['99700900014', '99700900022', '99700900030'];
const names = (places: readonly Workplace[]) => places.map(({ name }) => name);

describe('workplaces of the national directory', () => {
  let places: Places;
  const all = () =>
    places
      .knex('workplaces')
      .orderBy('name')
      .select('name', 'finess', 'directory_key', 'in_finess', 'in_directory', 'gone');
  const hospital = structure('F0B0000021', 'HOP TEST', '0B0000021');
  const cabinet = structure('R900001', 'CABINET FICTIF', '');

  before(async () => {
    places = await createPlaces();
  });
  after(() => places.close());

  it('are brought by the import of the directory, each once, and counted', async () => {
    const report = await places.importDirectory([
      activity(ALIX, hospital),
      activity(ALIX, cabinet),
      activity(CLAUDE, cabinet),
      activity(CLAUDE, { ...structure('R900002', ''), 'Enseigne commerciale site': 'MAISON DE SANTÉ' }),
      activity(NOBODY, structure('R900003', '')),
    ]);
    expect(report.notes).to.deep.equal({ workplacesAdded: 3, workplacesChanged: 0, workplacesGone: 0 });
    const known = { in_finess: false, in_directory: true, gone: false };
    expect(await all()).to.deep.equal([
      { name: 'CABINET FICTIF', finess: null, directory_key: 'R900001', ...known },
      { name: 'HOP TEST', finess: '0B0000021', directory_key: null, ...known },
      { name: 'MAISON DE SANTÉ', finess: null, directory_key: 'R900002', ...known },
    ]);
    expect(await searchWorkplaces(places.knex, 'cabinet testville')).to.deep.equal([
      {
        id: await places.idOf('CABINET FICTIF'),
        name: 'CABINET FICTIF',
        address: '3 Rue DU PORT',
        postalCode: '99100',
        town: 'TESTVILLE',
      },
    ]);
    expect(names(await searchWorkplaces(places.knex, 'maison sante'))).to.deep.equal(['MAISON DE SANTÉ']);
  });

  it('are those of their people', async () => {
    const of = async (rpps: string | undefined) =>
      names(await workplacesOfDirectoryPerson(places.knex, `8${rpps}`));
    expect(await of(ALIX)).to.deep.equal(['CABINET FICTIF', 'HOP TEST']);
    expect(await of(CLAUDE)).to.deep.equal(['CABINET FICTIF', 'MAISON DE SANTÉ']);
    expect(await of(NOBODY)).to.deep.equal([]);
    expect(await of('00000000000')).to.deep.equal([]);
    expect(await workplacesOfDirectoryPerson(places.knex, "' OR 1=1 --")).to.deep.equal([]);
  });

  it('are one with the site of FINESS that has their number, under FINESS’s name', async () => {
    const id = await places.idOf('HOP TEST');
    await places.importFiness([site('0B0000021', 'HÔPITAL DE TEST'), site('0B0000022', 'AILLEURS')]);
    expect(await places.idOf('HÔPITAL DE TEST')).to.equal(id);
    expect((await all()).map(({ name }) => name)).to.have.members([
      'HÔPITAL DE TEST',
      'AILLEURS',
      'CABINET FICTIF',
      'MAISON DE SANTÉ',
    ]);
    const again = await places.importDirectory([activity(ALIX, hospital), activity(ALIX, cabinet)], {
      force: true,
    });
    expect(again.notes).to.deep.equal({ workplacesAdded: 0, workplacesChanged: 0, workplacesGone: 1 });
    expect(await places.idOf('HÔPITAL DE TEST')).to.equal(id);
    expect(names(await workplacesOfDirectoryPerson(places.knex, `8${ALIX}`))).to.deep.equal([
      'CABINET FICTIF',
      'HÔPITAL DE TEST',
    ]);
  });

  it('are gone when neither knows them, not before', async () => {
    const goneOf = async (key: object) => (await places.knex('workplaces').where(key).first()).gone;
    expect(await goneOf({ directory_key: 'R900002' })).to.equal(true);
    await places.importFiness([site('0B0000022', 'AILLEURS')], { force: true });
    expect(await goneOf({ finess: '0B0000021' })).to.equal(false);
    await places.importDirectory([activity(ALIX, cabinet)], { force: true });
    expect(await goneOf({ finess: '0B0000021' })).to.equal(true);
    expect(await goneOf({ finess: '0B0000022' })).to.equal(false);
    expect(names(await searchWorkplaces(places.knex, 'testville'))).to.have.members([
      'CABINET FICTIF',
      'AILLEURS',
    ]);
  });

  it('take the directory’s name back once FINESS forgot them', async () => {
    await places.importDirectory([activity(ALIX, hospital), activity(ALIX, cabinet)], { force: true });
    expect(names(await searchWorkplaces(places.knex, '0B0000021'))).to.deep.equal(['HOP TEST']);
  });

  it('are written only when they changed', async () => {
    const versions = () =>
      places.knex('workplaces').orderBy('id').select('id', places.knex.raw('xmin, ctid'));
    const before = await versions();
    const report = await places.importDirectory([activity(ALIX, cabinet), activity(ALIX, hospital)]);
    expect(report.notes).to.deep.equal({ workplacesAdded: 0, workplacesChanged: 0, workplacesGone: 0 });
    expect(await versions()).to.deep.equal(before);
  });

  it('stay as they were when the import is refused', async () => {
    const before = await all();
    const people = Array.from({ length: 3 }, () => activity(NOBODY, structure('R900009', 'NOUVEAU')));
    const refusal = await places.importDirectory(people).then(
      () => 'imported',
      (error: Error) => error.message,
    );
    expect(refusal).to.contain('would be gone');
    expect(await all()).to.deep.equal(before);
  });
});
