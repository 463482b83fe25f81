/** Writes a person and the keys they are found under to the staging tables. */
import { fold } from '../fold.ts';
import { copyJson, copyNullable, copyText } from '../import/copy-writer.ts';
import { type LinesDigest, uuidOf } from '../import/known-lines.ts';
import {
  createRecentlySeen,
  type PerhapsSeen,
  type RecentlySeen,
  recentlySeenMemory,
} from '../import/recently-seen.ts';
import { type Bytes, bytesOf, type RowWriter, textOf } from '../import/types.ts';
import type { Exercise, PersonGroup } from './person-group.ts';
import { searchKeys } from './search-keys.ts';
import { KEYS_STAGE, LINES_STAGE, PEOPLE_STAGE, WORDS_STAGE } from './tables.ts';

/** Another number has everybody read and written again, after a change of folding, of layout, or of what is taken from a line. */
export const LAYOUT = 1;
const MAX_FOLDED = 1 << 16;
const FEW_WORDS = 1 << 16;
const MIN_WORD = 2;
const ONE_WORD = /^[A-Za-z0-9]*$/;
const ASCII = /^[ -~]*$/;

/** What is known of the rest of the file, so that nobody stays in two parts. */
interface Parts {
  readonly seenWords: RecentlySeen;
  readonly seenPeople: PerhapsSeen;
  /** Takes who may have been written before. */
  readonly split: RowWriter;
}

export function createPersonWriter(
  writers: Readonly<Record<string, RowWriter>>,
  parts?: Parts,
): (group: PersonGroup, lines?: LinesDigest) => void {
  const people = writers[PEOPLE_STAGE] as RowWriter;
  const keys = writers[KEYS_STAGE] as RowWriter;
  const digests = writers[LINES_STAGE] as RowWriter;
  const words = writers[WORDS_STAGE] as RowWriter;
  const seenWords = parts?.seenWords ?? createRecentlySeen(recentlySeenMemory(FEW_WORDS));
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

  /** Writes those of these words that nobody bore lately. */
  function writeWords(text: Bytes): void {
    for (let start = 0; start < text.length; ) {
      const found = text.indexOf(' ', start);
      const end = found < 0 ? text.length : found;
      if (end - start > MIN_WORD && !seenWords.hasPart(text, start, end)) words.write(text.slice(start, end));
      start = end + 1;
    }
  }

  return (group, lines) => {
    const { type, identifier, nationalId, civilite } = group;
    const exercises = group.sorted();
    const towns = foldedTowns(exercises);
    const id = copyText(nationalId);
    let [lastFamily, lastGiven] = ['', ''];
    for (const { family, given, town } of searchKeys(foldedNames(exercises), towns)) {
      keys.write(`${id}\t${family}\t${given}\t${town}`);
      if (family !== lastFamily) writeWords(family);
      if (given !== lastGiven) writeWords(given);
      [lastFamily, lastGiven] = [family, given];
    }
    for (const town of towns) writeWords(town);
    people.write(
      `${id}\t${copyText(type)}\t${copyText(identifier)}\t${copyNullable(civilite)}\t${copyJson(group.document())}\t${LAYOUT}`,
    );
    digests.write(`${id}\t${lines === undefined ? '\\N' : uuidOf(lines)}`);
    if (parts?.seenPeople.has(nationalId)) parts.split.write(id);
  };
}
