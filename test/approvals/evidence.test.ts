import { expect } from 'chai';
import { transition } from '../../src/accounts/transition.ts';
import { digestOf, findDeclared } from '../../src/approvals/declared.ts';
import { type Evidence, evidenceOf } from '../../src/approvals/evidence.ts';
import { runImport } from '../../src/directories/import/run.ts';
import { NATIONAL_DIRECTORY } from '../../src/directories/national-directory/definition.ts';
import { setAccountWorkplaces } from '../../src/workplaces/account-workplaces.ts';
import { createApplicant, createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createFolder, doctor, written } from '../support/directory.ts';

describe('the evidence of a request', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());

  let people = 0;
  const apply = (person: { familyName?: string; givenName?: string; rpps?: string; email?: string }) => {
    people += 1;
    return createApplicant(app.deps, {
      email: `demande-${people}@example.test`,
      passwordHash: 'none',
      ...person,
    });
  };
  async function evidence(accountId: string): Promise<Evidence> {
    const found = await findDeclared(app.database.knex, accountId);
    if (!found) throw new Error('no account');
    return evidenceOf(app.database.knex, accountId, found.declared);
  }
  const ordinal = ({ registers }: Evidence) => registers.find(({ register }) => register === 'ordinal');

  it('holds the identity that the Order knows by the number, and neither birthdate nor contacts', async () => {
    const { accountId } = await apply({ rpps: '99700900014', familyName: 'doc0090001', givenName: 'Alexia' });
    const found = await evidence(accountId);
    expect(found.rppsKey).to.equal('right');
    expect(ordinal(found)).to.deep.equal({
      register: 'ordinal',
      answer: 'found',
      person: {
        identity: {
          rpps: '99700900014',
          profession: '10',
          civilite: 'MME',
          familyName: 'DOC0090001',
          givenName: 'Alix',
        },
        endedOn: undefined,
      },
      verdicts: {
        rpps: 'same',
        profession: 'same',
        civilite: 'same',
        familyName: 'same',
        givenName: 'differs',
      },
    });
    expect(JSON.stringify(found)).not.to.match(/1980-06-17|39980001|alix@/);
    expect(await evidence(accountId), 'the same twice').to.deep.equal(found);
  });

  it('tells a doctor who left the register, and a number that no register knows', async () => {
    const left = await apply({ rpps: '99700900063' });
    expect(ordinal(await evidence(left.accountId))?.person?.endedOn).to.equal('2025-06-30');
    const unknown = await apply({ rpps: '99700900097' });
    expect(ordinal(await evidence(unknown.accountId))).to.include({ answer: 'unknown', person: undefined });
  });

  it('holds what the national directory knows, by the profession that is closest to the declared one', async () => {
    const { knex } = app.database;
    const directory = ({ registers }: Evidence) => registers.find(({ register }) => register === 'directory');
    const { accountId } = await apply({ rpps: '99700900113', familyName: 'LE-GOFF', givenName: 'Noa' });
    expect(directory(await evidence(accountId))).to.include({ answer: 'empty', person: undefined });

    const folder = await createFolder();
    const person = (profession: string, family: string) =>
      doctor('99700900113', family, 'Noa', { 'Code civilité': 'MME', 'Code profession': profession });
    const file = written([person('60', 'AUTRENOM'), person('10', 'Le Goff')]);
    const path = await folder.write('PS_LibreAcces_Personne_activite.txt', file);
    const deps = { databaseUrl: app.database.url, clock: app.clock };
    expect((await runImport(deps, NATIONAL_DIRECTORY, path)).added).to.equal(1);
    await folder.remove();

    expect(directory(await evidence(accountId))).to.deep.equal({
      register: 'directory',
      answer: 'found',
      person: {
        identity: {
          rpps: '99700900113',
          profession: '10',
          civilite: 'MME',
          familyName: 'Le Goff',
          givenName: 'Noa',
        },
        endedOn: undefined,
      },
      verdicts: { rpps: 'same', profession: 'same', civilite: 'same', familyName: 'same', givenName: 'same' },
    });
    const nurse = await apply({ rpps: '99700900121' });
    expect(directory(await evidence(nurse.accountId))).to.include({ answer: 'unknown' });
    await knex('directory_people').delete();
  });

  it('holds the workplaces that the person chose', async () => {
    const { knex } = app.database;
    const { accountId } = await apply({});
    await knex('workplaces').insert({
      id: accountId,
      name: 'CABINET DU PORT',
      town: 'TESTVILLE',
      finess: '990000014',
      search_text: ' cabinet du port testville ',
      in_finess: true,
    });
    const before = (await findDeclared(knex, accountId))?.declared;
    await setAccountWorkplaces(knex, accountId, [{ workplaceId: accountId, centreId: undefined }]);
    const after = (await findDeclared(knex, accountId))?.declared;
    expect(before?.workplaces).to.deep.equal([]);
    expect(after?.workplaces).to.deep.equal([
      { name: 'CABINET DU PORT', town: 'TESTVILLE', finess: '990000014', gone: false, centre: undefined },
    ]);
    expect(digestOf(after).equals(digestOf(before))).to.equal(false);
  });

  it('does not look up a number whose key is wrong, nor an absent one', async () => {
    const wrong = await apply({ rpps: '99700900015' });
    const found = await evidence(wrong.accountId);
    expect(found.rppsKey).to.equal('wrong');
    expect(ordinal(found)).to.include({ answer: 'not-asked', person: undefined });
    const absent = await apply({});
    expect(await evidence(absent.accountId)).to.include({ rppsKey: 'absent' });
  });

  it('finds who looks like the person: name folded, number and addresses of ended accounts too', async () => {
    const { knex } = app.database;
    const email = 'deja@example.test';
    const before = await apply({
      email,
      rpps: '99700900105',
      familyName: "L'HÉRITIER-LŒUF",
      givenName: 'Anne Zoé',
    });
    await transition(knex, app.deps, { accountId: before.accountId, to: 'closed', by: { role: 'system' } });
    const namesake = await createTestAccount(app.deps, {
      email: 'homonyme@example.test',
      passwordHash: 'none',
    });
    await knex('accounts')
      .where({ id: namesake })
      .update({ family_name: 'L’Heritier Loeuf', given_name: 'ANNE-ZOÉ' });
    await apply({ familyName: 'LHERITIERLOEUF', givenName: 'Anne Zoé' });

    const again = await apply({
      email: email.toUpperCase(),
      rpps: '99700900105',
      familyName: 'L HERITIER LOEUF',
      givenName: 'anne-zoe',
    });
    expect(
      (await evidence(again.accountId)).lookAlikes.map(({ accountId, state, likenesses }) => ({
        accountId,
        state,
        likenesses,
      })),
    ).to.deep.equal([
      { accountId: before.accountId, state: 'closed', likenesses: ['rpps', 'email', 'name'] },
      { accountId: namesake, state: 'active', likenesses: ['name'] },
    ]);
  });
});
