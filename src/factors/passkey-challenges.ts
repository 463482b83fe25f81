/**
 * Challenges for passkeys (WebAuthn Level 3 §13.4.3). A page that merely proposes a passkey stores nothing: a challenge says
 * itself until when it serves and is authenticated for one ceremony of one browser; only one that was answered is
 * remembered, so that it is answered once, at whichever node.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Clock, fromNow, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';

export const CHALLENGE_MINUTES = 5;
const RANDOM_BYTES = 24;

interface Deps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/** What a challenge is for. */
export interface Ceremony {
  readonly purpose: 'registration' | 'second-factor' | 'sign-in';
  /** The interaction, or the account that gets a new passkey. */
  readonly subject: string;
  /** The browser's own token (http/forms.ts). */
  readonly browser: string;
}

const textOf = ({ purpose, subject, browser }: Ceremony, random: string, expiresAt: string): string =>
  [purpose, subject, browser, random, expiresAt].join('\n');

const write = (...parts: readonly [random: string, expiresAt: string, mac: string]): string =>
  Buffer.from(parts.join('.')).toString('base64url');

/** @returns base64url, as a challenge travels in JSON. */
export function createChallenge({ keyring, clock }: Deps, ceremony: Ceremony): string {
  const random = randomBytes(RANDOM_BYTES).toString('base64url');
  const expiresAt = String(fromNow(clock, CHALLENGE_MINUTES * MINUTE).getTime());
  const mac = keyring.mac('passkey-challenge', textOf(ceremony, random, expiresAt));
  return write(random, expiresAt, mac);
}

/** Whether what came back as a challenge is one of this ceremony, and in time. */
export function isChallengeOf(
  { keyring, clock }: Deps,
  ceremony: Ceremony,
  challenge: unknown,
): challenge is string {
  if (typeof challenge !== 'string') return false;
  const [random = '', expiresAt = '', mac = ''] = Buffer.from(challenge, 'base64url').toString().split('.');
  return (
    // As it was sent, to the letter: each other way to write it would be answered once more.
    challenge === write(random, expiresAt, mac) &&
    /^[0-9a-f]{64}$/.test(mac) &&
    keyring.verifyMac('passkey-challenge', textOf(ceremony, random, expiresAt), mac) &&
    Number(expiresAt) > clock.now().getTime()
  );
}

/** @returns false when it was answered before. */
export async function useChallenge(db: Db, clock: Clock, challenge: string): Promise<boolean> {
  const { rowCount } = await db.raw(
    'INSERT INTO used_passkey_challenges (challenge_hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING',
    [createHash('sha256').update(challenge).digest(), fromNow(clock, 2 * CHALLENGE_MINUTES * MINUTE)],
  );
  return rowCount === 1;
}

/** Forgets those that are refused for their age anyway. */
export async function sweepChallenges(db: Db, clock: Clock): Promise<void> {
  await db('used_passkey_challenges').where('expires_at', '<', clock.now()).delete();
}
