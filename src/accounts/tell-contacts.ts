/** Telling a person by every contact they proved: a thief who reads one mailbox must not be the only one told. */
import type { Lang } from '../http/texts.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { enqueueMessage, type Mail, type Sms } from '../messages/outbox.ts';
import type { Principal } from './principals.ts';

export interface Contacts {
  readonly addresses: readonly string[];
  /** E.164. */
  readonly numbers: readonly string[];
}

/** Of who signs in: a member of a shared account has their own. */
export async function listContacts(
  db: Db,
  { account, member }: Pick<Principal, 'account' | 'member'>,
): Promise<Contacts> {
  const own = (table: string) =>
    db(table).where(member ? { member_id: member.id } : { account_id: account.id, member_id: null });
  const addresses = await own('email_addresses').orderBy('verified_at').select('address');
  const numbers = await own('phone_numbers').orderBy('verified_at').select('number');
  return { addresses: addresses.map(({ address }) => address), numbers: numbers.map(({ number }) => number) };
}

/** Enqueues one message for each contact; call it in the transaction of what they tell. */
export async function tellContacts(
  db: Db,
  deps: { readonly clock: Clock; readonly keyring: Keyring },
  { addresses, numbers }: Contacts,
  { lang, mail, sms }: { lang: Lang; mail: Mail; sms?: Sms },
): Promise<void> {
  for (const to of new Set(addresses)) await enqueueMessage(db, deps, { ...mail, to, lang });
  if (sms) for (const to of new Set(numbers)) await enqueueMessage(db, deps, { ...sms, to, lang });
}
