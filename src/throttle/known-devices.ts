/**
 * Browsers in which somebody signed in before (OWASP « device cookies »). Their wrong passwords are counted by themselves,
 * so that a stranger who uses up the tries of an account does not stop its owner. That is all they are for: such a device is
 * no factor, and opens nothing.
 *
 * A device is a random value that the browser keeps and the database has only a keyed digest of. One browser may know
 * several accounts. The value changes at every sign-in, so that a copy of it ends with the next one; until then a copy has no
 * more than the one count that it shares.
 */
import type { Principal } from '../accounts/principals.ts';
import { type Clock, DAY, fromNow } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId, randomToken } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';

export const KNOWN_DEVICE_DAYS = 180;
/** Of nobody: the look-up takes the same time for an address without account. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
}

const hashOf = ({ keyring }: Deps, token: string): Buffer => keyring.lookupHash('known-device', token);

/**
 * @param principalId whose account is tried; undefined when nobody's is.
 * @returns what to count the device under, when this person signed in on it.
 */
export async function findKnownDevice(
  db: Db,
  deps: Deps,
  principalId: string | undefined,
  token: string | undefined,
): Promise<string | undefined> {
  if (token === undefined) return undefined;
  const row = await db('known_devices')
    .where({ device_hash: hashOf(deps, token), principal_id: principalId ?? NOBODY })
    .where('expires_at', '>', deps.clock.now())
    .first('id');
  return row?.id;
}

/**
 * Remembers that this person signed in on this device.
 * @param token what the browser holds, if anything; whatever else it knows goes over to the new value.
 * @returns the value that the browser keeps from now on.
 */
export async function rememberDevice(
  db: Db,
  deps: Deps,
  { id, account, member }: Pick<Principal, 'id' | 'account' | 'member'>,
  token: string | undefined,
): Promise<string> {
  const now = deps.clock.now();
  const next = randomToken();
  const hash = hashOf(deps, next);
  const expiresAt = fromNow(deps.clock, KNOWN_DEVICE_DAYS * DAY);
  await db.transaction(async (trx) => {
    if (token !== undefined) {
      await trx('known_devices')
        .where({ device_hash: hashOf(deps, token) })
        .update({ device_hash: hash });
    }
    const seen = { last_used_at: now, expires_at: expiresAt };
    const again = await trx('known_devices').where({ device_hash: hash, principal_id: id }).update(seen);
    if (again > 0) return;
    await trx('known_devices').insert({
      id: newId(),
      account_id: account.id,
      member_id: member?.id,
      device_hash: hash,
      created_at: now,
      ...seen,
    });
  });
  return next;
}

/** From now on this person's tries on the device are a stranger's. */
export async function forgetKnownDevice(db: Db, id: string): Promise<void> {
  await db('known_devices').where({ id }).delete();
}

export async function sweepKnownDevices(db: Db, clock: Clock): Promise<void> {
  await db('known_devices').where('expires_at', '<', clock.now()).delete();
}
