/** Reads a delimited file: encoding, header by name, lines that do not fit, and where it was cut. */
import { isAscii, isUtf8 } from 'node:buffer';
import { type BlockReader, type BlockTally, createBlockReader, KEPT_REJECTIONS } from './block-reader.ts';
import { blocksOf, EndlessLine, linesIn } from './blocks.ts';
import { ImportRefusal } from './failures.ts';
import { type Header, readHeader } from './header.ts';
import type { DelimitedFormat, Encoding, Rejection, RejectionLimit, Stager } from './types.ts';

const LF = 10;

interface Tally {
  rowsRead: number;
  rejected: number;
  readonly rejections: Rejection[];
  /** Undefined while nothing but ASCII was read. */
  encoding: Encoding | undefined;
}

/** Reads the blocks of a file. */
export interface Reading {
  /** Blocks that may be under way at a time. */
  readonly blocksAtOnce: number;
  /** @param bytes given away. */
  read(bytes: Buffer<ArrayBuffer>): Promise<BlockTally> | BlockTally;
}

/**
 * @param open called once, with the header.
 * @throws {ImportRefusal} when the file as a whole cannot be trusted.
 */
export async function readDelimited(
  chunks: AsyncIterable<Buffer>,
  format: DelimitedFormat,
  limit: RejectionLimit,
  open: (header: Header) => Reading,
): Promise<Tally> {
  const tally: Tally = {
    rowsRead: 0,
    rejected: 0,
    rejections: [],
    encoding: format.encoding === 'either' ? undefined : format.encoding,
  };
  let header: Header | undefined;
  let reading: Reading | undefined;
  let lines = 0;
  let lastWasShort = false;
  const underWay: (Promise<BlockTally> | BlockTally)[] = [];

  /** Adds what comes next in the order of the file. */
  async function settle(atMost = 0): Promise<void> {
    while (underWay.length > atMost) {
      const block = await (underWay.shift() as (typeof underWay)[number]);
      if (block.notUtf8 !== undefined) throw notUtf8(lines + block.notUtf8);
      tally.rowsRead += block.rowsRead;
      tally.rejected += block.rejected;
      for (const { line, reason } of block.rejections) {
        if (tally.rejections.length < KEPT_REJECTIONS) tally.rejections.push({ line: lines + line, reason });
      }
      if ('count' in limit && tally.rejected > limit.count) throw tooMany(tally, limit);
      lines += block.lines;
      lastWasShort = block.lastWasShort ?? lastWasShort;
    }
  }

  function readFirstLine(bytes: Buffer): Header {
    const text = toUtf8(bytes, tally);
    if (!isUtf8(text)) throw notUtf8(1);
    const line = text.toString('latin1');
    header ??= readHeader(line.endsWith('\r') ? line.slice(0, -1) : line, format);
    return header;
  }

  const keyAtOf = (line: Buffer) => (format.groups ? readFirstLine(line).keyAt : undefined);
  let isUnfinished = false;
  try {
    for await (const block of blocksOf(chunks, format.separator, keyAtOf)) {
      let { bytes } = block;
      isUnfinished = block.isUnfinished;
      // A character cut in its middle is a cut, not another encoding.
      if (isUnfinished && reading && tally.encoding === 'utf-8' && !isUtf8(bytes)) {
        await settle();
        throw cutShort(lines + linesIn(bytes));
      }
      if (!reading) {
        const found = bytes.indexOf(LF);
        reading = open(readFirstLine(found < 0 ? bytes : bytes.subarray(0, found)));
        lines = 1;
        bytes = found < 0 ? Buffer.from(new ArrayBuffer(0)) : copyOf(bytes.subarray(found + 1));
      }
      underWay.push(reading.read(toUtf8(bytes, tally)));
      await settle(reading.blocksAtOnce - 1);
    }
  } catch (error) {
    await settle();
    if (!(error instanceof EndlessLine)) throw error;
    throw new ImportRefusal(
      `line ${lines + error.line} is longer than any line of this register; nothing changed`,
    );
  }
  await settle();
  if (!reading) throw new ImportRefusal('the file is empty; nothing changed');
  if (lastWasShort || (isUnfinished && !format.trailingSeparator)) throw cutShort(lines);
  if (tally.rowsRead === 0) throw new ImportRefusal('the file holds a header and no line; nothing changed');
  if ('percent' in limit && tally.rejected > (tally.rowsRead * limit.percent) / 100) {
    throw tooMany(tally, limit);
  }
  return tally;
}

/** Reads in this thread. @param ready resolves when what was read went on. */
export function readHere(
  format: DelimitedFormat,
  header: Header,
  stager: Stager,
  seen: Int32Array | undefined,
  ready: () => Promise<void>,
): Reading {
  const readBlock: BlockReader = createBlockReader(format, header, stager, seen);
  return {
    blocksAtOnce: 1,
    async read(bytes) {
      const tally = readBlock(bytes);
      await ready();
      return tally;
    },
  };
}

const WINDOWS_1252 = new TextDecoder('windows-1252');

/** The bytes in UTF-8, if they are of the encoding that `tally` knows or learns by them. */
function toUtf8(bytes: Buffer<ArrayBuffer>, tally: Tally): Buffer<ArrayBuffer>;
function toUtf8(bytes: Buffer, tally: Tally): Buffer;
function toUtf8(bytes: Buffer, tally: Tally): Buffer {
  // The letters of a French text in a one-byte encoding, each among ASCII ones, are never UTF-8.
  if (tally.encoding === undefined && !isAscii(bytes))
    tally.encoding = isUtf8(bytes) ? 'utf-8' : 'iso-8859-1';
  return tally.encoding === 'iso-8859-1' ? Buffer.from(WINDOWS_1252.decode(bytes), 'utf8') : bytes;
}

function copyOf(bytes: Buffer): Buffer<ArrayBuffer> {
  const copy = Buffer.from(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

const cutShort = (line: number) =>
  new ImportRefusal(`the file is cut short: line ${line}, its last, is not whole; nothing changed`);

const notUtf8 = (line: number) =>
  new ImportRefusal(`line ${line} is not UTF-8: the file has another encoding; nothing changed`);

function tooMany({ rejected, rowsRead, rejections }: Tally, limit: RejectionLimit): ImportRefusal {
  const what =
    'count' in limit
      ? `more lines rejected than the ${limit.count} allowed`
      : `${rejected} of ${rowsRead} lines rejected, more than the ${limit.percent} % allowed`;
  const [first] = rejections;
  const example = first ? ` (first: line ${first.line}, ${first.reason})` : '';
  return new ImportRefusal(`${what}${example}; nothing changed`);
}
