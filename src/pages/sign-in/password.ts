/** The first step of a sign-in: an address and its password. */
import { findSignInByEmail, type Principal, updatePasswordHash } from '../../accounts/principals.ts';
import { record } from '../../audit/journal.ts';
import { HashQueueFullError } from '../../credentials/password-hash.ts';
import type { Deps } from '../../deps.ts';
import type { Fault } from '../../lib/fault.ts';
import { countGuess } from '../../throttle/guesses.ts';
import { findKnownDevice } from '../../throttle/known-devices.ts';

interface Attempt {
  /** Canonical form of the address (accounts/contacts.ts). */
  readonly canonical: string;
  readonly password: string;
  /** Client address. */
  readonly source: string;
  /** What the browser holds of a device that signed in before (http/device-cookie.ts). */
  readonly deviceToken: string | undefined;
}

/** Brings the stored hash up to today's settings; when the queue is full, at another sign-in. */
async function rehash({ knex, clock, hasher }: Deps, principal: Principal, password: string): Promise<void> {
  if (!principal.passwordHash || !hasher.needsRehash(principal.passwordHash)) return;
  try {
    await updatePasswordHash(knex, clock, principal, await hasher.hash(password));
  } catch (error) {
    if (!(error instanceof HashQueueFullError)) throw error;
  }
}

/** Counts the attempt, then compares; a wrong address costs the same work and gets the same answer. */
export async function authenticate(
  deps: Deps,
  { canonical, password, source, deviceToken }: Attempt,
): Promise<Principal | Fault> {
  const { knex, clock, hasher } = deps;
  const principal = await findSignInByEmail(knex, canonical);
  const counted = await countGuess(deps, {
    way: 'password',
    source,
    principalId: principal?.id,
    unknown: canonical,
    deviceId: await findKnownDevice(knex, deps, principal?.id, deviceToken),
  });
  if (!counted.allowed) return counted.fault;

  const matches = await hasher.verify(principal?.passwordHash, password).catch(async (error) => {
    // Not compared, so not an attempt: a full queue must not make people wait a quarter of an hour.
    await counted.notCompared();
    throw error;
  });
  if (matches) {
    // The dummy hash never matches: there is somebody.
    const found = principal as Principal;
    await counted.succeeded();
    await rehash(deps, found, password);
    return found;
  }
  await record(knex, clock, {
    event: 'sign-in.refused',
    outcome: 'failure',
    subject: principal?.account.id,
    source,
    details: { step: 'password', member: principal?.member?.id },
  });
  await counted.failed();
  return { key: 'fault.credentials' };
}
