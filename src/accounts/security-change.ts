/**
 * A change of what opens an account (password, factor, address that signs in): one function re-proves, changes, tells every
 * contact, ends the other sessions and records, all or nothing (OWASP ASVS 5.0.0, 6.3.7, 7.4.3, 7.5.1).
 */
import type { Settings } from '../../config/settings.ts';
import { type JournalEntry, record } from '../audit/journal.ts';
import type { Lang } from '../http/texts.ts';
import { type Clock, SECOND } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type KeptAccess, revokeOtherAccess } from './access.ts';
import { namesSite } from './names.ts';
import type { Principal } from './principals.ts';
import { listContacts, tellContacts } from './tell-contacts.ts';

/** Age of a full sign-in at which it no longer proves that the person is there. */
export const FRESH_SECONDS = 5 * 60;

/** What was changed; each has its texts (`mail.securityChanged.subject.*`, `.body.*`, `sms.securityChanged.*`). */
export type SecurityChange =
  | 'email-code-accepted'
  | 'email-code-refused'
  | 'email-added'
  | 'email-removed'
  | 'passkey-added'
  | 'passkey-removed'
  | 'password-changed'
  | 'phone-added'
  | 'phone-removed'
  | 'preferred-factor-changed'
  | 'recovery-codes-created'
  | 'sign-in-email-changed'
  | 'totp-added'
  | 'totp-removed';

/** A sign-in whose age was checked: the only thing that {@link changeSecurity} takes. */
export interface FreshSignIn {
  readonly principal: Principal;
  readonly kept: KeptAccess;
  readonly lang: Lang;
  /** Client address of the request. */
  readonly source: string;
}

/** @param signedInAt of the last full sign-in, in seconds since the epoch. */
export const isFresh = (clock: Clock, signedInAt: number): boolean =>
  clock.now().getTime() / SECOND - signedInAt <= FRESH_SECONDS;

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly settings: Settings;
}

/**
 * @param act makes the change itself, in the transaction of all the rest; its result is returned.
 * @param details of the journal entry; `name` (a device's, a key's), unless it looks like the address of a site, and `email`
 * (masked) go into the message too.
 */
export async function changeSecurity<T>(
  db: Db,
  deps: Deps,
  { principal, kept, lang, source }: FreshSignIn,
  { change, details }: { change: SecurityChange; details?: JournalEntry['details'] },
  act: (trx: Db) => Promise<T>,
): Promise<T> {
  const { clock, settings } = deps;
  const { account, member, id } = principal;
  return db.transaction(async (trx) => {
    // Told before the change too: a contact that it removes is told.
    const before = await listContacts(trx, principal);
    const result = await act(trx);
    const after = await listContacts(trx, principal);
    await revokeOtherAccess(trx, { accountId: account.id, memberId: member?.id }, kept);
    await trx('trusted_devices').where({ holder_id: id }).delete();
    const at = clock.now().toISOString();
    const [given, email] = [details?.name, details?.email].map((one) =>
      typeof one === 'string' ? one : undefined,
    );
    // Who got in would make their own key's name a link, in the mail that warns of it.
    const name = given !== undefined && namesSite(given) ? undefined : given;
    const givenName = member?.givenName ?? account.givenName;
    const { SUPPORT_EMAIL: supportEmail } = settings;
    const everybody = {
      addresses: [...before.addresses, ...after.addresses],
      numbers: [...before.numbers, ...after.numbers],
    };
    await tellContacts(trx, deps, everybody, {
      lang,
      mail: {
        channel: 'email',
        template: 'security-changed',
        params: { givenName, change, name, email, at, supportEmail },
      },
      sms: { channel: 'sms', template: 'security-changed', params: { change } },
    });
    await record(trx, clock, {
      event: 'security.changed',
      outcome: 'success',
      actor: id,
      subject: account.id,
      source,
      details: { change, ...details },
    });
    return result;
  });
}
