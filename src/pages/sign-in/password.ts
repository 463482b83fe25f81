/** The first step of a sign-in: an address and its password. */
import { findSignInByEmail, type Principal, updatePasswordHash } from '../../accounts/principals.ts';
import { HashQueueFullError } from '../../credentials/password-hash.ts';
import type { Deps } from '../../deps.ts';
import type { Fault } from '../../lib/fault.ts';
import { checkPassword } from '../password-check.ts';

interface Attempt {
  /** Canonical form of the address (accounts/contacts.ts). */
  readonly canonical: string;
  readonly password: string;
  /** Client address. */
  readonly source: string;
  /** What the browser holds of a device that signed in before (http/device-cookie.ts). */
  readonly deviceToken: string | undefined;
}

/**
 * Brings the stored hash up to today's settings; when the queue is full, at another sign-in.
 * @returns the principal as they are stored by then.
 */
async function rehash(
  { knex, clock, hasher }: Deps,
  principal: Principal,
  password: string,
): Promise<Principal> {
  if (!principal.passwordHash || !hasher.needsRehash(principal.passwordHash)) return principal;
  try {
    const passwordHash = await hasher.hash(password);
    await updatePasswordHash(knex, clock, principal, passwordHash);
    return { ...principal, passwordHash };
  } catch (error) {
    if (!(error instanceof HashQueueFullError)) throw error;
    return principal;
  }
}

/** A wrong address costs the same work as a wrong password, and gets the same answer. */
export async function authenticate(
  deps: Deps,
  { canonical, password, source, deviceToken }: Attempt,
): Promise<Principal | Fault> {
  const principal = await findSignInByEmail(deps.knex, canonical);
  const checked = await checkPassword(deps, {
    principal,
    unknown: canonical,
    password,
    source,
    deviceToken,
    step: 'password',
  });
  if (checked.verdict === 'throttled') return checked.fault;
  if (checked.verdict === 'wrong') return { key: 'fault.credentials' };
  return rehash(deps, checked.principal, password);
}
