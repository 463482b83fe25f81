/** `caducee import finess`: the FINESS sites (établissements) of the open-data file, Etalab CSV, as workplaces. */
import { hasDoubtfulFinessKey, isFiness } from '../directories/finess.ts';
import { copyNullable, copyText } from '../directories/import/copy-writer.ts';
import {
  type ApplyContext,
  type Bytes,
  bytesOf,
  type ImportCounts,
  type ImportDefinition,
  type RowWriter,
  type Stager,
  textOf,
} from '../directories/import/types.ts';
import type { Db } from '../lib/database.ts';
import { forgetPlaces, mergingPlaces, PLACE_COLUMNS, writePlaces } from './merge.ts';
import { searchTextOf } from './search-text.ts';

const STAGE = 'workplace_stage_finess';

const COLUMNS = [
  'nofinesset',
  'nofinessej',
  'rs',
  'rslongue',
  'numvoie',
  'typvoie',
  'voie',
  'compvoie',
  'lieuditbp',
  'codepostal',
  'libelle_routage',
  'ligneacheminement',
  'categetab',
  'libcategetab',
] as const;

const REQUIRED: readonly string[] = ['nofinesset', 'nofinessej', 'rs', 'codepostal', 'ligneacheminement'];

export const FINESS: ImportDefinition = {
  kind: 'finess',
  format: {
    separator: ';',
    encoding: 'either',
    trailingSeparator: false,
    columns: COLUMNS,
    optional: COLUMNS.filter((column) => !REQUIRED.includes(column)),
  },
  archiveEntry: /finess|etalab/i,
  staging: { [STAGE]: PLACE_COLUMNS.map((column) => `${column} text COLLATE "C"`).join(', ') },
  createStager,
  apply: (db, context) => mergingPlaces(db, () => apply(db, context)),
};

/** A cell; some issues quote theirs. */
const cell = (bytes: Bytes): string =>
  textOf(bytes)
    .replace(/^"(.*)"$/s, '$1')
    .replace(/\s+/gu, ' ')
    .trim();

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');

function createStager(writers: Readonly<Record<string, RowWriter>>): Stager {
  const stage = writers[STAGE] as RowWriter;
  let doubtfulKeys = 0;
  return {
    take(fields) {
      const [
        finess,
        legal,
        short,
        long,
        number,
        kind,
        street,
        complement,
        place,
        code,
        town,
        line,
        category,
        label,
      ] = fields.map(cell) as [string, string, string, string, string, string, string, ...string[]];
      if (!isFiness(finess)) return 'no FINESS number of a site';
      const name = long || short;
      if (name === '') return `FINESS ${finess}: no name`;
      if (hasDoubtfulFinessKey(finess)) doubtfulKeys += 1;
      const otherName = short === name ? '' : short;
      const postalCode = code || /^[0-9]{5}/.exec(line ?? '')?.[0] || '';
      const townName = town || (line ?? '').replace(/^[0-9]{5} +/, '');
      const values = [
        '',
        isFiness(legal) ? legal : '',
        name,
        otherName,
        [joined(number, kind, street, complement ?? ''), place ?? '']
          .filter((part) => part !== '')
          .join(', '),
        postalCode,
        townName,
        category ?? '',
        label ?? '',
        searchTextOf({ name, otherName, town: townName, postalCode }),
      ];
      stage.write(`${copyText(finess)}\t${values.map((value) => copyNullable(bytesOf(value))).join('\t')}`);
      return undefined;
    },
    end() {},
    notes: () => ({ doubtfulKeys }),
  };
}

async function apply(db: Db, context: ApplyContext): Promise<ImportCounts> {
  await db.raw(
    `CREATE TEMPORARY TABLE workplace_finess ON COMMIT DROP AS
       SELECT DISTINCT ON (finess) * FROM ${STAGE} ORDER BY finess, search_text, address, legal_finess`,
  );
  await db.raw('ANALYZE workplace_finess');
  const present = Number((await db('workplaces').where({ in_finess: true }).count('* as n').first())?.n);
  const gone = await forgetPlaces(db, 'finess', 'workplace_finess');
  context.guard(present, gone);
  const { added, changed } = await writePlaces(db, 'finess', 'workplace_finess');
  return { added, changed, gone, unchanged: present - gone - changed };
}
