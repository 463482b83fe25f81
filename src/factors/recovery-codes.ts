/**
 * Recovery codes: look-up secrets kept on paper (NIST SP 800-63B-4 §3.1.2). Ten at a time, each used once; new ones void the
 * old. A keyed digest is enough: 80 bits are out of reach of guessing, which is what a slow hash is for. This module alone
 * touches the table.
 */
import { randomBytes } from 'node:crypto';
import type { Principal } from '../accounts/principals.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';

export const RECOVERY_CODES = 10;
const LENGTH = 16;
const GROUP = 4;
/** Crockford's base 32: no i, l, o nor u, so that handwriting is read as it was meant. Five bits each. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

interface Deps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

const digest = (keyring: Keyring, holderId: string, code: string): Buffer =>
  keyring.lookupHash('recovery-code', `${holderId}\n${code}`);

const randomCode = (): string =>
  Array.from(randomBytes(LENGTH), (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('');

/** `abcd-efgh-jkmn-pqrs`, as it is shown. */
const inGroups = (code: string): string => code.match(new RegExp(`.{${GROUP}}`, 'g'))?.join('-') ?? '';

/** @returns the code that was typed or copied by hand, or undefined when it cannot be one. */
export function parseRecoveryCode(input: string | undefined): string | undefined {
  const code = (input ?? '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{Pd}._]/gu, '')
    .replaceAll('o', '0')
    .replace(/[il]/g, '1');
  return code.length === LENGTH && [...code].every((sign) => ALPHABET.includes(sign)) ? code : undefined;
}

/** Makes ten codes in place of those before; call it with their holder locked. @returns them as they are shown, this once. */
export async function createRecoveryCodes(
  db: Db,
  { keyring, clock }: Deps,
  { account, member, id: holderId }: Principal,
): Promise<string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, randomCode);
  await db('recovery_codes').where({ holder_id: holderId }).delete();
  await db('recovery_codes').insert(
    codes.map((code) => ({
      id: newId(),
      account_id: account.id,
      member_id: member?.id,
      code_hash: digest(keyring, holderId, code),
      created_at: clock.now(),
    })),
  );
  return codes.map(inGroups);
}

/**
 * Uses a code up.
 * @param code as {@link parseRecoveryCode} returns it.
 * @returns how many are left; undefined for one that is not theirs, or was used.
 */
export async function useRecoveryCode(
  db: Db,
  { keyring, clock }: Deps,
  holderId: string,
  code: string,
): Promise<number | undefined> {
  const used = await db('recovery_codes')
    .where({ holder_id: holderId, code_hash: digest(keyring, holderId, code) })
    .whereNull('used_at')
    .update({ used_at: clock.now() });
  return used === 1 ? (await findRecoveryCodes(db, holderId)).left : undefined;
}

/** How many were not used, and when they were made. */
export async function findRecoveryCodes(
  db: Db,
  holderId: string,
): Promise<{ left: number; createdAt: Date | undefined }> {
  const rows = await db('recovery_codes').where({ holder_id: holderId }).select('created_at', 'used_at');
  return { left: rows.filter(({ used_at }) => !used_at).length, createdAt: rows[0]?.created_at };
}
