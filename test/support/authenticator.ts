/** An authenticator made of nothing but node:crypto (WebAuthn Level 3 §6), which also lies when it is told to. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Page } from './visitor.ts';

type Cbor = number | string | Buffer | Map<Cbor, Cbor>;

/** The few of RFC 8949 that a passkey needs. */
function cbor(value: Cbor): Buffer {
  const head = (major: number, length: number): Buffer => {
    if (length < 24) return Buffer.from([(major << 5) | length]);
    if (length < 256) return Buffer.from([(major << 5) | 24, length]);
    return Buffer.from([(major << 5) | 25, length >> 8, length & 0xff]);
  };
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, one]) => [cbor(key), cbor(one)])]);
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
const base64url = (data: string | Buffer): string => Buffer.from(data).toString('base64url');

const PRESENT = 0x01;
const VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

/** What a lying authenticator, or page, changes. */
export interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly isPresent?: boolean;
  readonly isVerified?: boolean;
  readonly count?: number;
  readonly userHandle?: string | undefined;
  readonly id?: Buffer;
  /** Signs with this key instead. */
  readonly key?: KeyObject;
}

interface Options {
  readonly challenge: string;
  readonly user?: { readonly id: string };
}

export class Authenticator {
  readonly id: Buffer = randomBytes(32);
  readonly #origin: string;
  readonly #rpId: string;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  #count = 0;
  #userHandle = '';

  constructor(issuer: string) {
    this.#origin = issuer;
    this.#rpId = new URL(issuer).hostname;
  }

  #clientData(type: string, challenge: string, lies: Lies): string {
    return JSON.stringify({
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? this.#origin,
      crossOrigin: false,
    });
  }

  #authenticatorData(
    { rpId = this.#rpId, isPresent = true, isVerified = true, count }: Lies,
    more = 0,
  ): Buffer {
    const flags = (isPresent ? PRESENT : 0) | (isVerified ? VERIFIED : 0) | more;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(count ?? ++this.#count);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter]);
  }

  /** @returns the JSON that a browser would send for navigator.credentials.create(). */
  create({ challenge, user }: Options, lies: Lies = {}): string {
    this.#userHandle = user?.id ?? '';
    const { x = '', y = '' } = this.#keys.publicKey.export({ format: 'jwk' });
    const key = new Map<Cbor, Cbor>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ]);
    const length = Buffer.from([0, this.id.length]);
    const authData = Buffer.concat([
      this.#authenticatorData(lies, HAS_CREDENTIAL),
      Buffer.alloc(16),
      length,
      this.id,
      cbor(key),
    ]);
    const attestation = new Map<Cbor, Cbor>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', authData],
    ]);
    return JSON.stringify({
      id: base64url(this.id),
      rawId: base64url(this.id),
      type: 'public-key',
      response: {
        clientDataJSON: base64url(this.#clientData('webauthn.create', challenge, lies)),
        attestationObject: base64url(cbor(attestation)),
        transports: ['internal'],
      },
      clientExtensionResults: {},
    });
  }

  /** @returns the JSON that a browser would send for navigator.credentials.get(). */
  get({ challenge }: Options, lies: Lies = {}): string {
    const clientData = this.#clientData('webauthn.get', challenge, lies);
    const authenticatorData = this.#authenticatorData(lies);
    const signed = Buffer.concat([authenticatorData, sha256(clientData)]);
    const id = base64url(lies.id ?? this.id);
    return JSON.stringify({
      id,
      rawId: id,
      type: 'public-key',
      response: {
        clientDataJSON: base64url(clientData),
        authenticatorData: base64url(authenticatorData),
        signature: base64url(sign('sha256', signed, lies.key ?? this.#keys.privateKey)),
        userHandle: 'userHandle' in lies ? lies.userHandle : this.#userHandle,
      },
      clientExtensionResults: {},
    });
  }
}

/** What a page hands to the browser for a passkey. */
export function passkeyOptionsOf(page: Page): { challenge: string; user: { id: string } } {
  const found = /data-options="([^"]*)"/.exec(page.text)?.[1];
  if (!found) throw new Error(`no passkey is asked for on ${page.url} (${page.status})`);
  return JSON.parse(found.replaceAll('&quot;', '"'));
}
