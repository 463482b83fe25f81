/** Reads a delimited file line by line: encoding, header by name, lines that do not fit, and where it was cut. */
import { isAscii, isUtf8 } from 'node:buffer';
import { ImportRefusal } from './failures.ts';
import { digestOf, type LinesDigest, mixed } from './known-lines.ts';
import { createRecentlySeenBytes } from './recently-seen.ts';
import {
  type Bytes,
  bytesOf,
  type DelimitedFormat,
  type Encoding,
  type Rejection,
  type RejectionLimit,
  type Stager,
} from './types.ts';

/** A line longer than this is no line of a register, and would make memory grow with the file. */
const MAX_LINE_BYTES = 1 << 20;
const KEPT_REJECTIONS = 100;
/** A group longer than this is read each time. */
const MAX_GROUP_BYTES = 1 << 18;
const MAX_FIELDS = 512;
const SEEN_SHARED = 1 << 20;
const LF = 10;
const CR = 13;
const BYTE_ORDER_MARK = bytesOf('\ufeff');

interface Tally {
  rowsRead: number;
  rejected: number;
  readonly rejections: Rejection[];
  /** Undefined while nothing but ASCII was read. */
  encoding: Encoding | undefined;
}

const WINDOWS_1252 = new TextDecoder('windows-1252');

/** The bytes in UTF-8, if they are of the encoding that `tally` knows or learns by them. */
function toUtf8(bytes: Buffer, tally: Tally): Buffer {
  // The letters of a French text in a one-byte encoding, each among ASCII ones, are never UTF-8.
  if (tally.encoding === undefined && !isAscii(bytes))
    tally.encoding = isUtf8(bytes) ? 'utf-8' : 'iso-8859-1';
  return tally.encoding === 'iso-8859-1' ? Buffer.from(WINDOWS_1252.decode(bytes), 'utf8') : bytes;
}

interface Callbacks extends Pick<Stager, 'take' | 'isKnown' | 'glance' | 'endGroup'> {
  /** After each chunk; the next is read when it resolves. */
  pause(): Promise<void>;
}

