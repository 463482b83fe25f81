/**
 * What a browser answers for a passkey, checked as WebAuthn Level 3 §7.1 and §7.2 say, up to the signature. Nothing here
 * knows whose a passkey is.
 */
import { generateKeyPairSync } from 'node:crypto';
import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  type VerifiedAuthenticationResponse,
  type VerifiedRegistrationResponse,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type WebAuthnCredential,
} from '@simplewebauthn/server';
import { decodeAttestationObject, decodeClientDataJSON, isoCBOR } from '@simplewebauthn/server/helpers';
import { z } from 'zod';
import type { Settings } from '../../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type Ceremony, isChallengeOf } from './passkey-challenges.ts';

/** EdDSA, ES256, RS256 (IANA COSE Algorithms): what authenticators in use do. */
export const ALGORITHMS = [-8, -7, -257];

/** WebAuthn Level 3 §7.1, step 25. */
const MAX_CREDENTIAL_ID_BYTES = 1_023;

/** A public key, as passkeys have, whose private key nobody has. */
export const DECOY_KEY: Uint8Array = createDecoyKey();

function createDecoyKey(): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const coordinate = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
  // kty EC2, alg ES256, crv P-256 (RFC 9053 §7.1.1).
  return isoCBOR.encode(
    new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, coordinate(x)],
      [-3, coordinate(y)],
    ]),
  );
}

export interface PasskeyDeps {
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly settings: Pick<Settings, 'ISSUER'>;
}

export const rpIdOf = ({ settings }: Pick<PasskeyDeps, 'settings'>): string =>
  new URL(settings.ISSUER).hostname;

const base64url = z.string().regex(/^[\w-]+$/);
const common = { id: base64url, rawId: base64url, type: z.literal('public-key') };
const registration = z.object({
  ...common,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    // Kept also when they are not known here (§5.8.4).
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .default([]),
  }),
  clientExtensionResults: z.looseObject({}).default({}),
});
const authentication = z.object({
  ...common,
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: z.string().nullish(),
  }),
  clientExtensionResults: z.looseObject({}).default({}),
});
export type AssertionAnswer = z.infer<typeof authentication>;

function parse<T>(schema: z.ZodType<T>, json: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

export const parseAssertion = (json: string): AssertionAnswer | undefined => parse(authentication, json);

/** The challenge is checked as ours, and kept for `useChallenge`. */
function challengeCheck(deps: PasskeyDeps, ceremony: Ceremony) {
  let answered = '';
  return {
    check(challenge: unknown): boolean {
      if (!isChallengeOf(deps, ceremony, challenge)) return false;
      answered = challenge;
      return true;
    },
    answered: () => answered,
  };
}

/** No page of ours is in a frame: whoever says so clicks where another site wants (§7.1 step 10, §7.2 step 14). */
const isFramed = (clientDataJSON: string): boolean =>
  Boolean(decodeClientDataJSON(clientDataJSON).crossOrigin);

/**
 * Whether an authenticator, or a browser, tells its make although nobody asked: its certificates are not looked at, and no
 * list of revoked ones is fetched. One that signs for itself tells nothing (§5.1.3 leaves it as it is).
 */
function tellsItsMake(attestationObject: string): boolean {
  const decoded = decodeAttestationObject(new Uint8Array(Buffer.from(attestationObject, 'base64url')));
  const fmt = decoded.get('fmt');
  return fmt !== 'none' && !(fmt === 'packed' && !decoded.get('attStmt').get('x5c'));
}

export interface RegistrationAnswer extends NonNullable<VerifiedRegistrationResponse['registrationInfo']> {
  readonly challenge: string;
  readonly transports: readonly string[];
}

/** @returns undefined for whatever is not right. */
export async function verifyRegistration(
  deps: PasskeyDeps,
  { json, ceremony }: { json: string; ceremony: Ceremony },
): Promise<RegistrationAnswer | undefined> {
  const response = parse(registration, json);
  if (!response) return undefined;
  const { clientDataJSON, attestationObject, transports } = response.response;
  const challenge = challengeCheck(deps, ceremony);
  try {
    if (isFramed(clientDataJSON) || tellsItsMake(attestationObject)) return undefined;
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: challenge.check,
      expectedOrigin: deps.settings.ISSUER,
      expectedRPID: rpIdOf(deps),
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) return undefined;
    const idBytes = Buffer.from(registrationInfo.credential.id, 'base64url').length;
    if (idBytes > MAX_CREDENTIAL_ID_BYTES) return undefined;
    return { ...registrationInfo, challenge: challenge.answered(), transports };
  } catch {
    // The library throws for whatever is wrong.
    return undefined;
  }
}

export interface VerifiedAssertion {
  readonly challenge: string;
  readonly info: VerifiedAuthenticationResponse['authenticationInfo'];
}

/**
 * @param publicKey as it was registered.
 * @returns undefined for whatever is not right. The counter is not looked at: it is compared where it is stored.
 */
export async function verifyAssertion(
  deps: PasskeyDeps,
  answer: AssertionAnswer,
  {
    ceremony,
    publicKey,
    requireUserVerification,
  }: { ceremony: Ceremony; publicKey: Uint8Array; requireUserVerification: boolean },
): Promise<VerifiedAssertion | undefined> {
  const challenge = challengeCheck(deps, ceremony);
  const credential: WebAuthnCredential = {
    id: answer.id,
    publicKey: new Uint8Array(publicKey),
    counter: 0,
  };
  try {
    if (isFramed(answer.response.clientDataJSON)) return undefined;
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: answer as AuthenticationResponseJSON,
      expectedChallenge: challenge.check,
      expectedOrigin: deps.settings.ISSUER,
      expectedRPID: rpIdOf(deps),
      requireUserVerification,
      credential,
    });
    return verified ? { challenge: challenge.answered(), info: authenticationInfo } : undefined;
  } catch {
    return undefined;
  }
}
