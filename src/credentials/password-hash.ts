import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';

/** UTF-8 bytes after NFC: twice what the longest password of the policy can take. */
const MAX_PASSWORD_BYTES = 1024;
/** UTF-16 units before NFC: normalisation is not run on more. */
const MAX_INPUT_LENGTH = 4096;
/** Lanes of one hash: one, since as many hashes as processors run side by side already. */
const PARALLELISM = 1;
/** Bounds on the parameters of a stored hash, so that a forged row cannot take the machine's memory. */
const MAX_STORED = { m: 1_048_576, t: 64, p: 64 };

export type PasswordHasher = {
  /** PHC string of `password`; throws `PasswordTooLongError` or `HashQueueFullError`. */
  hash(password: string): Promise<string>;
  /**
   * Whether `password` is the one of `phc`. Without a PHC string, or with a malformed one, the same work is done
   * against a dummy and the answer is false. Throws `HashQueueFullError`.
   */
  verify(phc: string | undefined, password: string): Promise<boolean>;
  /** Whether `phc` was made with other parameters than today's, or cannot be read. */
  needsRehash(phc: string): boolean;
};

/** All slots are taken and the queue is full: answer 503 with `Retry-After` (RFC 9110 §10.2.3). */
export class HashQueueFullError extends Error {
  override name = 'HashQueueFullError';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('too many passwords are waiting to be hashed');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The password exceeds 1024 bytes of UTF-8 and was not hashed. */
export class PasswordTooLongError extends Error {
  override name = 'PasswordTooLongError';

  constructor() {
    super(`a password of more than ${MAX_PASSWORD_BYTES} bytes is not hashed`);
  }
}

/**
 * Hashes and verifies passwords with argon2id version 1.3 (RFC 9106) after NFC (NIST SP 800-63B-4 §3.1.1.2).
 *
 * `memoryKiB` and `timeCost` default to the least OWASP recommends (19 MiB, 2 passes, 1 lane). At most
 * `concurrency` hashes run at once, that is `concurrency × memoryKiB` of memory, and at most `queueLimit` wait.
 * Hashing runs on libuv's thread pool (`UV_THREADPOOL_SIZE`, 4 by default), which `concurrency` should not exceed.
 */
export function createPasswordHasher({
  memoryKiB = 19_456,
  timeCost = 2,
  concurrency,
  queueLimit,
}: {
  memoryKiB?: number;
  timeCost?: number;
  concurrency: number;
  queueLimit: number;
}): PasswordHasher {
  const inTurn = createGate(concurrency, queueLimit);
  const parameters = {
    type: argon2.argon2id,
    memoryCost: memoryKiB,
    timeCost,
    parallelism: PARALLELISM,
  } as const;
  // A random tag: no password leads to it, and verifying against it costs what a real hash costs.
  const dummy =
    `$argon2id$v=19$m=${memoryKiB},t=${timeCost},p=${PARALLELISM}` +
    `$${unpaddedBase64(randomBytes(16))}$${unpaddedBase64(randomBytes(32))}`;

  const isOutdated = (phc: string): boolean => {
    const stored = readParameters(phc);
    return (
      stored === undefined || stored.m !== memoryKiB || stored.t !== timeCost || stored.p !== PARALLELISM
    );
  };

  return {
    async hash(password) {
      const bytes = toBytes(password);
      if (bytes === undefined) throw new PasswordTooLongError();
      return inTurn(() => argon2.hash(bytes, parameters));
    },

    async verify(phc, password) {
      // Refused for known and unknown people alike, so the missing work tells nothing about the account.
      const bytes = toBytes(password);
      if (bytes === undefined) return false;
      const stored = phc !== undefined && readParameters(phc) !== undefined ? phc : dummy;
      return inTurn(async () => {
        const matches = await argon2.verify(stored, bytes);
        // A hash made with other parameters takes another time, which would tell that there is an account.
        if (!matches && stored !== dummy && isOutdated(stored)) await argon2.verify(dummy, bytes);
        return matches && stored !== dummy;
      });
    },

    needsRehash: isOutdated,
  };
}

/** The bytes argon2 takes, or undefined when they are too many. */
function toBytes(password: string): Buffer | undefined {
  if (password.length > MAX_INPUT_LENGTH) return undefined;
  const bytes = Buffer.from(password.normalize('NFC'), 'utf8');
  return bytes.length > MAX_PASSWORD_BYTES ? undefined : bytes;
}

const PHC =
  /^\$argon2id\$v=19\$([mtp]=\d{1,7},[mtp]=\d{1,7},[mtp]=\d{1,7})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** The parameters of an argon2id PHC string, in whichever order they are written; undefined when malformed. */
function readParameters(phc: string): { m: number; t: number; p: number } | undefined {
  const written = PHC.exec(phc)?.[1];
  if (written === undefined) return undefined;
  const read = new Map(written.split(',').map((pair) => [pair.slice(0, 1), Number(pair.slice(2))]));
  const { m, t, p } = { m: read.get('m') ?? 0, t: read.get('t') ?? 0, p: read.get('p') ?? 0 };
  const usable =
    p >= 1 && p <= MAX_STORED.p && t >= 1 && t <= MAX_STORED.t && m >= 8 * p && m <= MAX_STORED.m;
  return usable ? { m, t, p } : undefined;
}

function unpaddedBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** Runs at most `concurrency` tasks at once, in order of arrival, and keeps at most `queueLimit` waiting. */
function createGate(concurrency: number, queueLimit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  let lastSeconds = 0.025;

  return async (task) => {
    if (running >= concurrency) {
      if (waiting.length >= queueLimit) {
        throw new HashQueueFullError(Math.max(1, Math.ceil((queueLimit / concurrency) * lastSeconds)));
      }
      // The slot passes from hand to hand: `running` does not change, so a newcomer cannot take it meanwhile.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running++;
    }
    const start = performance.now();
    try {
      return await task();
    } finally {
      lastSeconds = (performance.now() - start) / 1000;
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
