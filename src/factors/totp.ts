/**
 * Codes of an authenticator application (TOTP, RFC 6238: SHA-1, six digits, thirty seconds, which every application does).
 * The seed is sealed to its row. A code is accepted one step early or late, and once: the step of an accepted code, or an
 * older one, is never accepted again, by whichever node. This module alone touches the table.
 */
import { generateSecret, generateURI, verifySync } from 'otplib';
import type { Principal } from '../accounts/principals.ts';
import { type Clock, SECOND } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';

const SEED_BYTES = 20;
const STEP_SECONDS = 30;

interface Deps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

const sealPlace = (id: string): string => `totp_credentials/${id}`;

/** A new seed in base32 (RFC 4648 §6). */
export const createTotpSeed = (): string => generateSecret({ length: SEED_BYTES });

/** What an application reads from a QR code (Key URI Format). */
export const totpUri = (seed: string, email: string): string =>
  generateURI({ issuer: 'Caducée', label: email, secret: seed });

/** @returns the digits that were typed, or undefined when they cannot be a code at all. */
export function parseTotp(input: string | undefined): string | undefined {
  const digits = (input ?? '').replace(/[\s\u00a0\u202f.-]/gu, '');
  return /^[0-9]{6}$/.test(digits) ? digits : undefined;
}

/**
 * @param code six digits.
 * @returns the time step of the code, when it is the one of now, of the step before or of the step after.
 */
export function totpStepOf(clock: Clock, seed: string, code: string): number | undefined {
  const epoch = Math.floor(clock.now().getTime() / SECOND);
  const checked = verifySync({ secret: seed, token: code, epoch, epochTolerance: STEP_SECONDS });
  return checked.valid && 'timeStep' in checked ? checked.timeStep : undefined;
}

/** Sets the application up, in place of the one before. @param step of the code that proved it, which is thereby used. */
export async function saveTotp(
  db: Db,
  { keyring, clock }: Deps,
  { account, member }: Principal,
  { seed, step }: { seed: string; step: number },
): Promise<void> {
  const id = newId();
  await db('totp_credentials')
    .insert({
      id,
      account_id: account.id,
      member_id: member?.id,
      secret: keyring.seal(sealPlace(id), seed),
      last_step: step,
      created_at: clock.now(),
      last_used_at: null,
    })
    // Two tabs may set one up at the same moment: the later one takes the place.
    .onConflict('holder_id')
    .merge(['id', 'secret', 'last_step', 'created_at', 'last_used_at']);
}

export interface TotpCredential {
  readonly createdAt: Date;
  readonly lastUsedAt: Date | undefined;
}

export async function findTotp(db: Db, holderId: string): Promise<TotpCredential | undefined> {
  const row = await db('totp_credentials').where({ holder_id: holderId }).first('created_at', 'last_used_at');
  return row && { createdAt: row.created_at, lastUsedAt: row.last_used_at ?? undefined };
}

/** @returns false when there was none. */
export async function removeTotp(db: Db, holderId: string): Promise<boolean> {
  return (await db('totp_credentials').where({ holder_id: holderId }).delete()) === 1;
}

/** A code that was right, to be used up by {@link consumeTotp} in the transaction that acts on it. */
export interface MatchedTotp {
  readonly id: string;
  readonly step: number;
}

/** @returns undefined for a wrong code, and for one that was used, or is not newer than one that was. */
export async function matchTotp(
  db: Db,
  { keyring, clock }: Deps,
  holderId: string,
  code: string,
): Promise<MatchedTotp | undefined> {
  const row = await db('totp_credentials').where({ holder_id: holderId }).first('id', 'secret', 'last_step');
  if (!row) return undefined;
  const step = totpStepOf(clock, keyring.unseal(sealPlace(row.id), row.secret), code);
  return step !== undefined && step > Number(row.last_step) ? { id: row.id, step } : undefined;
}

/** @returns false when another request used this step, or a later one, first. */
export async function consumeTotp(db: Db, clock: Clock, { id, step }: MatchedTotp): Promise<boolean> {
  const used = await db('totp_credentials')
    .where({ id })
    .where('last_step', '<', step)
    .update({ last_step: step, last_used_at: clock.now() });
  return used === 1;
}
