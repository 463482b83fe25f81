/**
 * Links that prove a mailbox: 256 random bits in a mail, bound to one purpose and one subject. Opening one changes nothing,
 * because mail scanners open links; a person presses a button, and only then is it used up, once. A new link takes the
 * place of the one before. This module alone touches the table.
 */
import { type Clock, fromNow, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId, randomToken } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';

export type LinkPurpose = 'address' | 'invitation';

interface Deps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

export interface LinkKey {
  readonly purpose: LinkPurpose;
  /** What the link is about, as its purpose understands it; never a secret. */
  readonly subject: string;
}

interface NewLink extends LinkKey {
  readonly lifetimeMinutes: number;
  /** Kept sealed for whoever opens the link. */
  readonly context?: unknown;
}

export type LinkVerdict =
  | { readonly verdict: 'open'; readonly id: string; readonly subject: string; readonly context: unknown }
  | { readonly verdict: 'none' | 'used' | 'expired' };

const TOKEN = /^[\w-]{43}$/;

const tokenHash = ({ keyring }: Deps, purpose: LinkPurpose, token: string): Buffer =>
  keyring.lookupHash(`one-time-link/${purpose}`, token);
const macPurpose = ({ purpose, subject }: LinkKey, id: string): string =>
  `one-time-link/${purpose}/${subject}/${id}`;
const sealPlace = (id: string): string => `one_time_links/${id}`;

/** Makes the current link of this purpose and subject. @returns the token, to be put into a mail and nowhere else. */
export async function createLink(
  db: Db,
  deps: Deps,
  { purpose, subject, lifetimeMinutes, context }: NewLink,
): Promise<string> {
  const { keyring, clock } = deps;
  const token = randomToken();
  const id = newId();
  await db('one_time_links')
    .insert({
      id,
      purpose,
      subject,
      token_hash: tokenHash(deps, purpose, token),
      token_mac: keyring.mac(macPurpose({ purpose, subject }, id), token),
      context: context === undefined ? null : keyring.seal(sealPlace(id), JSON.stringify(context)),
      opened: 0,
      created_at: clock.now(),
      expires_at: fromNow(clock, lifetimeMinutes * MINUTE),
      consumed_at: null,
    })
    .onConflict(['purpose', 'subject'])
    .merge();
  return token;
}

/** Counts an opening and tells what the link is good for. It stays as it is: see {@link consumeLink}. */
export async function peekLink(
  db: Db,
  deps: Deps,
  { purpose, token }: { purpose: LinkPurpose; token: string },
): Promise<LinkVerdict> {
  if (!TOKEN.test(token)) return { verdict: 'none' };
  const { keyring, clock } = deps;
  const [row] = await db('one_time_links')
    .where({ purpose, token_hash: tokenHash(deps, purpose, token) })
    .increment('opened', 1)
    .returning(['id', 'subject', 'token_mac', 'context', 'expires_at', 'consumed_at']);
  if (!row || !keyring.verifyMac(macPurpose({ purpose, subject: row.subject }, row.id), token, row.token_mac))
    return { verdict: 'none' };
  if (row.consumed_at) return { verdict: 'used' };
  if (row.expires_at <= clock.now()) return { verdict: 'expired' };
  const context = row.context ? JSON.parse(keyring.unseal(sealPlace(row.id), row.context)) : undefined;
  return { verdict: 'open', id: row.id, subject: row.subject, context };
}

/**
 * Uses an opened link up, in the transaction that acts on it.
 * @returns false when another request was first, or the link expired or was revoked or replaced meanwhile.
 */
export async function consumeLink(db: Db, clock: Clock, id: string): Promise<boolean> {
  const used = await db('one_time_links')
    .where({ id })
    .whereNull('consumed_at')
    .where('expires_at', '>', clock.now())
    .update({ consumed_at: clock.now() });
  return used === 1;
}

/** True when the current link of this purpose and subject was pressed. */
export async function isLinkConsumed(db: Db, { purpose, subject }: LinkKey): Promise<boolean> {
  return Boolean(
    await db('one_time_links').where({ purpose, subject }).whereNotNull('consumed_at').first('id'),
  );
}

/** Takes the link back, used or not. */
export async function deleteLink(db: Db, { purpose, subject }: LinkKey): Promise<void> {
  await db('one_time_links').where({ purpose, subject }).delete();
}

/** Erases links a while after they ended: until then a late press is told what happened. */
export async function sweepLinks(db: Db, clock: Clock): Promise<void> {
  await db('one_time_links')
    .where('expires_at', '<', fromNow(clock, -60 * MINUTE))
    .delete();
}
