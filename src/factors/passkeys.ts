/**
 * Passkeys (WebAuthn Level 3). They are bound to the issuer's host name, so that no other site can use them. Any
 * authenticator may be a second factor; one that verifies its user may be the whole sign-in. This module alone touches the
 * table.
 */
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { z } from 'zod';
import type { Settings } from '../../config/settings.ts';
import type { Principal } from '../accounts/principals.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type Ceremony, createChallenge, isChallengeOf, useChallenge } from './passkey-challenges.ts';

/** EdDSA, ES256, RS256 (IANA COSE Algorithms): what authenticators in use do. */
const ALGORITHMS = [-8, -7, -257];

/** WebAuthn Level 3 §7.1, step 25. */
const MAX_ID_BYTES = 1_023;

export const MAX_PASSKEYS = 10;
export const MAX_NAME_LENGTH = 60;

interface Deps {
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly settings: Pick<Settings, 'ISSUER'>;
}

const rpIdOf = ({ settings }: Deps): string => new URL(settings.ISSUER).hostname;

/** The same for all passkeys of one person; tells nothing of them (WebAuthn Level 3 §14.6.1). */
const userHandleOf = ({ keyring }: Deps, holderId: string): Buffer =>
  keyring.lookupHash('passkey/user-handle', holderId);

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | undefined;
}

export async function listPasskeys(db: Db, holderId: string): Promise<Passkey[]> {
  const rows = await db('passkeys').where({ holder_id: holderId }).orderBy('created_at');
  return rows.map(({ id, name, created_at, last_used_at }) => ({
    id,
    name,
    createdAt: created_at,
    lastUsedAt: last_used_at ?? undefined,
  }));
}

const describe = async (db: Db, holderId: string) => {
  const rows = await db('passkeys').where({ holder_id: holderId }).select('credential_id', 'transports');
  return rows.map(({ credential_id, transports }) => ({
    id: credential_id.toString('base64url'),
    transports,
  }));
};

/**
 * What the browser needs to make a passkey. A security key that cannot verify its user, or has no room for a discoverable
 * credential, still makes a second factor: neither is required here.
 */
export async function registrationOptions(
  db: Db,
  deps: Deps,
  { id, email, account, member }: Principal,
  ceremony: Ceremony,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return generateRegistrationOptions({
    rpName: 'Caducée',
    rpID: rpIdOf(deps),
    userName: email,
    userID: new Uint8Array(userHandleOf(deps, id)),
    userDisplayName: (member ?? account).displayName,
    challenge: new Uint8Array(Buffer.from(createChallenge(deps, ceremony), 'base64url')),
    attestationType: 'none',
    supportedAlgorithmIDs: ALGORITHMS,
    excludeCredentials: await describe(db, id),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  });
}

/** What the browser needs to use one: any of the person's; undefined for whichever it has. */
export async function authenticationOptions(
  db: Db,
  deps: Deps,
  principal: Principal | undefined,
  ceremony: Ceremony,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  return generateAuthenticationOptions({
    rpID: rpIdOf(deps),
    challenge: new Uint8Array(Buffer.from(createChallenge(deps, ceremony), 'base64url')),
    allowCredentials: principal ? await describe(db, principal.id) : [],
    // After a password it is the second factor; alone it must be two.
    userVerification: principal ? 'preferred' : 'required',
  });
}

