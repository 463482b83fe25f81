/** An authenticator made of nothing but node:crypto (WebAuthn Level 3 §6), which also lies when it is told to. */
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  sign,
} from 'node:crypto';
import type { Page } from './visitor.ts';

export type Cbor = number | string | Buffer | Map<Cbor, Cbor> | Cbor[];

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
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, one]) => [cbor(key), cbor(one)])]);
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
const base64url = (data: string | Buffer): string => Buffer.from(data).toString('base64url');

const PRESENT = 0x01;
const VERIFIED = 0x04;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const HAS_CREDENTIAL = 0x40;

/** What a lying authenticator, or page, changes. */
export interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  /** Whatever the page's answer holds as the challenge, of any type. */
  readonly challenge?: unknown;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  readonly isPresent?: boolean;
  readonly isVerified?: boolean;
  readonly isSynced?: boolean;
  readonly count?: number;
  readonly userHandle?: string | undefined;
  readonly id?: Buffer;
  readonly transports?: unknown;
  /** Signs with this key instead. */
  readonly key?: KeyObject;
  /** COSE name of the key's algorithm, whatever the key is. */
  readonly algorithm?: number;
  /** @param signed what an attestation signs. */
  readonly attestation?: (signed: Buffer) => { readonly fmt: string; readonly attStmt: Map<Cbor, Cbor> };
}

/** What authenticators in use sign with. */
const KINDS = {
  ES256: { generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), digest: 'sha256' },
  RS256: { generate: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), digest: 'sha256' },
  EdDSA: { generate: () => generateKeyPairSync('ed25519'), digest: undefined },
} as const;

type Kind = keyof typeof KINDS;

/** A public key as RFC 9053 writes it. */
function coseKey(kind: Kind, publicKey: KeyObject, algorithm?: number): Map<Cbor, Cbor> {
  const { x = '', y = '', n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  const entries: Record<Kind, [number, Cbor][]> = {
    ES256: [
      [1, 2],
      [3, algorithm ?? -7],
      [-1, 1],
      [-2, bytes(x)],
      [-3, bytes(y)],
    ],
    RS256: [
      [1, 3],
      [3, algorithm ?? -257],
      [-1, bytes(n)],
      [-2, bytes(e)],
    ],
    EdDSA: [
      [1, 1],
      [3, algorithm ?? -8],
      [-1, 6],
      [-2, bytes(x)],
    ],
  };
  return new Map(entries[kind]);
}

interface Options {
  readonly challenge: string;
  readonly user?: { readonly id: string };
}

export class Authenticator {
  readonly id: Buffer;
  readonly #origin: string;
  readonly #rpId: string;
  readonly #kind: Kind;
  readonly #keys: KeyPairKeyObjectResult;
  #count = 0;
  #userHandle = '';

  constructor(
    issuer: string,
    { kind = 'ES256', id = randomBytes(32) }: { kind?: Kind; id?: Buffer | undefined } = {},
  ) {
    this.id = id;
    this.#origin = issuer;
    this.#rpId = new URL(issuer).hostname;
    this.#kind = kind;
    this.#keys = KINDS[kind].generate();
  }

  /** What every account that it serves is called by: set by the last registration. */
  get userHandle(): string {
    return this.#userHandle;
  }

  #clientData(type: string, challenge: string, lies: Lies): string {
    return JSON.stringify({
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? this.#origin,
      crossOrigin: lies.crossOrigin ?? false,
      topOrigin: lies.topOrigin,
    });
  }

  #authenticatorData(
    { rpId = this.#rpId, isPresent = true, isVerified = true, isSynced = false, count }: Lies,
    more = 0,
  ): Buffer {
    const synced = isSynced ? BACKUP_ELIGIBLE | BACKED_UP : 0;
    const flags = (isPresent ? PRESENT : 0) | (isVerified ? VERIFIED : 0) | synced | more;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(count ?? ++this.#count);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter]);
  }

  /** A statement that this passkey signs itself. */
  selfAttestation = (signed: Buffer) => ({
    fmt: 'packed',
    attStmt: new Map<Cbor, Cbor>([
      ['alg', -7],
      ['sig', sign('sha256', signed, this.#keys.privateKey)],
    ]),
  });

  /** @returns the JSON that a browser would send for navigator.credentials.create(). */
  create({ challenge, user }: Options, lies: Lies = {}): string {
    this.#userHandle = user?.id ?? '';
    const key = coseKey(this.#kind, this.#keys.publicKey, lies.algorithm);
    const length = Buffer.from([this.id.length >> 8, this.id.length & 0xff]);
    const authData = Buffer.concat([
      this.#authenticatorData(lies, HAS_CREDENTIAL),
      Buffer.alloc(16),
      length,
      this.id,
      cbor(key),
    ]);
    const clientData = this.#clientData('webauthn.create', challenge, lies);
    const { fmt, attStmt } = lies.attestation?.(Buffer.concat([authData, sha256(clientData)])) ?? {
      fmt: 'none',
      attStmt: new Map(),
    };
    const attestation = new Map<Cbor, Cbor>([
      ['fmt', fmt],
      ['attStmt', attStmt],
      ['authData', authData],
    ]);
    return JSON.stringify({
      id: base64url(this.id),
      rawId: base64url(this.id),
      type: 'public-key',
      response: {
        clientDataJSON: base64url(clientData),
        attestationObject: base64url(cbor(attestation)),
        transports: 'transports' in lies ? lies.transports : ['internal'],
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
        signature: base64url(sign(KINDS[this.#kind].digest, signed, lies.key ?? this.#keys.privateKey)),
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
