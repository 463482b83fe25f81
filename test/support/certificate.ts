/** An X.509 certificate that signs for itself, as an authenticator's would look (WebAuthn Level 3 §8.2.1). */
import { type KeyPairKeyObjectResult, sign } from 'node:crypto';

/** DER (ITU-T X.690). */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
}

const sequence = (...content: Buffer[]) => der(0x30, ...content);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const integer = (value: number) => der(0x02, Buffer.from([value]));

const NAME: [attribute: string, value: string][] = [
  ['550406', 'FR'],
  ['55040a', 'Example'],
  ['55040b', 'Authenticator Attestation'],
  ['550403', 'Example'],
];
const ECDSA_SHA256 = '2a8648ce3d040302';
const BASIC_CONSTRAINTS = '551d13';

/** @param keys P-256. */
export function createCertificate(keys: KeyPairKeyObjectResult): Buffer {
  const name = sequence(
    ...NAME.map(([attribute, value]) => der(0x31, sequence(oid(attribute), der(0x13, Buffer.from(value))))),
  );
  const algorithm = sequence(oid(ECDSA_SHA256));
  const time = (text: string) => der(0x17, Buffer.from(text));
  const toSign = sequence(
    der(0xa0, integer(2)),
    integer(1),
    algorithm,
    name,
    sequence(time('200101000000Z'), time('491231235959Z')),
    name,
    keys.publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(sequence(oid(BASIC_CONSTRAINTS), der(0x04, sequence())))),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toSign, keys.privateKey));
  return sequence(toSign, algorithm, signature);
}
