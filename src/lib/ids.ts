/** Identifiers and secrets from the system's random source. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** URL-safe text of `bytes` random bytes; 32 bytes are 256 bits in 43 characters. */
export const randomToken = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** Opaque identifier of a row; never used as a secret (RFC 9562). */
export const newId = (): string => randomUUID();

/**
 * Identifiers for many rows at once, each after the one before (RFC 9562, version 7): an index takes them in far faster
 * than any other order.
 */
export function orderedIds(now: Date): () => string {
  let count = now.getTime() * COUNTED;
  return () => {
    count += 1;
    const time = Math.floor(count / COUNTED)
      .toString(16)
      .padStart(12, '0');
    const rank = (count % COUNTED).toString(16).padStart(3, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${rank}${randomUUID().slice(18)}`;
  };
}

/** Identifiers in a millisecond. */
const COUNTED = 1 << 12;

/** A uniformly drawn code of `digits` decimal digits, leading zeros kept. */
export const randomDigits = (digits: number): string =>
  String(randomInt(0, 10 ** digits)).padStart(digits, '0');

/** Whether a text sent by a browser can be an identifier of `newId` at all; PostgreSQL would fail on another. */
export const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
