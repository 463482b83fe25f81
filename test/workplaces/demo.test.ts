import { expect } from 'chai';
import { seedDirectory } from '../../seeds/demo/seed.ts';
import { listAccountWorkplaces } from '../../src/workplaces/account-workplaces.ts';
import { listCentres } from '../../src/workplaces/centres.ts';
import { workplacesOfDirectoryPerson } from '../../src/workplaces/directory-places.ts';
import { searchWorkplaces } from '../../src/workplaces/workplaces.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

describe('workplaces of the demo', () => {
  let app: TestApp;
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

  before(async () => {
    app = await startTestApp();
    await seedDirectory(app.deps);
  });
  after(() => app.close());

  it('are sites of FINESS and practices of the directory, invented ones only', async () => {
    const rows = await app.deps.knex('workplaces').select();
    expect(rows.filter((row) => row.in_finess)).to.have.length(12);
    expect(rows.filter((row) => row.in_finess && row.in_directory)).to.have.length(8);
    expect(rows.filter((row) => !row.in_finess)).to.have.length(4);
    for (const row of rows) {
      if (row.in_finess) expect(row.finess).to.match(/^0B/);
      expect(row.name).to.match(/FICTI|CABINET M DOC/);
    }
  });

  it('agree with the directory on the names of the sites that both know', async () => {
    const { rows } = await app.deps.knex.raw(
      'SELECT w.name, d.name AS other FROM workplaces w JOIN directory_structures d ON d.finess_site = w.finess',
    );
    expect(rows).to.have.length(8);
    for (const { name, other } of rows) expect(name).to.equal(other);
  });

  it('are found, and preselected for who works there', async () => {
    const { knex } = app.deps;
    expect(names(await searchWorkplaces(knex, 'ile port imagine'))).to.deep.equal([
      'CENTRE DE SANTÉ FICTIF DE L’ÎLE',
    ]);
    expect(names(await searchWorkplaces(knex, '0B 019 001 1'))).to.deep.equal(['HOPITAL FICTIF DE VALBRUME']);
    expect(names(await searchWorkplaces(knex, 'maison de santé du moulin'))).to.deep.equal([
      'CABINET FICTIF DU MOULIN',
    ]);
    expect(names(await workplacesOfDirectoryPerson(knex, '899700900170'))).to.deep.equal([
      'HOPITAL FICTIF DE VALBRUME',
      'HOPITAL FICTIF DE VALBRUME SITE NORD',
    ]);
  });

  it('have three centres and people who chose among them, once however often the demo starts', async () => {
    const { knex } = app.deps;
    expect(await listCentres(knex)).to.have.length(3);
    const imports = () => knex('directory_imports').count('* as n').first();
    const before = await imports();
    await seedDirectory(app.deps);
    expect(await imports()).to.deep.equal(before);
    const { account_id: camille } = await knex('email_addresses')
      .where({ canonical: 'camille@example.test' })
      .first('account_id');
    const chosen = await listAccountWorkplaces(knex, camille);
    expect(chosen.map(({ workplace, centre }) => `${workplace.name}, ${centre?.name}`)).to.deep.equal([
      'CABINET FICTIF DU MOULIN, Centre de Valbrume',
      'HOPITAL FICTIF DE VALBRUME, Centre des Quais',
    ]);
  });
});
