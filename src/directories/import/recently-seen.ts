/** Remembers what passed lately, in a fixed place of memory: most repetitions are told, never a new thing as repeated. */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const MIX_PRIME = 0x85ebca6b;

export interface RecentlySeen {
  /** Whether `text` passed before; remembers it. */
  has(text: string): boolean;
}

export interface RecentlySeenBytes {
  /** Whether these bytes passed before; remembers them. */
  has(bytes: Uint8Array, from: number, to: number): boolean;
}

/** Whether this pair of hashes passed before; remembers it. */
function createPairs(slots: number): (one: number, other: number) => boolean {
  const first = new Int32Array(slots);
  const second = new Int32Array(slots);
  return (one, other) => {
    const a = one;
    const b = other | 1;
    const slot = (a ^ (a >>> 15)) & (slots - 1);
    if (first[slot] === a && second[slot] === b) return true;
    first[slot] = a;
    second[slot] = b;
    return false;
  };
}

/** @param slots a power of two; each takes eight bytes. */
export function createRecentlySeen(slots: number): RecentlySeen {
  // Two independent 32-bit hashes stand for the text: alike by chance once in 2^64.
  const passed = createPairs(slots);
  return {
    has(text) {
      let a = FNV_OFFSET;
      let b = FNV_OFFSET ^ text.length;
      for (let rank = 0; rank < text.length; rank += 1) {
        const code = text.charCodeAt(rank);
        a = Math.imul(a ^ code, FNV_PRIME);
        b = Math.imul(b ^ code, MIX_PRIME) + 1;
        b ^= b >>> 13;
      }
      return passed(a, b);
    },
  };
}

/** The same for bytes. @param slots a power of two; each takes eight bytes. */
export function createRecentlySeenBytes(slots: number): RecentlySeenBytes {
  const passed = createPairs(slots);
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

/** A Bloom filter of two hashes. @param bits a power of two. */
export function createPerhapsSeen(bits: number): PerhapsSeen {
  const words = new Int32Array(bits / 32);
  const take = (hash: number): boolean => {
    const bit = hash & (bits - 1);
    const mask = 1 << (bit & 31);
    const word = words[bit >>> 5] as number;
    words[bit >>> 5] = word | mask;
    return (word & mask) !== 0;
  };
  return {
    has(text) {
      let a = FNV_OFFSET;
      let b = FNV_OFFSET;
      for (let rank = 0; rank < text.length; rank += 1) {
        a = Math.imul(a ^ text.charCodeAt(rank), FNV_PRIME);
        b = Math.imul(b + text.charCodeAt(rank), MIX_PRIME);
        b ^= b >>> 13;
      }
      const first = take(a ^ (a >>> 15));
      return take(b ^ (b >>> 16)) && first;
    },
  };
}
