/**
 * Keys derived from the master keys of the settings, one per use (HKDF, RFC 5869), so that no two uses share a key.
 * The first master key seals and signs; all of them open and verify.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;

export class UnsealError extends Error {
  override name = 'UnsealError';
}

interface SealingKey {
  readonly id: Buffer;
  readonly key: KeyObject;
}

export interface Keyring {
  /** AES-256-GCM; `place` (table and row) is authenticated, so a sealed value moved elsewhere does not open. */
  seal(place: string, plain: string): Buffer;
  /** @throws {UnsealError} when the value was changed, moved, or sealed by a key that is no longer here. */
  unseal(place: string, sealed: Uint8Array): string;
  /** Keyed digest for look-ups by a value that must not be stored (32 bytes). */
  lookupHash(purpose: string, value: string): Buffer;
  /** Hex MAC of `value` for `purpose` under the first key. */
  mac(purpose: string, value: string): string;
  /** Constant-time check of a hex MAC against every key. */
  verifyMac(purpose: string, value: string, mac: string): boolean;
  /** Keys of the engine's cookies, newest first, in base64url. */
  readonly cookieKeys: readonly string[];
}

const derive = (master: Buffer, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `caducee/${use}`, 32));

/** Imported once: Node takes longer to import a key that comes as bytes than to use it. */
const deriveKey = (master: Buffer, use: string): KeyObject => createSecretKey(derive(master, use));

/** @param masters 32-byte keys, newest first. The oldest one keys the look-ups, which cannot be re-keyed by reading. */
export function createKeyring(masters: readonly Buffer[]): Keyring {
  const newest = masters[0];
  const oldest = masters.at(-1);
  if (!newest || !oldest) throw new Error('a keyring needs at least one master key');

  const sealing: SealingKey[] = masters.map((master) => ({
    id: derive(master, 'key-id').subarray(0, KEY_ID_BYTES),
    key: deriveKey(master, 'seal'),
  }));
  const first = sealing[0] as SealingKey;
  const macKeys = masters.map((master) => deriveKey(master, 'mac'));
  const lookupKey = deriveKey(oldest, 'lookup');

  const macWith = (key: KeyObject, purpose: string, value: string): Buffer =>
    createHmac('sha256', key).update(`${purpose}\0${value}`).digest();

  return {
    seal(place, plain) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce).setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([first.id, nonce, body, cipher.getAuthTag()]);
    },
    unseal(place, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const key = sealing.find((candidate) => candidate.id.equals(bytes.subarray(0, KEY_ID_BYTES)))?.key;
      if (!key) throw new UnsealError(`no key opens ${place}`);
      const nonce = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES);
      const body = bytes.subarray(KEY_ID_BYTES + NONCE_BYTES, bytes.length - TAG_BYTES);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce)
          .setAAD(Buffer.from(place))
          .setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
        return decipher.update(body, undefined, 'utf8') + decipher.final('utf8');
      } catch (cause) {
        throw new UnsealError(`sealed value refused in ${place}`, { cause });
      }
    },
    lookupHash: (purpose, value) => macWith(lookupKey, purpose, value),
    mac: (purpose, value) => macWith(macKeys[0] as KeyObject, purpose, value).toString('hex'),
    verifyMac(purpose, value, mac) {
      const given = Buffer.from(mac, 'hex');
      return macKeys.some((key) => {
        const expected = macWith(key, purpose, value);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },
    cookieKeys: masters.map((master) => derive(master, 'cookie').toString('base64url')),
  };
}
