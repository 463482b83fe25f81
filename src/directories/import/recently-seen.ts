/** Remembers what passed lately, in a fixed place of memory: most repetitions are told, never a new thing as repeated. */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const MIX_PRIME = 0x85ebca6b;

export interface RecentlySeen {
  /** Whether `text` passed before; remembers it. */
  has(text: string): boolean;
  /** The same for a part of it. */
  hasPart(text: string, from: number, to: number): boolean;
}

export interface RecentlySeenBytes {
  /** Whether these bytes passed before; remembers them. */
  has(bytes: Uint8Array, from: number, to: number): boolean;
}

/** Whether this pair of hashes passed before; remembers it. */
function createPairs(memory: Int32Array): (one: number, other: number) => boolean {
  const last = memory.length / 2 - 1;
  return (one, other) => {
    const a = one;
    const b = other | 1;
    const slot = ((a ^ (a >>> 15)) & last) * 2;
    // Two threads at one slot at once may both find a thing new, and never take a new one for another.
    if (memory[slot] === a && memory[slot + 1] === b) return true;
    memory[slot] = a;
    memory[slot + 1] = b;
    return false;
  };
}

/** Memory for so many things, a power of two; each takes eight bytes. Threads may have it in common. */
export const recentlySeenMemory = (slots: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(slots * 8));

export function createRecentlySeen(memory: Int32Array): RecentlySeen {
  // Two independent 32-bit hashes stand for the text: alike by chance once in 2^64.
  const passed = createPairs(memory);
  function hasPart(text: string, from: number, to: number): boolean {
    let a = FNV_OFFSET;
    let b = FNV_OFFSET ^ (to - from);
    for (let rank = from; rank < to; rank += 1) {
      const code = text.charCodeAt(rank);
      a = Math.imul(a ^ code, FNV_PRIME);
      b = Math.imul(b ^ code, MIX_PRIME) + 1;
      b ^= b >>> 13;
    }
    return passed(a, b);
  }
  return { has: (text) => hasPart(text, 0, text.length), hasPart };
}

/** The same for bytes. */
export function createRecentlySeenBytes(memory: Int32Array): RecentlySeenBytes {
  const passed = createPairs(memory);
  return {
    has(bytes, from, to) {
      let a = FNV_OFFSET;
      let b = FNV_OFFSET ^ (to - from);
      // Four bytes a step, then the three last ones or fewer.
      for (let at = from; at < to; at += 4) {
        let code = bytes[at] as number;
        if (at + 1 < to) code |= (bytes[at + 1] as number) << 8;
        if (at + 2 < to) code |= (bytes[at + 2] as number) << 16;
        if (at + 3 < to) code |= (bytes[at + 3] as number) << 24;
        a = Math.imul(a ^ code, FNV_PRIME);
        a ^= a >>> 15;
        b = Math.imul(b ^ code, MIX_PRIME) + 1;
        b ^= b >>> 13;
      }
      return passed(a, b);
    },
  };
}

export interface PerhapsSeen {
  /** False when `text` surely never passed before; remembers it. */
  has(text: string): boolean;
}

/** Memory of {@link createPerhapsSeen}. @param words a power of two; four bytes each. */
export const perhapsSeenMemory = (words: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(words * 4));

/** A Bloom filter whose four bits for a text are in one word: of two threads that meet a text at once, one is told. */
export function createPerhapsSeen(memory: Int32Array): PerhapsSeen {
  const last = memory.length - 1;
  return {
    has(text) {
      let a = FNV_OFFSET;
      let b = FNV_OFFSET;
      for (let rank = 0; rank < text.length; rank += 1) {
        a = Math.imul(a ^ text.charCodeAt(rank), FNV_PRIME);
        b = Math.imul(b + text.charCodeAt(rank), MIX_PRIME);
        b ^= b >>> 13;
      }
      const bits = b ^ (b >>> 16);
      const mask = (1 << bits) | (1 << (bits >>> 5)) | (1 << (bits >>> 10)) | (1 << (bits >>> 15));
      return (Atomics.or(memory, (a ^ (a >>> 15)) & last, mask) & mask) === mask;
    },
  };
}