const base64url = z.string().regex(/^[\w-]+$/);
const common = { id: base64url, rawId: base64url, type: z.literal('public-key') };
const registration = z.object({
  ...common,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .optional(),
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

function parse<T>(schema: z.ZodType<T>, json: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** The challenge is checked as ours, and kept for {@link useChallenge}. */
function challengeCheck(deps: Deps, ceremony: Ceremony) {
  let answered = '';
  return {
    check(challenge: string): boolean {
      answered = challenge;
      return isChallengeOf(deps, ceremony, challenge);
    },
    answered: () => answered,
  };
}

/** @returns false when the passkey is there already, the challenge was answered before, or the answer is not one. */
export async function registerPasskey(
  db: Db,
  deps: Deps,
  principal: Principal,
  { json, name, ceremony }: { json: string; name: string; ceremony: Ceremony },
): Promise<boolean> {
  const response = parse(registration, json);
  if (!response) return false;
  const challenge = challengeCheck(deps, ceremony);
  const verified = await verifyRegistrationResponse({
    response: response as RegistrationResponseJSON,
    expectedChallenge: challenge.check,
    expectedOrigin: deps.settings.ISSUER,
    expectedRPID: rpIdOf(deps),
    requireUserVerification: false,
    supportedAlgorithmIDs: ALGORITHMS,
  }).catch(() => undefined);
  if (!verified?.verified) return false;
  const { credential, aaguid, credentialDeviceType, credentialBackedUp } = verified.registrationInfo;
  const credentialId = Buffer.from(credential.id, 'base64url');
  if (credentialId.length > MAX_ID_BYTES) return false;
  if (!(await useChallenge(db, deps.clock, challenge.answered()))) return false;
  const { account, member } = principal;
  const inserted = await db('passkeys')
    .insert({
      id: newId(),
      account_id: account.id,
      member_id: member?.id,
      credential_id: credentialId,
      public_key: Buffer.from(credential.publicKey),
      sign_count: credential.counter,
      transports: response.response.transports ?? [],
      aaguid,
      is_backup_eligible: credentialDeviceType === 'multiDevice',
      is_backed_up: credentialBackedUp,
      name,
      created_at: deps.clock.now(),
    })
    .onConflict('credential_id')
    .ignore()
    .returning('id');
  return inserted.length === 1;
}

/** A passkey whose signature was right, to be used up by {@link consumeAssertion} in the transaction that acts on it. */
export interface Assertion {
  readonly passkeyId: string;
  /** `Principal.id` of whose it is. */
  readonly holderId: string;
  readonly challenge: string;
  readonly signCount: number;
  readonly isBackedUp: boolean;
}

/**
 * @param json what the browser answered.
 * @param holderId whose passkey it must be, after a password; undefined for a whole sign-in, where the authenticator must
 * have verified its user.
 * @returns undefined for whatever is not right, an unknown passkey included.
 */
export async function checkAssertion(
  db: Db,
  deps: Deps,
  { json, holderId, ceremony }: { json: string; holderId: string | undefined; ceremony: Ceremony },
): Promise<Assertion | undefined> {
  const response = parse(authentication, json);
  if (!response) return undefined;
  const row = await db('passkeys')
    .where({ credential_id: Buffer.from(response.id, 'base64url') })
    .first();
  if (!row || (holderId !== undefined && row.holder_id !== holderId)) return undefined;
  const { userHandle } = response.response;
  // WebAuthn Level 3 §7.2, step 6: alone, the handle must name the same person; after a password it need not be there.
  const isTheirs = userHandle
    ? userHandleOf(deps, row.holder_id).equals(Buffer.from(userHandle, 'base64url'))
    : holderId !== undefined;
  if (!isTheirs) return undefined;
  const challenge = challengeCheck(deps, ceremony);
  const verified = await verifyAuthenticationResponse({
    response: response as AuthenticationResponseJSON,
    expectedChallenge: challenge.check,
    expectedOrigin: deps.settings.ISSUER,
    expectedRPID: rpIdOf(deps),
    requireUserVerification: holderId === undefined,
    credential: {
      id: response.id,
      publicKey: new Uint8Array(row.public_key),
      counter: Number(row.sign_count),
      transports: row.transports,
    },
  }).catch(() => undefined);
  if (!verified?.verified) return undefined;
  return {
    passkeyId: row.id,
    holderId: row.holder_id,
    challenge: challenge.answered(),
    signCount: verified.authenticationInfo.newCounter,
    isBackedUp: verified.authenticationInfo.credentialBackedUp,
  };
}

/** @returns false when the challenge was answered before, or the counter moved on: a copy of the passkey may be about. */
export async function consumeAssertion(
  db: Db,
  clock: Clock,
  { passkeyId, challenge, signCount, isBackedUp }: Assertion,
): Promise<boolean> {
  if (!(await useChallenge(db, clock, challenge))) return false;
  const used = await db('passkeys')
    .where({ id: passkeyId })
    // Synced passkeys count nothing: 0 every time (WebAuthn Level 3 §6.1.1).
    .where((counts) =>
      counts.where('sign_count', '<', signCount).orWhere((none) => {
        none.where('sign_count', 0).whereRaw('? = 0', [signCount]);
      }),
    )
    .update({ sign_count: signCount, is_backed_up: isBackedUp, last_used_at: clock.now() });
  return used === 1;
}

/** @returns false when there is no such passkey of theirs. */
export async function renamePasskey(db: Db, holderId: string, id: string, name: string): Promise<boolean> {
  return (await db('passkeys').where({ holder_id: holderId, id }).update({ name })) === 1;
}

/** @returns false when there is no such passkey of theirs. */
export async function removePasskey(db: Db, holderId: string, id: string): Promise<boolean> {
  return (await db('passkeys').where({ holder_id: holderId, id }).delete()) === 1;
}
