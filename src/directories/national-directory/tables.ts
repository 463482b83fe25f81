/** The staging tables of the national directory. */
import { STRUCTURE_COLUMNS } from './structures.ts';

export const PEOPLE_STAGE = 'directory_stage_people';
export const KEYS_STAGE = 'directory_stage_keys';
/** Digests of the lines that each person was read from. */
export const LINES_STAGE = 'directory_stage_lines';
export const STRUCTURES_STAGE = 'directory_stage_structures';
export const WORDS_STAGE = 'directory_stage_words';
/** Who may have been met in several places of the file. */
export const SPLIT_STAGE = 'directory_stage_split';
/** Who was, until they are put together. */
export const PARTS = 'directory_stage_parts';
/** The lines of earlier imports that are not in the file. */
export const UNMET_STAGE = 'directory_stage_unmet';

/** Which table each becomes by a first import. */
export const DIRECT: Readonly<Record<string, string>> = {
  [PEOPLE_STAGE]: 'directory_people',
  [KEYS_STAGE]: 'directory_search_keys',
  [LINES_STAGE]: 'directory_people_lines',
};

const COLUMNS = STRUCTURE_COLUMNS.join(', ');

export const STAGED_STRUCTURES = `SELECT ${COLUMNS} FROM ${STRUCTURES_STAGE}`;

/** Keeps one of several writings of a structure, the same whatever the order of the lines. */
export const WITHOUT_OTHER_WRITINGS = `
  DELETE FROM ${STRUCTURES_STAGE} WHERE ctid IN (
    SELECT ctid FROM (
      SELECT ctid, row_number() OVER (PARTITION BY id ORDER BY ${COLUMNS}) AS rank FROM ${STRUCTURES_STAGE}
       WHERE id IN (SELECT id FROM ${STRUCTURES_STAGE} GROUP BY id HAVING count(*) > 1)) writings
     WHERE rank > 1)`;
