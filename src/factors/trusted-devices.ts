/**
 * Browsers in which somebody asked, at a whole sign-in, not to be asked the second step again. It stands in for that step
 * alone, never for the password, and for 30 days from then, however often it is used.
 *
 * A device is a random value that the browser keeps and the database has only a keyed digest of, together with whom it is
 * of. The value changes at each use. One that comes back after it was changed was copied, by whichever of the two: the device
 * is forgotten. Changes of what opens the account forget them all (accounts/security-change.ts).
 */
import type { Principal } from '../accounts/principals.ts';
import { type Clock, DAY, fromNow, SECOND } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId, randomToken } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';

export const TRUSTED_DEVICE_DAYS = 30;
/** A second tab may still send the value that the first one changed. */
const SECOND_TAB_SECONDS = 60;

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
}

const hashOf = ({ keyring }: Deps, holderId: string, token: string): Buffer =>
  keyring.lookupHash('trusted-device', `${holderId}\n${token}`);

const rowsOf = (db: Db, holderId: string) => db('trusted_devices').where({ holder_id: holderId });

/** What the browser keeps. */
export interface TrustToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/**
 * Trusts this browser.
 * @param name of browser and system.
 * @param token what the browser held for this person, if anything: the device that it was is replaced.
 */
export async function trustDevice(
  db: Db,
  deps: Deps,
  { account, member, id: holderId }: Pick<Principal, 'id' | 'account' | 'member'>,
  { name, token }: { name: string; token: string | undefined },
): Promise<TrustToken> {
  const now = deps.clock.now();
  const next = { token: randomToken(), expiresAt: fromNow(deps.clock, TRUSTED_DEVICE_DAYS * DAY) };
  if (token !== undefined)
    await rowsOf(db, holderId)
      .where({ token_hash: hashOf(deps, holderId, token) })
      .delete();
  await db('trusted_devices').insert({
    id: newId(),
    account_id: account.id,
    member_id: member?.id,
    token_hash: hashOf(deps, holderId, next.token),
    name,
    created_at: now,
    expires_at: next.expiresAt,
    last_used_at: now,
  });
  return next;
}

/**
 * `trusted`: its current value, in its time; `expired`: after its time; `raced`: the value before, a moment after another tab
 * changed it; `copied`: the value before, later than that; `unknown`: of no device of this person.
 */
export type DeviceVerdict = 'trusted' | 'expired' | 'raced' | 'copied' | 'unknown';

/** @returns the device's row too, but for an unknown one. */
export async function findTrustedDevice(
  db: Db,
  deps: Deps,
  holderId: string,
  token: string,
): Promise<{ verdict: DeviceVerdict; id?: string; name?: string }> {
  const hash = hashOf(deps, holderId, token);
  const row = await rowsOf(db, holderId)
    .where((held) => held.where({ token_hash: hash }).orWhere({ previous_hash: hash }))
    .first('id', 'name', 'token_hash', 'expires_at', 'last_used_at');
  if (!row) return { verdict: 'unknown' };
  const { id, name } = row;
  const now = deps.clock.now().getTime();
  if (row.expires_at.getTime() <= now) return { verdict: 'expired', id, name };
  if (hash.equals(row.token_hash)) return { verdict: 'trusted', id, name };
  const isRaced = now - row.last_used_at.getTime() <= SECOND_TAB_SECONDS * SECOND;
  return { verdict: isRaced ? 'raced' : 'copied', id, name };
}

/**
 * Uses a device's current value up.
 * @returns what the browser keeps from now on; undefined when another request was first, or the device is gone.
 */
export async function useTrustedDevice(
  db: Db,
  deps: Deps,
  holderId: string,
  token: string,
): Promise<TrustToken | undefined> {
  const now = deps.clock.now();
  const hash = hashOf(deps, holderId, token);
  const next = randomToken();
  const [used] = await rowsOf(db, holderId)
    .where({ token_hash: hash })
    .where('expires_at', '>', now)
    .update({ token_hash: hashOf(deps, holderId, next), previous_hash: hash, last_used_at: now })
    .returning('expires_at');
  return used && { token: next, expiresAt: used.expires_at };
}

export interface TrustedDevice {
  readonly id: string;
  /** Empty for a browser that is not known by name. */
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  /** The browser that asks. */
  readonly isThisOne: boolean;
}

/** Last used first. @param token what the browser that asks holds. */
export async function listTrustedDevices(
  db: Db,
  deps: Deps,
  holderId: string,
  token: string | undefined,
): Promise<TrustedDevice[]> {
  const hash = token === undefined ? undefined : hashOf(deps, holderId, token);
  const rows = await rowsOf(db, holderId)
    .where('expires_at', '>', deps.clock.now())
    .orderBy([{ column: 'last_used_at', order: 'desc' }, { column: 'id' }])
    .select('id', 'name', 'created_at', 'last_used_at', 'token_hash');
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    isThisOne: hash?.equals(row.token_hash) ?? false,
  }));
}

/** @returns its name; undefined when they have no such device. */
export async function removeTrustedDevice(db: Db, holderId: string, id: string): Promise<string | undefined> {
  const [removed] = await rowsOf(db, holderId).where({ id }).delete().returning('name');
  return removed?.name;
}

/** @returns how many there were. */
export const removeTrustedDevices = (db: Db, holderId: string): Promise<number> =>
  rowsOf(db, holderId).delete();

export async function sweepTrustedDevices(db: Db, clock: Clock): Promise<void> {
  await db('trusted_devices').where('expires_at', '<', clock.now()).delete();
}
