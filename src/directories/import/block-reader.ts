/** Reads the lines of a block, one by one: fields by column, lines that do not fit, groups known from an earlier import. */
import { isUtf8 } from 'node:buffer';
import type { Header } from './header.ts';
import { digestOf, mixed } from './known-lines.ts';
import { createRecentlySeenBytes } from './recently-seen.ts';
import type { Bytes, DelimitedFormat, LineView, Rejection, Stager } from './types.ts';

export const KEPT_REJECTIONS = 100;
/** No field of a register is so long; one that is would not fit an index. */
const MAX_FIELD_BYTES = 300;
const MAX_FIELDS = 512;
const LF = 10;
const CR = 13;

/** Of one block; lines are counted from its first. */
export interface BlockTally {
  readonly lines: number;
  readonly rowsRead: number;
  readonly rejected: number;
  /** The first of them. */
  readonly rejections: readonly Rejection[];
  /** Undefined when no line tells. */
  readonly lastWasShort: boolean | undefined;
  /** The first line that is not UTF-8: nothing was read then. */
  readonly notUtf8: number | undefined;
}

export type BlockReader = (bytes: Buffer) => BlockTally;

/** @param seen memory of the shared columns, for groups; several readers may have the same. */
export function createBlockReader(
  format: DelimitedFormat,
  { positions, separators, keyAt, layout }: Header,
  { take, isKnown, glance, endGroup }: Stager,
  seen: Int32Array | undefined,
): BlockReader {
  let line = 0;
  let rowsRead = 0;
  let rejected = 0;
  let rejections: Rejection[] = [];
  let lastWasShort: boolean | undefined;
  /** The bytes of the block being read: faster to look at one by one than its text. */
  let codes: Uint8Array = new Uint8Array();
  let text: Bytes = '';

  const separator = format.separator.charCodeAt(0);
  /** Where each field of the line starts, and where its separator would be after the last. */
  const bounds = new Int32Array(MAX_FIELDS + 1);
  const fields: Bytes[] = new Array(format.columns.length).fill('');

  const { groups } = format;
  const ranksOf = (columns: readonly string[]) => columns.map((column) => format.columns.indexOf(column));
  const sharedAt = ranksOf(groups?.shared ?? []).map((rank) => positions[rank] as number);
  const [firstShared, lastShared] = [Math.min(...sharedAt), Math.max(...sharedAt)];
  const later = ranksOf(groups?.later ?? []);
  const all = format.columns.map((_, rank) => rank);
  const atOnce = all.filter((rank) => !later.includes(rank));
  const seenShared = seen && createRecentlySeenBytes(seen);

  const view: LineView = {
    isShared: () =>
      seenShared?.has(codes, bounds[firstShared] as number, bounds[lastShared + 1] as number) ?? false,
    readLater: () => fill(later),
  };

  function reject(reason: string): void {
    rejected += 1;
    if (rejections.length < KEPT_REJECTIONS) rejections.push({ line, reason });
  }

  /** @param start to `end`, the place of the line feed. */
  function readLine(start: number, end: number): void {
    line += 1;
    const stop = end > start && codes[end - 1] === CR ? end - 1 : end;
    if (stop === start) return;
    rowsRead += 1;
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
    const reason = refusal(found, nul, stop - start) ?? taken();
    if (reason !== undefined) reject(reason);
  }

  function refusal(found: number, nul: boolean, length: number): string | undefined {
    if (found !== separators) {
      const ended = format.trailingSeparator ? 0 : 1;
      return `${found + ended} fields instead of ${separators + ended}`;
    }
    if (nul) return 'a NUL character';
    if (length <= MAX_FIELD_BYTES) return undefined;
    for (let rank = 0; rank < positions.length; rank += 1) {
      const at = positions[rank] as number;
      if (at >= 0 && (bounds[at + 1] as number) - (bounds[at] as number) - 1 > MAX_FIELD_BYTES) {
        return `« ${format.columns[rank]} » is longer than ${MAX_FIELD_BYTES} bytes`;
      }
    }
    return undefined;
  }

  function taken(): string | undefined {
    fill(atOnce);
    return take(fields, view);
  }

  function fill(ranks: readonly number[]): void {
    for (let at = 0; at < ranks.length; at += 1) {
      const rank = ranks[at] as number;
      const position = positions[rank] as number;
      const start = position < 0 ? 0 : (bounds[position] as number);
      const end = position < 0 ? 0 : (bounds[position + 1] as number) - 1;
      fields[rank] = start === end ? '' : text.slice(start, end);
    }
  }

  /** A line that was read before, for what its shared columns tell. */
  function skipLine(start: number, end: number): void {
    line += 1;
    rowsRead += 1;
    let found = 0;
    bounds[0] = start;
    const block = codes;
    for (let at = start; at < end; at += 1) {
      if (block[at] !== separator) continue;
      found += 1;
      bounds[found] = at + 1;
      if (found > lastShared) break;
    }
    if (view.isShared()) return;
    fill(all);
    glance?.(fields);
  }

  function readLines(from: number, to: number, read: (start: number, end: number) => void): void {
    for (let start = from; start < to; ) {
      const found = text.indexOf('\n', start);
      const end = found < 0 ? text.length : found;
      read(start, end);
      start = end + 1;
    }
  }

  function readGroup(block: Buffer, from: number, to: number, of: Bytes): void {
    const digest = mixed(digestOf(block.subarray(from, to)), layout);
    if (isKnown?.(digest, of)) {
      readLines(from, to, skipLine);
      lastWasShort = false;
      return;
    }
    const before = rejected;
    readLines(from, to, readLine);
    endGroup?.(rejected === before ? digest : undefined);
  }

  function readGroups(block: Buffer): void {
    let group = 0;
    let of: Bytes | undefined;
    for (let start = 0; start < text.length; ) {
      const found = text.indexOf('\n', start);
      const end = found < 0 ? text.length : found;
      let from = start;
      for (let passed = 0; passed < keyAt && from < end; from += 1) {
        if (block[from] === separator) passed += 1;
      }
      let to = from;
      while (to < end && block[to] !== separator) to += 1;
      if (of === undefined || to - from !== of.length || !text.startsWith(of, from)) {
        if (of !== undefined) readGroup(block, group, start, of);
        group = start;
        of = text.slice(from, to);
      }
      start = end + 1;
    }
    if (of !== undefined) readGroup(block, group, text.length, of);
  }

  return (bytes) => {
    [line, rowsRead, rejected, rejections, lastWasShort] = [0, 0, 0, [], undefined];
    const notUtf8 = isUtf8(bytes) ? undefined : firstNotUtf8(bytes);
    if (notUtf8 === undefined) {
      codes = bytes;
      text = bytes.toString('latin1');
      if (groups) readGroups(bytes);
      else readLines(0, text.length, readLine);
    }
    return { lines: line, rowsRead, rejected, rejections, lastWasShort, notUtf8 };
  };
}

function firstNotUtf8(bytes: Buffer): number {
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LF, start);
    const end = found < 0 ? bytes.length : found + 1;
    line += 1;
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end;
  }
  return line;
}
