/** Cuts what is read into blocks of whole lines, which need no more than themselves to be understood. */

/** A line longer than this is no line of a register, and would make memory grow with the file. */
const MAX_LINE_BYTES = 1 << 20;
/** A group longer than this is cut. */
const MAX_GROUP_BYTES = 1 << 18;
const LF = 10;

export interface Block {
  /** Alone in its memory, which may be given away. */
  readonly bytes: Buffer<ArrayBuffer>;
  /** Whether the last line has no line feed: only in the last block. */
  readonly isUnfinished: boolean;
}

/** A line that is longer than any. */
export class EndlessLine extends Error {
  override readonly name = 'EndlessLine';
  /** Its place among the lines that follow the last block; 1 is the first. */
  readonly line: number;

  constructor(line: number) {
    super('a line without end');
    this.line = line;
  }
}

/** Lines of a block, a last one without line feed included. */
export function linesIn(bytes: Buffer): number {
  let count = bytes.length > 0 && bytes.at(-1) !== LF ? 1 : 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

/**
 * @param keyAtOf tells, by the first line, in which field neighbouring lines that belong together have the same key; they come in one
 * block, unless they are very many.
 * @throws {EndlessLine}
 */
export async function* blocksOf(
  chunks: AsyncIterable<Buffer>,
  separator: string,
  keyAtOf: (firstLine: Buffer) => number | undefined,
): AsyncGenerator<Block> {
  const code = separator.charCodeAt(0);
  let keyAt: number | undefined;
  let isFirst = true;
  let carried: Buffer[] = [];
  /** Of the line that is not whole yet. */
  let unfinishedBytes = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LF) + 1;
    if (end > 0) {
      const bytes = joined([...carried, chunk.subarray(0, end)]);
      if (isFirst) keyAt = keyAtOf(bytes.subarray(0, bytes.indexOf(LF)));
      const done = keyAt === undefined ? bytes.length : wholeGroups(bytes, code, keyAt, isFirst);
      carried = done < bytes.length ? [Buffer.from(bytes.subarray(done))] : [];
      if (done > 0) {
        isFirst = false;
        yield { bytes: bytes.subarray(0, done), isUnfinished: false };
      }
      unfinishedBytes = 0;
    }
    if (end < chunk.length) carried.push(chunk.subarray(end));
    unfinishedBytes += chunk.length - end;
    if (unfinishedBytes > MAX_LINE_BYTES) throw new EndlessLine(linesIn(joined(carried)));
  }
  if (carried.length > 0) yield { bytes: joined(carried), isUnfinished: unfinishedBytes > 0 };
}

function joined(parts: readonly Buffer[]): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(new ArrayBuffer(parts.reduce((length, part) => length + part.length, 0)));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @returns the length of what comes before the last group, which may go on; all when that is too long. */
function wholeGroups(bytes: Buffer, separator: number, keyAt: number, hasHeader: boolean): number {
  const key = (line: number): Buffer => {
    let from = line;
    for (let passed = 0; passed < keyAt && from < bytes.length; from += 1) {
      if (bytes[from] === separator) passed += 1;
      else if (bytes[from] === LF) return bytes.subarray(from, from);
    }
    let to = from;
    while (to < bytes.length && bytes[to] !== separator && bytes[to] !== LF) to += 1;
    return bytes.subarray(from, to);
  };
  const before = (line: number): number => (line > 1 ? bytes.lastIndexOf(LF, line - 2) + 1 : 0);
  const first = hasHeader ? bytes.indexOf(LF) + 1 : 0;
  let group = before(bytes.length);
  const last = key(group);
  while (group > first && key(before(group)).equals(last)) group = before(group);
  if (group < first) return 0;
  return bytes.length - group > MAX_GROUP_BYTES ? bytes.length : group;
}
