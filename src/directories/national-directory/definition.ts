/** The open-data file `PS_LibreAcces_Personne_activite` (ANS): a line per person, activity and savoir-faire. */
import { hash } from 'node:crypto';
import type pg from 'pg';
import type { Db } from '../../lib/database.ts';
import { fold } from '../fold.ts';
import { copyNullable, copyText } from '../import/copy-writer.ts';
import { type KnownLines, type LinesDigest, loadKnownLines, uuidOf } from '../import/known-lines.ts';
import { createPerhapsSeen, createRecentlySeen, type PerhapsSeen } from '../import/recently-seen.ts';
import {
  type Bytes,
  bytesOf,
  type CopyTo,
  type ImportDefinition,
  type RowWriter,
  type Stager,
  textOf,
} from '../import/types.ts';
import { isRpps } from '../rpps.ts';
import { applyNationalDirectory, KEYS_STAGE, PEOPLE_STAGE, STRUCTURES_STAGE, UNMET_STAGE } from './apply.ts';
import type { NationalDirectoryColumn } from './columns.ts';
import { activityJson, type Exercise, PersonGroup, skillJson } from './person-group.ts';
import { searchKeys } from './search-keys.ts';
import { mergeSplitPeople } from './split-people.ts';
import { structureRow } from './structures.ts';

/**
 * Part of the digests of a person and of their lines: another number has everybody read and written again, after a change
 * of folding, of layout, or of what is taken from a line.
 */
const LAYOUT = '1';
/** TRE_G08. */
const RPPS_TYPE = '8';
const MAX_IDENTIFIER_LENGTH = 40;
const SEEN_STRUCTURES = 1 << 20;
const SEEN_WORDS = 1 << 18;
/** Eight mebibytes: of a million people, one in a thousand is taken for somebody met before. */
const SEEN_PEOPLE_BITS = 1 << 26;
const MAX_FOLDED = 1 << 16;
const ONE_WORD = /^[A-Za-z0-9]*$/;
const ASCII = /^[ -~]*$/;

/** Phone and e-mail columns are not read: nobody is shown them. */
const COLUMNS = [
  "Type d'identifiant PP",
  'Identifiant PP',
  'Identification nationale PP',
  "Code civilité d'exercice",
  'Code civilité',
  "Nom d'exercice",
  "Prénom d'exercice",
  'Code profession',
  'Libellé profession',
  'Code catégorie professionnelle',
  'Code type savoir-faire',
  'Code savoir-faire',
  'Libellé savoir-faire',
  'Code mode exercice',
  "Code secteur d'activité",
  'Code section tableau pharmaciens',
  'Code rôle',
  'Code genre activité',
  'Identifiant technique de la structure',
  'Numéro FINESS site',
  'Numéro FINESS établissement juridique',
  'Numéro SIRET site',
  'Raison sociale site',
  'Enseigne commerciale site',
  'Complément destinataire (coord. structure)',
  'Complément point géographique (coord. structure)',
  'Numéro Voie (coord. structure)',
  'Indice répétition voie (coord. structure)',
  'Libellé type de voie (coord. structure)',
  'Libellé Voie (coord. structure)',
  'Mention distribution (coord. structure)',
  'Bureau cedex (coord. structure)',
  'Code postal (coord. structure)',
  'Code commune (coord. structure)',
  'Libellé commune (coord. structure)',
  'Code Département (structure)',
  'Code pays (coord. structure)',
] as const satisfies readonly NationalDirectoryColumn[];

const FIRST_STRUCTURE_RANK = COLUMNS.indexOf('Identifiant technique de la structure');
const FIRST_ACTIVITY_RANK = COLUMNS.indexOf('Code mode exercice');

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
      shared: COLUMNS.slice(FIRST_STRUCTURE_RANK),
      layout: LAYOUT,
    },
  },
  archiveEntry: /personne[_-]activite/i,
  staging: {
    [PEOPLE_STAGE]: `national_id text COLLATE "C" NOT NULL, identifier_type text NOT NULL, identifier text NOT NULL,
      civilite_code text, exercises json NOT NULL, digest bytea NOT NULL, perhaps_split boolean NOT NULL,
      words text, lines uuid`,
    [KEYS_STAGE]: `national_id text COLLATE "C" NOT NULL, family text COLLATE "C" NOT NULL,
      given text COLLATE "C" NOT NULL, town text COLLATE "C" NOT NULL`,
    [STRUCTURES_STAGE]: `id text COLLATE "C" NOT NULL, finess_site text, finess_legal_entity text, siret text, name text,
      trade_name text, address_lines text, postal_code text, commune_code text, commune text, department_code text,
      country_code text`,
  },
  prepared: { [UNMET_STAGE]: 'lines uuid NOT NULL' },
  recall,
  createStager,
  async prepare(db, copyTo, known) {
    await stageUnmet(db, copyTo, known);
    await mergeSplitPeople(db, copyTo, createPersonWriter);
  },
  apply: applyNationalDirectory,
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

