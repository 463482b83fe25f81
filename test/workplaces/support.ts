/** Workplaces of a test come through the real imports. */
import type { Knex } from 'knex';
import { runImport } from '../../src/directories/import/run.ts';
import type { ImportOptions, ImportReport } from '../../src/directories/import/types.ts';
import { NATIONAL_DIRECTORY_COLUMNS } from '../../src/directories/national-directory/columns.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { NATIONAL_DIRECTORY_AND_WORKPLACES } from '../../src/workplaces/directory-places.ts';
import { FINESS } from '../../src/workplaces/finess-import.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createFolder, type Folder } from '../support/directory.ts';
import { delimited, finessFile, type Row } from '../support/register-files.ts';

export interface Places {
  readonly knex: Knex;
  readonly database: TestDatabase;
  readonly folder: Folder;
  importFile(path: string, options?: ImportOptions): Promise<ImportReport>;
  importFiness(rows: readonly Row[], options?: ImportOptions): Promise<ImportReport>;
  importDirectory(rows: readonly Row[], options?: ImportOptions): Promise<ImportReport>;
  idOf(name: string): Promise<string>;
  close(): Promise<void>;
}

export async function createPlaces(): Promise<Places> {
  const database = await createTestDatabase();
  const folder = await createFolder();
  const deps = { databaseUrl: database.url, clock: systemClock };
  const importFile = (path: string, options?: ImportOptions) => runImport(deps, FINESS, path, options);
  return {
    knex: database.knex,
    database,
    folder,
    importFile,
    importFiness: async (rows, options) =>
      importFile(await folder.write('finess.csv', finessFile(rows)), options),
    async importDirectory(rows, options) {
      const content = delimited(NATIONAL_DIRECTORY_COLUMNS, rows, { separator: '|', trailing: true });
      const path = await folder.write('PS_LibreAcces_Personne_activite.txt', content);
      return runImport(deps, NATIONAL_DIRECTORY_AND_WORKPLACES, path, options);
    },
    async idOf(name) {
      const row = await database.knex('workplaces').where({ name }).first('id');
      if (!row) throw new Error(`no workplace ${name}`);
      return row.id;
    },
    async close() {
      await folder.remove();
      await database.drop();
    },
  };
}

/** A site of FINESS, in a fictive department. */
export const site = (finess: string, name: string, town = 'TESTVILLE', more: Row = {}): Row => ({
  nofinesset: finess,
  nofinessej: '1B0000001',
  rs: name,
  numvoie: '12',
  typvoie: 'R',
  voie: 'DES LILAS',
  codepostal: '99100',
  libelle_routage: town,
  ligneacheminement: `99100 ${town}`,
  categetab: '355',
  libcategetab: 'Centre Hospitalier',
  ...more,
});

/** An activity of somebody of the national directory. */
export const activity = (rpps: string, structure: Row): Row => ({
  "Type d'identifiant PP": '8',
  'Identifiant PP': rpps,
  'Identification nationale PP': `8${rpps}`,
  'Code civilité': 'MME',
  "Nom d'exercice": `DOC${rpps.slice(5)}`,
  "Prénom d'exercice": 'ALIX',
  'Code profession': '10',
  'Libellé profession': 'Médecin',
  'Code catégorie professionnelle': 'C',
  'Code postal (coord. structure)': '99100',
  'Libellé commune (coord. structure)': 'TESTVILLE',
  ...structure,
});

export const structure = (key: string, name: string, finess = ''): Row => ({
  'Identifiant technique de la structure': key,
  'Raison sociale site': name,
  'Numéro FINESS site': finess,
  'Numéro Voie (coord. structure)': '3',
  'Libellé type de voie (coord. structure)': 'Rue',
  'Libellé Voie (coord. structure)': 'DU PORT',
  'Bureau cedex (coord. structure)': '99100 TESTVILLE',
});
