/**
 * Six-digit codes sent to a contact (NIST SP 800-63B-4 §3.1.3, ASVS 6.5–6.6). A code belongs to one journey and one
 * purpose; a new one takes the place of the one before; the try is counted before the code is compared; it is used once.
 * This module alone touches the table.
 */
import { type Clock, fromNow, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId, randomDigits } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';

export const CODE_LIFETIME_MINUTES = 10;
export const CODE_TRIES = 5;
const CODE_DIGITS = 6;
/** Between two codes that one journey sends to the same contact: the first is often still on its way. */
export const RESEND_AFTER_SECONDS = 30;

/** `address` and `phone`: a contact that the person adds. */
export type CodePurpose = 'sign-in' | 'sign-up' | 'address' | 'phone';
export type Channel = 'email' | 'sms';

interface CodeKey {
  readonly journeyHash: Buffer;
  readonly purpose: CodePurpose;
}

interface Deps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

export type CodeVerdict =
  | { readonly verdict: 'accepted'; readonly id: string }
  | { readonly verdict: 'wrong'; readonly remaining: number }
  | {
      readonly verdict: 'exhausted' | 'expired' | 'used' | 'none';
      /** True for the last try of a code, which was wrong; false when nothing was compared. */
      readonly compared: boolean;
    };

const macPurpose = ({ purpose, journeyHash }: CodeKey, id: string) =>
  `one-time-code/${purpose}/${journeyHash.toString('hex')}/${id}`;

/** Makes the journey's current code for this purpose. @returns the code, to be put into a message and nowhere else. */
export async function createCode(
  db: Db,
  { keyring, clock }: Deps,
  { journeyHash, purpose, channel }: CodeKey & { channel: Channel },
): Promise<string> {
  const code = randomDigits(CODE_DIGITS);
  const id = newId();
  await db('one_time_codes')
    .insert({
      id,
      journey_hash: journeyHash,
      purpose,
      channel,
      code_mac: keyring.mac(macPurpose({ journeyHash, purpose }, id), code),
      attempts: 0,
      created_at: clock.now(),
      expires_at: fromNow(clock, CODE_LIFETIME_MINUTES * MINUTE),
      consumed_at: null,
    })
    .onConflict(['journey_hash', 'purpose'])
    .merge();
  return code;
}

/**
 * Counts a try, then compares. An accepted code is not used yet: call {@link consumeCode} in the transaction that
 * acts on it.
 * @param db not a transaction that may roll back: the try stays counted whatever follows.
 */
export async function tryCode(
  db: Db,
  { keyring, clock }: Deps,
  key: CodeKey,
  code: string,
): Promise<CodeVerdict> {
  const where = { journey_hash: key.journeyHash, purpose: key.purpose };
  const [row] = await db('one_time_codes')
    .where(where)
    .whereNull('consumed_at')
    .where('attempts', '<', CODE_TRIES)
    .where('expires_at', '>', clock.now())
    .increment('attempts', 1)
    .returning(['id', 'code_mac', 'attempts']);
  if (row) {
    if (keyring.verifyMac(macPurpose(key, row.id), code, row.code_mac))
      return { verdict: 'accepted', id: row.id };
    const remaining = CODE_TRIES - row.attempts;
    return remaining > 0 ? { verdict: 'wrong', remaining } : { verdict: 'exhausted', compared: true };
  }
  const last = await db('one_time_codes').where(where).first();
  const compared = false;
  if (!last) return { verdict: 'none', compared };
  if (last.consumed_at) return { verdict: 'used', compared };
  return { verdict: last.expires_at <= clock.now() ? 'expired' : 'exhausted', compared };
}

/** Uses an accepted code up. @returns false when another request was first. */
export async function consumeCode(db: Db, clock: Clock, id: string): Promise<boolean> {
  const used = await db('one_time_codes')
    .where({ id })
    .whereNull('consumed_at')
    .update({ consumed_at: clock.now() });
  return used === 1;
}

/** When the journey's current code was made, if it can still be entered. */
export async function findCurrentCode(
  db: Db,
  clock: Clock,
  { journeyHash, purpose }: CodeKey,
): Promise<{ createdAt: Date } | undefined> {
  const row = await db('one_time_codes')
    .where({ journey_hash: journeyHash, purpose })
    .whereNull('consumed_at')
    .where('attempts', '<', CODE_TRIES)
    .where('expires_at', '>', clock.now())
    .first('created_at');
  return row && { createdAt: row.created_at };
}

export async function deleteCodes(db: Db, journeyHash: Buffer): Promise<void> {
  await db('one_time_codes').where({ journey_hash: journeyHash }).delete();
}
