/** Reads a delimited file line by line: encoding, header by name, lines that do not fit, and where it was cut. */
import { isAscii, isUtf8 } from 'node:buffer';
import { ImportRefusal } from './failures.ts';
import {
  type Bytes,
  bytesOf,
  type DelimitedFormat,
  type Encoding,
  type Rejection,
  type RejectionLimit,
} from './types.ts';

/** A line longer than this is no line of a register, and would make memory grow with the file. */
const MAX_LINE_BYTES = 1 << 20;
const KEPT_REJECTIONS = 100;
const MAX_FIELDS = 512;
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

interface Callbacks {
  /** @param fields reused for the next line. @returns why the line is rejected, or undefined. */
  take(fields: readonly Bytes[]): string | undefined;
  /** After each chunk; the next is read when it resolves. */
  pause(): Promise<void>;
}

/** @throws {ImportRefusal} when the file as a whole cannot be trusted. */
export async function readDelimited(
  chunks: AsyncIterable<Buffer>,
  format: DelimitedFormat,
  limit: RejectionLimit,
  { take, pause }: Callbacks,
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
      return;
    }
    if (stop === start) return;
    tally.rowsRead += 1;
    let found = 0;
    let nul = false;
    bounds[0] = start;
    for (let at = start; at < stop; at += 1) {
      const code = text.charCodeAt(at);
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
    for (let rank = 0; rank < positions.length; rank += 1) {
      const position = positions[rank] as number;
      const from = position < 0 ? 0 : (bounds[position] as number);
      const to = position < 0 ? 0 : (bounds[position + 1] as number) - 1;
      fields[rank] = from === to ? '' : text.slice(from, to);
    }
    const reason = take(fields);
    if (reason !== undefined) reject(reason);
  }

  function readBlock(bytes: Buffer): void {
    const block = toUtf8(bytes, tally);
    if (!isUtf8(block)) throw notUtf8(block, line);
    const text = block.toString('latin1');
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      readLine(text, start, end);
      start = end + 1;
    }
    if (start < text.length) readLine(text, start, text.length);
  }

  let carried: Buffer[] = [];
  let carriedBytes = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LF) + 1;
    if (end > 0) {
      readBlock(Buffer.concat([...carried, chunk.subarray(0, end)]));
      carried = [];
      carriedBytes = 0;
    }
    if (end < chunk.length) carried.push(chunk.subarray(end));
    carriedBytes += chunk.length - end;
    if (carriedBytes > MAX_LINE_BYTES) {
      throw new ImportRefusal(`line ${line + 1} is longer than any line of this register; nothing changed`);
    }
    await pause();
  }
  const unfinished = carriedBytes > 0;
  if (unfinished) {
    const rest = Buffer.concat(carried);
    // A character cut in its middle is a cut, not another encoding.
    if (positions && tally.encoding === 'utf-8' && !isUtf8(rest)) throw cutShort(line + 1);
    readBlock(rest);
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
