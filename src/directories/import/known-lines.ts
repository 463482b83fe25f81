/** Which groups of lines an import read before: a group told by its digest needs no second reading. */
import { hash } from 'node:crypto';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';

const WORDS = 4;
const UUID_BYTES = 16;
const SLOT_BYTES = UUID_BYTES + 1;
/** Seventy mebibytes, for three million digests. */
const MAX_SLOTS = 1 << 22;
const MAX_LOAD = 0.75;

/** Header of COPY in binary format, with flags and extension, and what stands before a tuple's only value. */
const COPY_HEADER_BYTES = 19;
const TUPLE_BYTES = 2 + 4;

/** The first 128 bits of a SHA-256, as text of one character a byte. */
export type LinesDigest = string;

export const digestOf = (bytes: Uint8Array | string): LinesDigest =>
  hash('sha256', bytes, 'binary').slice(0, UUID_BYTES);

/** A digest that depends on both. */
export function mixed(one: LinesDigest, other: LinesDigest): LinesDigest {
  const codes = new Array<number>(UUID_BYTES);
  for (let at = 0; at < UUID_BYTES; at += 1) codes[at] = one.charCodeAt(at) ^ other.charCodeAt(at);
  return String.fromCharCode(...codes);
}

/** As PostgreSQL reads a uuid. */
export const uuidOf = (digest: LinesDigest): string => Buffer.from(digest, 'latin1').toString('hex');

const wordOf = (digest: LinesDigest, rank: number): number =>
  (digest.charCodeAt(rank * 4) << 24) |
  (digest.charCodeAt(rank * 4 + 1) << 16) |
  (digest.charCodeAt(rank * 4 + 2) << 8) |
  digest.charCodeAt(rank * 4 + 3);

/** Memory for so many digests, or for as many as the ceiling allows. */
export function knownLinesMemory(count: number): Int32Array<SharedArrayBuffer> {
  let slots = 1 << 10;
  while (slots < MAX_SLOTS && slots * MAX_LOAD < count) slots *= 2;
  return new Int32Array(new SharedArrayBuffer(slots * SLOT_BYTES));
}

/** A set of digests in a place of memory that has a ceiling. */
export class KnownLines {
  readonly memory: Int32Array<SharedArrayBuffer>;
  readonly #words: Int32Array;
  /** 0 free, 1 known, 2 met in this file. */
  readonly #states: Uint8Array;
  readonly #mask: number;
  #size = 0;

  /** @param memory new, or filled by another thread. */
  constructor(memory: Int32Array<SharedArrayBuffer>) {
    const slots = memory.byteLength / SLOT_BYTES;
    this.memory = memory;
    this.#words = memory.subarray(0, slots * WORDS);
    this.#states = new Uint8Array(memory.buffer, slots * WORDS * 4);
    this.#mask = slots - 1;
  }

  /** How many were added here. */
  get size(): number {
    return this.#size;
  }

  add(bytes: Buffer, offset: number): void {
    let slot = bytes.readInt32BE(offset) & this.#mask;
    while (this.#states[slot] !== 0) slot = (slot + 1) & this.#mask;
    for (let rank = 0; rank < WORDS; rank += 1) {
      this.#words[slot * WORDS + rank] = bytes.readInt32BE(offset + rank * 4);
    }
    this.#states[slot] = 1;
    this.#size += 1;
  }

  #find(digest: LinesDigest): number {
    const words = this.#words;
    const [a, b, c, d] = [wordOf(digest, 0), wordOf(digest, 1), wordOf(digest, 2), wordOf(digest, 3)];
    for (let slot = a & this.#mask; this.#states[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return slot;
    }
    return -1;
  }

  has(digest: LinesDigest): boolean {
    return this.#find(digest) >= 0;
  }

  /** Notes that a known digest was met. */
  meet(digest: LinesDigest): void {
    const slot = this.#find(digest);
    if (slot >= 0) this.#states[slot] = 2;
  }

  /** The known digests that were not met, as PostgreSQL reads a uuid. */
  *unmet(): Generator<string> {
    const bytes = Buffer.alloc(UUID_BYTES);
    for (let slot = 0; slot < this.#states.length; slot += 1) {
      if (this.#states[slot] !== 1) continue;
      for (let rank = 0; rank < WORDS; rank += 1) {
        bytes.writeInt32BE(this.#words[slot * WORDS + rank] as number, rank * 4);
      }
      yield bytes.toString('hex');
    }
  }
}

/**
 * @param select the digests, one uuid column without NULL.
 * @param count how many there are; none is known when they are more than the ceiling allows.
 */
export async function loadKnownLines(
  client: pg.ClientBase,
  select: string,
  count: number,
): Promise<KnownLines> {
  const fits = count <= MAX_SLOTS * MAX_LOAD;
  const known = new KnownLines(knownLinesMemory(fits ? count : 0));
  if (count === 0 || !fits) return known;
  const stream = client.query(copyTo(`COPY (${select}) TO STDOUT (FORMAT binary)`));
  let rest: Buffer = Buffer.alloc(0);
  let skip = COPY_HEADER_BYTES;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    if (skip > 0) {
      if (bytes.length < skip) {
        rest = bytes;
        continue;
      }
      at = skip;
      skip = 0;
    }
    // The trailer is shorter than a tuple.
    for (; at + TUPLE_BYTES + UUID_BYTES <= bytes.length; at += TUPLE_BYTES + UUID_BYTES) {
      known.add(bytes, at + TUPLE_BYTES);
    }
    rest = bytes.subarray(at);
  }
  return known;
}
