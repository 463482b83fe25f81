/** The open-data file `PS_LibreAcces_Personne_activite` (ANS): a line per person, activity and savoir-faire. */
import type pg from 'pg';
import type { Db } from '../../lib/database.ts';
import { type KnownLines, loadKnownLines } from '../import/known-lines.ts';
import type { CopyTo, ImportDefinition } from '../import/types.ts';
import { applyNationalDirectory } from './apply.ts';
import { indexFirst, keepFirst } from './first-import.ts';
import { createPersonWriter, LAYOUT } from './person-writer.ts';
import { COLUMNS, LATER_COLUMNS, SHARED_COLUMNS } from './read-columns.ts';
import { mergeSplitPeople } from './split-people.ts';
import { createMemory, createStager } from './stager.ts';
import {
  DIRECT,
  KEYS_STAGE,
  LINES_STAGE,
  PARTS,
  PEOPLE_STAGE,
  SPLIT_STAGE,
  STRUCTURES_STAGE,
  UNMET_STAGE,
  WORDS_STAGE,
} from './tables.ts';

export const NATIONAL_DIRECTORY: ImportDefinition = {
  kind: 'rpps',
  format: {
    separator: '|',
    encoding: 'utf-8',
    trailingSeparator: true,
    columns: COLUMNS,
    // Issues of 52 columns.
    optional: ['Code rôle', 'Code genre activité'],
    groups: {
      key: 'Identification nationale PP',
      shared: SHARED_COLUMNS,
      later: LATER_COLUMNS,
      layout: `${LAYOUT}`,
    },
  },
  archiveEntry: /personne[_-]activite/i,
  staging: {
    [PEOPLE_STAGE]: { like: 'directory_people' },
    [KEYS_STAGE]: { like: 'directory_search_keys' },
    [LINES_STAGE]: { like: 'directory_people_lines' },
    [STRUCTURES_STAGE]: { like: 'directory_structures' },
    [WORDS_STAGE]: 'word text COLLATE "C" NOT NULL',
    [SPLIT_STAGE]: 'national_id text COLLATE "C" NOT NULL',
  },
  prepared: { [UNMET_STAGE]: 'lines uuid NOT NULL' },
  scratch: [PARTS],
  direct: Object.keys(DIRECT),
  async isFirst(connection) {
    const { rows } = await connection.query('SELECT NOT EXISTS (SELECT FROM directory_people) AS empty');
    return rows[0].empty;
  },
  recall,
  createMemory,
  createStager,
  stagerModule: new URL('./stager.ts', import.meta.url).href,
  async prepare(db, copyTo, known) {
    await stageUnmet(db, copyTo, known);
    await mergeSplitPeople(db, copyTo, createPersonWriter);
  },
  goOn: indexFirst,
  apply: applyNationalDirectory,
  finish: keepFirst,
};

const RECALLED = `SELECT lines FROM directory_people_lines
  WHERE lines IS NOT NULL AND EXISTS (SELECT FROM directory_people)`;

async function recall(connection: pg.ClientBase): Promise<KnownLines> {
  const { rows } = await connection.query(`SELECT count(*) AS count FROM (${RECALLED}) recalled`);
  return loadKnownLines(connection, RECALLED, rows[0].count);
}

/** The lines of earlier imports that are not in the file. */
async function stageUnmet(db: Db, copyTo: CopyTo, known: KnownLines | undefined): Promise<void> {
  if (!known?.size) {
    await db.raw(`INSERT INTO ${UNMET_STAGE} ${RECALLED}`);
    return;
  }
  await copyTo([UNMET_STAGE], async function* ([unmet]) {
    for (const lines of known.unmet()) {
      unmet?.write(lines);
      yield;
    }
  });
}
