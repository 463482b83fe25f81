/**
 * Passkeys (WebAuthn Level 3). They are bound to the issuer's host name, so that no other site can use them. Any
 * authenticator may be a second factor; one that verifies its user may be the whole sign-in. This module alone touches the
 * table.
 */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import type { Principal } from '../accounts/principals.ts';
import { type Clock, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import {
  ALGORITHMS,
  DECOY_KEY,
  type PasskeyDeps as Deps,
  parseAssertion,
  rpIdOf,
  verifyAssertion,
  verifyRegistration,
} from './passkey-answers.ts';
import { type Ceremony, CHALLENGE_MINUTES, createChallenge, useChallenge } from './passkey-challenges.ts';

export const MAX_PASSKEYS = 10;
export const MAX_NAME_LENGTH = 60;

/** As long as the challenge serves: people must not be hurried (WCAG 2.2, 2.2.1). */
const TIMEOUT_MS = CHALLENGE_MINUTES * MINUTE;

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
    timeout: TIMEOUT_MS,
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
    timeout: TIMEOUT_MS,
    allowCredentials: principal ? await describe(db, principal.id) : [],
    // After a password it is the second factor; alone it must be two.
    userVerification: principal ? 'preferred' : 'required',
  });
}

/** @returns false when the passkey is there already, the challenge was answered before, or the answer is not one. */
export async function registerPasskey(
  db: Db,
  deps: Deps,
  principal: Principal,
  { json, name, ceremony }: { json: string; name: string; ceremony: Ceremony },
): Promise<boolean> {
  const answer = await verifyRegistration(deps, { json, ceremony });
  if (!answer || !(await useChallenge(db, deps.clock, answer.challenge))) return false;
  const { credential, transports, aaguid, credentialDeviceType, credentialBackedUp } = answer;
  const { account, member } = principal;
  const inserted = await db('passkeys')
    .insert({
      id: newId(),
      account_id: account.id,
      member_id: member?.id,
      credential_id: Buffer.from(credential.id, 'base64url'),
      public_key: Buffer.from(credential.publicKey),
      sign_count: credential.counter,
      transports,
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
  const answer = parseAssertion(json);
  if (!answer) return undefined;
  const row = await db('passkeys')
    .where({ credential_id: Buffer.from(answer.id, 'base64url') })
    .first();
  const { userHandle } = answer.response;
  // WebAuthn Level 3 §7.2, step 6: alone, the handle must name the same person; after a password it need not be there.
  const isTheirs =
    row !== undefined &&
    (holderId === undefined || row.holder_id === holderId) &&
    (userHandle
      ? userHandleOf(deps, row.holder_id).equals(Buffer.from(userHandle, 'base64url'))
      : holderId !== undefined);
  // The same work for a passkey that nobody has: the time of the answer tells nothing.
  const verified = await verifyAssertion(deps, answer, {
    ceremony,
    publicKey: isTheirs ? row.public_key : DECOY_KEY,
    requireUserVerification: holderId === undefined,
  });
  if (!verified || !isTheirs) return undefined;
  const { challenge, info } = verified;
  // WebAuthn Level 3 §6.1.3: it was made so, and stays so.
  if ((info.credentialDeviceType === 'multiDevice') !== row.is_backup_eligible) return undefined;
  return {
    passkeyId: row.id,
    holderId: row.holder_id,
    challenge,
    signCount: info.newCounter,
    isBackedUp: info.credentialBackedUp,
  };
}

/**
 * Why a right signature opens nothing: its challenge was answered before; the passkey was removed meanwhile; or its counter
 * did not move on, and a copy of it may be about.
 */
export type AssertionFault = 'answered-before' | 'counter-went-back' | 'removed';

/** @returns undefined once it is used up; the challenge is in either case. */
export async function consumeAssertion(
  db: Db,
  clock: Clock,
  { passkeyId, challenge, signCount, isBackedUp }: Assertion,
): Promise<AssertionFault | undefined> {
  if (!(await useChallenge(db, clock, challenge))) return 'answered-before';
  const used = await db('passkeys')
    .where({ id: passkeyId })
    // Synced passkeys count nothing: 0 every time (WebAuthn Level 3 §6.1.1).
    .where((counts) =>
      counts.where('sign_count', '<', signCount).orWhere((none) => {
        none.where('sign_count', 0).whereRaw('? = 0', [signCount]);
      }),
    )
    .update({ sign_count: signCount, is_backed_up: isBackedUp, last_used_at: clock.now() });
  if (used === 1) return undefined;
  return (await db('passkeys').where({ id: passkeyId }).first('id')) ? 'counter-went-back' : 'removed';
}

/** @returns false when there is no such passkey of theirs. */
export async function renamePasskey(db: Db, holderId: string, id: string, name: string): Promise<boolean> {
  return (await db('passkeys').where({ holder_id: holderId, id }).update({ name })) === 1;
}

/** @returns false when there is no such passkey of theirs. */
export async function removePasskey(db: Db, holderId: string, id: string): Promise<boolean> {
  return (await db('passkeys').where({ holder_id: holderId, id }).delete()) === 1;
}
