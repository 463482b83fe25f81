/** The first line of a delimited file: where each column stands. */
import { ImportRefusal } from './failures.ts';
import { digestOf, type LinesDigest } from './known-lines.ts';
import { type Bytes, bytesOf, type DelimitedFormat } from './types.ts';

const BYTE_ORDER_MARK = bytesOf('\ufeff');

export interface Header {
  /** Of each column of the format; -1 for one that the file lacks. */
  readonly positions: readonly number[];
  /** In each line. */
  readonly separators: number;
  /** Of the groups, if the format has any. */
  readonly keyAt: number;
  /** Part of the digest of each group. */
  readonly layout: LinesDigest;
}

/** @throws {ImportRefusal} when this is not the expected file. */
export function readHeader(line: Bytes, format: DelimitedFormat): Header {
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
  const { groups } = format;
  return {
    positions,
    // A header without its last separator still announces as many fields.
    separators: names.length - 1 + (format.trailingSeparator && !ended ? 1 : 0),
    keyAt: groups ? (positions[format.columns.indexOf(groups.key)] as number) : -1,
    layout: groups ? digestOf(`${groups.layout}\n${line}`) : '',
  };
}