/** @throws {ImportRefusal} when the file as a whole cannot be trusted. */
export async function readDelimited(
  chunks: AsyncIterable<Buffer>,
  format: DelimitedFormat,
  limit: RejectionLimit,
  { take, pause, isKnown, glance, endGroup }: Callbacks,
): Promise<Tally> {
  const tally: Tally = {
    rowsRead: 0,
    rejected: 0,
    rejections: [],
    encoding: format.encoding === 'either' ? undefined : format.encoding,
  };
  let line = 0;
  let positions: number[] | undefined;
  let separators = 0;
  let lastWasShort = false;
  let layout: LinesDigest = '';
  /** Positions in the file. */
  let [key, firstShared, lastShared] = [0, 0, 0];
  /** The bytes of the block being read: faster to look at one by one than its text. */
  let codes: Uint8Array = new Uint8Array();
  const seenShared = format.groups ? createRecentlySeenBytes(SEEN_SHARED) : undefined;

  function reject(reason: string): void {
    tally.rejected += 1;
    if (tally.rejections.length < KEPT_REJECTIONS) tally.rejections.push({ line, reason });
    if ('count' in limit && tally.rejected > limit.count) throw tooMany(tally, limit);
  }

  const separator = format.separator.charCodeAt(0);
  /** Where each field of the line starts, and where its separator would be after the last. */
  const bounds = new Int32Array(MAX_FIELDS + 1);
  const fields: Bytes[] = new Array(format.columns.length).fill('');

  /** Reads `text` from `start` to `end`, the place of the line feed. */
  function readLine(text: Bytes, start: number, end: number): void {
    line += 1;
    let stop = end;
    if (stop > start && text.charCodeAt(stop - 1) === CR) stop -= 1;
    if (!positions) {
      const header = readHeader(text.slice(start, stop), format);
      positions = header.positions;
      separators = header.separators;
      if (format.groups) {
        const positionOf = (column: string) => header.positions[format.columns.indexOf(column)] as number;
        const shared = format.groups.shared.map(positionOf);
        key = positionOf(format.groups.key);
        [firstShared, lastShared] = [Math.min(...shared), Math.max(...shared)];
        layout = digestOf(`${format.groups.layout}\n${text.slice(start, stop)}`);
      }
      return;
    }
    if (stop === start) return;
    tally.rowsRead += 1;
    let found = 0;
    let nul = false;
    bounds[0] = start;
    const block = codes;
    for (let at = start; at < stop; at += 1) {
      const code = block[at];
      if (code === separator) {
        if (found < MAX_FIELDS - 1) found += 1;
        bounds[found] = at + 1;
      } else if (code === 0) nul = true;
    }
    bounds[found + 1] = stop + 1;
    lastWasShort = found < separators;
    if (found !== separators) {
      const ended = format.trailingSeparator ? 0 : 1;
      reject(`${found + ended} fields instead of ${separators + ended}`);
      return;
    }
    if (nul) {
      reject('a NUL character');
      return;
    }
    fillFields(text, positions);
    const reason = take(fields, isShared);
    if (reason !== undefined) reject(reason);
  }

  function fillFields(text: Bytes, from: readonly number[]): void {
    for (let rank = 0; rank < from.length; rank += 1) {
      const position = from[rank] as number;
      const start = position < 0 ? 0 : (bounds[position] as number);
      const end = position < 0 ? 0 : (bounds[position + 1] as number) - 1;
      fields[rank] = start === end ? '' : text.slice(start, end);
    }
  }

  /** Of the line whose bounds are known. */
  const isShared = (): boolean =>
    seenShared?.has(codes, bounds[firstShared] as number, bounds[lastShared + 1] as number) ?? false;

  /** A line that was read before, for what its shared columns tell. */
  function skipLine(text: Bytes, start: number, end: number): void {
    line += 1;
    tally.rowsRead += 1;
    let found = 0;
    bounds[0] = start;
    const block = codes;
    for (let at = start; at < end; at += 1) {
      if (block[at] !== separator) continue;
      found += 1;
      bounds[found] = at + 1;
      if (found > lastShared) break;
    }
    if (isShared()) return;
    fillFields(text, positions as readonly number[]);
    glance?.(fields);
  }

  function readLines(
    text: Bytes,
    from: number,
    to: number,
    read: (text: Bytes, start: number, end: number) => void,
  ): void {
    for (let start = from; start < to; ) {
      const found = text.indexOf('\n', start);
      const end = found < 0 ? text.length : found;
      read(text, start, end);
      start = end + 1;
    }
  }

  /** Where the key of the line begins and ends, in `bounds`. */
  function findKey(start: number, end: number): void {
    const block = codes;
    let at = start;
    for (let passed = 0; passed < key && at < end; at += 1) {
      if (block[at] === separator) passed += 1;
    }
    bounds[0] = at;
    while (at < end && block[at] !== separator) at += 1;
    bounds[1] = at;
  }

  function readGroup(block: Buffer, text: Bytes, from: number, to: number, of: Bytes): void {
    const digest = mixed(digestOf(block.subarray(from, to)), layout);
    if (isKnown?.(digest, of)) {
      readLines(text, from, to, skipLine);
      lastWasShort = false;
      return;
    }
    const before = tally.rejected;
    readLines(text, from, to, readLine);
    endGroup?.(tally.rejected === before ? digest : undefined);
  }

  /** @returns how much was read: the last group may go on in the next block, unless this is the last one. */
  function readGroups(block: Buffer, text: Bytes, isLast: boolean): number {
    let start = 0;
    if (!positions) {
      const found = text.indexOf('\n');
      start = found < 0 ? text.length : found + 1;
      readLine(text, 0, found < 0 ? text.length : found);
    }
    let group = start;
    let of: Bytes | undefined;
    while (start < text.length) {
      const found = text.indexOf('\n', start);
      const end = found < 0 ? text.length : found;
      findKey(start, end);
      const [from, to] = [bounds[0] as number, bounds[1] as number];
      if (of === undefined || to - from !== of.length || !text.startsWith(of, from)) {
        if (of !== undefined) readGroup(block, text, group, start, of);
        group = start;
        of = text.slice(from, to);
      }
      start = end + 1;
    }
    if (of === undefined) return text.length;
    if (isLast) readGroup(block, text, group, text.length, of);
    else if (text.length - group > MAX_GROUP_BYTES) {
      readLines(text, group, text.length, readLine);
      endGroup?.(undefined);
    } else return group;
    return text.length;
  }

  /** @returns how many of the bytes were read. */
  function readBlock(bytes: Buffer, isLast: boolean): number {
    const block = toUtf8(bytes, tally);
    if (!isUtf8(block)) throw notUtf8(block, line);
    codes = block;
    const text = block.toString('latin1');
    if (format.groups) return readGroups(block, text, isLast);
    readLines(text, 0, text.length, readLine);
    return bytes.length;
  }

  let carried: Buffer[] = [];
  /** Of the line that is not whole yet. */
  let unfinishedBytes = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LF) + 1;
    if (end > 0) {
      const block = Buffer.concat([...carried, chunk.subarray(0, end)]);
      const done = readBlock(block, false);
      carried = done < block.length ? [block.subarray(done)] : [];
      unfinishedBytes = 0;
    }
    if (end < chunk.length) carried.push(chunk.subarray(end));
    unfinishedBytes += chunk.length - end;
    if (unfinishedBytes > MAX_LINE_BYTES) {
      throw new ImportRefusal(
        `line ${line + linesIn(Buffer.concat(carried))} is longer than any line of this register; nothing changed`,
      );
    }
    await pause();
  }
  const unfinished = unfinishedBytes > 0;
  if (carried.length > 0) {
    const rest = Buffer.concat(carried);
    // A character cut in its middle is a cut, not another encoding.
    if (positions && tally.encoding === 'utf-8' && !isUtf8(rest)) throw cutShort(line + linesIn(rest));
    readBlock(rest, true);
  }

  if (!positions) throw new ImportRefusal('the file is empty; nothing changed');
  if (lastWasShort || (unfinished && !format.trailingSeparator)) throw cutShort(line);
  if (tally.rowsRead === 0) throw new ImportRefusal('the file holds a header and no line; nothing changed');
  if ('percent' in limit && tally.rejected > (tally.rowsRead * limit.percent) / 100) {
    throw tooMany(tally, limit);
  }
  return tally;
}

