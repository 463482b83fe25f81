/** Takes the lines of the national directory: people to their tables, structures to theirs, each once. */
import { KnownLines } from '../import/known-lines.ts';
import {
  createPerhapsSeen,
  createRecentlySeen,
  perhapsSeenMemory,
  recentlySeenMemory,
} from '../import/recently-seen.ts';
import {
  type Bytes,
  type LineView,
  type RowWriter,
  type Stager,
  type StagerMemory,
  textOf,
} from '../import/types.ts';
import { isRpps } from '../rpps.ts';
import { activityJson, type Exercise, PersonGroup, skillJson } from './person-group.ts';
import { createPersonWriter } from './person-writer.ts';
import { structureRow } from './structures.ts';
import { SPLIT_STAGE, STRUCTURES_STAGE } from './tables.ts';

/** TRE_G08. */
const RPPS_TYPE = '8';
const MAX_IDENTIFIER_LENGTH = 40;
const SEEN_STRUCTURES = 1 << 20;
const SEEN_WORDS = 1 << 18;
/** Thirty-two mebibytes: of two million people, about one is taken for somebody met before. */
const SEEN_PEOPLE_WORDS = 1 << 23;

export const createMemory = (known: KnownLines | undefined): StagerMemory => ({
  structures: recentlySeenMemory(SEEN_STRUCTURES),
  words: recentlySeenMemory(SEEN_WORDS),
  people: perhapsSeenMemory(SEEN_PEOPLE_WORDS),
  ...(known && { known: known.memory }),
});

export function createStager(writers: Readonly<Record<string, RowWriter>>, memory: StagerMemory): Stager {
  const structures = writers[STRUCTURES_STAGE] as RowWriter;
  const split = writers[SPLIT_STAGE] as RowWriter;
  const seenStructures = createRecentlySeen(memory.structures as Int32Array);
  const seenPeople = createPerhapsSeen(memory.people as Int32Array);
  const known = memory.known && new KnownLines(memory.known);
  const writePerson = createPersonWriter(writers, {
    seenWords: createRecentlySeen(memory.words as Int32Array),
    seenPeople,
    split,
  });
  let lastExercise: Exercise | undefined;
  let lastStructure: Bytes = '';
  const last: Bytes[] = ['', '', '', '', '', ''];
  let group: PersonGroup | undefined;
  /** Whether lines of one national identifier gave two people so far, to be put together later. */
  let isBroken = false;

  return {
    take(fields, line) {
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
      addActivity(exercise, f, line);
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

  function addActivity(exercise: Exercise, f: readonly Bytes[], line: LineView): void {
    // All that makes a structure is among the shared columns.
    const structure = f[18] !== '' && line.isShared() ? (f[18] as Bytes) : readStructure(f, line);
    const town = (f[34] as Bytes) || (f[31] as Bytes).replace(/^[0-9]{5} +/, '');
    // The lines of a person's several savoir-faire repeat the activity.
    if (
      exercise === lastExercise &&
      structure === lastStructure &&
      f[13] === last[0] &&
      f[14] === last[1] &&
      f[15] === last[2] &&
      f[16] === last[3] &&
      f[17] === last[4] &&
      town === last[5]
    ) {
      return;
    }
    lastExercise = exercise;
    lastStructure = structure;
    for (let rank = 0; rank < 5; rank += 1) last[rank] = f[13 + rank] as Bytes;
    last[5] = town;
    const activity = activityJson(
      structure,
      f[13] as Bytes,
      f[14] as Bytes,
      f[15] as Bytes,
      f[16] as Bytes,
      f[17] as Bytes,
    );
    if (activity !== '{}') exercise.activities.add(activity);
    if (town !== '') exercise.towns.add(town);
  }

  function readStructure(f: readonly Bytes[], line: LineView): Bytes {
    line.readLater();
    return stageStructure(f);
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