function createStager(writers: Readonly<Record<string, RowWriter>>, known: KnownLines | undefined): Stager {
  const people = writers[PEOPLE_STAGE] as RowWriter;
  const structures = writers[STRUCTURES_STAGE] as RowWriter;
  const seenStructures = createRecentlySeen(SEEN_STRUCTURES);
  const seenPeople = createPerhapsSeen(SEEN_PEOPLE_BITS);
  const writePerson = createPersonWriter(people, writers[KEYS_STAGE] as RowWriter, seenPeople);
  const last: Bytes[] = new Array(COLUMNS.length).fill('');
  let lastExercise: Exercise | undefined;
  let group: PersonGroup | undefined;
  /** Whether lines of one national identifier gave two people so far, to be put together later. */
  let isBroken = false;

  return {
    take(fields, isShared) {
      const f = fields as readonly Bytes[] & { readonly [rank: number]: Bytes };
      const type = f[0] as Bytes;
      const identifier = f[1] as Bytes;
      const nationalId = f[2] as Bytes;
      if (group?.nationalId !== nationalId || group.identifier !== identifier || group.type !== type) {
        const reason = refusalOfIdentifier(type, identifier, nationalId);
        if (reason !== undefined) return reason;
        if (group) {
          writePerson(group);
          isBroken = true;
        }
        group = undefined;
      }
      const family = f[5] as Bytes;
      const profession = f[7] as Bytes;
      if (family === '') return 'no family name';
      if (profession === '') return 'no profession';
      group ??= new PersonGroup(type, identifier, nationalId);
      const exercise = group.add(
        {
          profession,
          category: f[9] as Bytes,
          professionLabel: f[8] as Bytes,
          civilite: f[3] as Bytes,
          family,
          given: f[6] as Bytes,
        },
        f[4] as Bytes,
      );
      if (f[11] !== '') exercise.skills.add(skillJson(f[10] as Bytes, f[11] as Bytes, f[12] as Bytes));
      addActivity(exercise, f, isShared);
      return undefined;
    },
    endGroup(digest) {
      if (group) writePerson(group, isBroken ? undefined : digest);
      group = undefined;
      isBroken = false;
    },
    isKnown(digest, nationalId) {
      // Known lines of somebody of whom there are others must be put together with them.
      if (!known?.has(digest) || seenPeople.has(nationalId)) return false;
      known.meet(digest);
      return true;
    },
    glance(fields) {
      stageStructure(fields);
    },
    end() {},
  };

  function isRepeated(f: readonly Bytes[]): boolean {
    for (let rank = FIRST_ACTIVITY_RANK; rank < COLUMNS.length; rank += 1) {
      if (f[rank] !== last[rank]) return false;
    }
    return true;
  }

  function addActivity(exercise: Exercise, f: readonly Bytes[], isShared: () => boolean): void {
    // The lines of a person's several savoir-faire repeat the activity.
    if (exercise === lastExercise && isRepeated(f)) return;
    for (let rank = FIRST_ACTIVITY_RANK; rank < COLUMNS.length; rank += 1) last[rank] = f[rank] as Bytes;
    lastExercise = exercise;
    // All that makes a structure is among the shared columns.
    const structure = f[18] !== '' && isShared() ? (f[18] as Bytes) : stageStructure(f);
    const activity = activityJson(
      structure,
      f[13] as Bytes,
      f[14] as Bytes,
      f[15] as Bytes,
      f[16] as Bytes,
      f[17] as Bytes,
    );
    if (activity !== '{}') exercise.activities.add(activity);
    const town = (f[34] as Bytes) || (f[31] as Bytes).replace(/^[0-9]{5} +/, '');
    if (town !== '') exercise.towns.add(town);
  }

  /** @returns the identifier of the structure of the line; empty when there is none. */
  function stageStructure(f: readonly Bytes[]): Bytes {
    const structure = structureRow({
      technicalId: f[18] as Bytes,
      finessSite: f[19] as Bytes,
      finessLegalEntity: f[20] as Bytes,
      siret: f[21] as Bytes,
      name: f[22] as Bytes,
      tradeName: f[23] as Bytes,
      addressee: f[24] as Bytes,
      place: f[25] as Bytes,
      number: f[26] as Bytes,
      repetition: f[27] as Bytes,
      streetType: f[28] as Bytes,
      street: f[29] as Bytes,
      distribution: f[30] as Bytes,
      cedex: f[31] as Bytes,
      postalCode: f[32] as Bytes,
      communeCode: f[33] as Bytes,
      commune: f[34] as Bytes,
      departmentCode: f[35] as Bytes,
      countryCode: f[36] as Bytes,
    });
    if (structure && !seenStructures.has(structure.row)) structures.write(structure.row);
    return structure?.id ?? '';
  }
}