function readHeader(line: Bytes, format: DelimitedFormat): { positions: number[]; separators: number } {
  const text = line.startsWith(BYTE_ORDER_MARK) ? line.slice(BYTE_ORDER_MARK.length) : line;
  const names = text.split(format.separator).map((name) => name.trim());
  const given = new Map<Bytes, number>();
  for (const [position, name] of names.entries()) {
    if (name === '') continue;
    if (given.has(name)) throw new ImportRefusal(`the header names a column twice; nothing changed`);
    given.set(name, position);
  }
  const positions = format.columns.map((name) => given.get(bytesOf(name)) ?? -1);
  const optional = new Set(format.optional);
  const missing = format.columns.filter(
    (name, rank) => (positions[rank] as number) < 0 && !optional.has(name),
  );
  if (missing.length > 0 && missing.length > (format.columns.length - optional.size) / 2) {
    throw new ImportRefusal(
      `this is not the expected file: its first line lacks ${missing.length} of the ${format.columns.length} columns, « ${missing[0]} » first; nothing changed`,
    );
  }
  if (missing.length > 0) {
    const list = missing.map((name) => `« ${name} »`).join(', ');
    throw new ImportRefusal(`missing column${missing.length > 1 ? 's' : ''}: ${list}; nothing changed`);
  }
  const ended = names.at(-1) === '';
  // A header without its last separator still announces as many fields.
  return { positions, separators: names.length - 1 + (format.trailingSeparator && !ended ? 1 : 0) };
}

function linesIn(bytes: Buffer): number {
  let count = 1;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

const cutShort = (line: number) =>
  new ImportRefusal(`the file is cut short: line ${line}, its last, is not whole; nothing changed`);

function tooMany({ rejected, rowsRead, rejections }: Tally, limit: RejectionLimit): ImportRefusal {
  const allowed = 'count' in limit ? `${limit.count}` : `${limit.percent} %`;
  const [first] = rejections;
  const example = first ? ` (first: line ${first.line}, ${first.reason})` : '';
  return new ImportRefusal(
    `${rejected} of ${rowsRead} lines rejected, more than the ${allowed} allowed${example}; nothing changed`,
  );
}

/** @param linesBefore lines of the file before this block. */
function notUtf8(block: Buffer, linesBefore: number): ImportRefusal {
  let line = linesBefore;
  let start = 0;
  while (start < block.length) {
    const found = block.indexOf(LF, start);
    const end = found < 0 ? block.length : found + 1;
    line += 1;
    if (!isUtf8(block.subarray(start, end))) break;
    start = end;
  }
  return new ImportRefusal(`line ${line} is not UTF-8: the file has another encoding; nothing changed`);
}