function refusalOfIdentifier(type: Bytes, identifier: Bytes, nationalId: Bytes): string | undefined {
  if (type === '' || identifier === '' || nationalId === '') return 'no national identifier';
  if (nationalId.length > MAX_IDENTIFIER_LENGTH || identifier.length > MAX_IDENTIFIER_LENGTH) {
    return 'a national identifier too long';
  }
  if (type !== RPPS_TYPE) return undefined;
  if (!isRpps(identifier)) return `RPPS ${textOf(identifier)}: its key is wrong`;
  return nationalId === RPPS_TYPE + identifier
    ? undefined
    : `RPPS ${identifier} under another national identifier`;
}

/**
 * @param seenPeople who else was written, so that nobody stays in two parts.
 * @returns what writes a person and the keys they are found under.
 */
function createPersonWriter(
  people: RowWriter,
  keys: RowWriter,
  seenPeople: PerhapsSeen = { has: () => false },
): (group: PersonGroup, lines?: LinesDigest) => void {
  const seenWords = createRecentlySeen(SEEN_WORDS);
  const folded = new Map<Bytes, Bytes>();

  function foldBytes(bytes: Bytes): Bytes {
    if (ONE_WORD.test(bytes)) return bytes.toLowerCase();
    if (ASCII.test(bytes)) return fold(bytes);
    const known = folded.get(bytes);
    if (known !== undefined) return known;
    // Copies: a slice would keep the whole block that it was read from.
    const value = bytesOf(fold(textOf(bytes)));
    if (folded.size >= MAX_FOLDED) folded.clear();
    folded.set(Buffer.from(bytes, 'latin1').toString('latin1'), value);
    return value;
  }

  function foldedNames(exercises: readonly Exercise[]): { family: Bytes; given: Bytes }[] {
    const names: { family: Bytes; given: Bytes }[] = [];
    for (const exercise of exercises) {
      const family = foldBytes(exercise.family);
      const given = foldBytes(exercise.given);
      if (!names.some((name) => name.family === family && name.given === given))
        names.push({ family, given });
    }
    return names;
  }

  function foldedTowns(exercises: readonly Exercise[]): Bytes[] {
    const towns: Bytes[] = [];
    for (const exercise of exercises) {
      for (const town of exercise.towns) {
        const folded = foldBytes(town);
        if (!towns.includes(folded)) towns.push(folded);
      }
    }
    // Were there too many, the same ones would be left out whatever the order of the lines.
    return towns.length > 1 ? towns.sort() : towns;
  }

  /** Of these words, those that nobody bore lately, one space apart. */
  function newWords(text: Bytes): Bytes {
    let words = '';
    for (const word of text.split(' ')) {
      if (word.length > 2 && !seenWords.has(word)) words += words === '' ? word : ` ${word}`;
    }
    return words;
  }

  return (group, lines) => {
    const { type, identifier, nationalId, civilite } = group;
    const document = group.document();
    const digest = hash('sha256', `${LAYOUT}|${type}|${identifier}|${civilite}|${document}`, 'hex').slice(
      0,
      32,
    );
    const exercises = group.sorted();
    const towns = foldedTowns(exercises);
    const id = copyText(nationalId);
    let text = towns.join(' ');
    let noted = '';
    for (const { family, given, town } of searchKeys(foldedNames(exercises), towns)) {
      keys.write(`${id}\t${family}\t${given}\t${town}`);
      const name = ` ${family} ${given}`;
      if (name !== noted) text += name;
      noted = name;
    }
    const words = newWords(text);
    people.write(
      `${id}\t${copyText(type)}\t${copyText(identifier)}\t${copyNullable(civilite)}\t${copyText(document)}` +
        `\t\\\\x${digest}\t${seenPeople.has(nationalId) ? 't' : 'f'}\t${copyNullable(words)}` +
        `\t${lines === undefined ? '\\N' : uuidOf(lines)}`,
    );
  };
}
