/** Carries out a change of state, all or nothing: the state, the access that ends, the mail and the journal entry. */
import type { Settings } from '../../config/settings.ts';
import { record } from '../audit/journal.ts';
import { type Clock, DAY, fromNow } from '../lib/clock.ts';
import { type Db, isUniqueViolation } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { MAIL_PATHS } from '../messages/links.ts';
import { enqueueMessage, type Mail } from '../messages/outbox.ts';
import { revokeAccess } from './access.ts';
import { type Account, type AccountState, DuplicateAccountError, findAccount } from './accounts.ts';
import { type Reader, readerOf } from './reader.ts';
import { tellResponsible } from './responsible.ts';
import {
  isReopenable,
  REOPEN_DAYS,
  type TransitionMail,
  type TransitionRole,
  transitionOf,
} from './states.ts';
import { listContacts, tellContacts } from './tell-contacts.ts';

export interface Actor {
  readonly role: TransitionRole;
  /** Account that acts; absent for the system. */
  readonly accountId?: string | undefined;
  /** Client address of the request. */
  readonly source?: string | undefined;
}

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly settings: Settings;
}

interface StateChange {
  readonly accountId: string;
  readonly to: AccountState;
  readonly by: Actor;
  /** Why, in words for the person: a refusal needs it. Never in the journal. */
  readonly reason?: string | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** The account is not in a state from which this actor may make this change. */
export class TransitionError extends Error {
  override readonly name = 'TransitionError';
}

/** Somebody must be left to administer. */
export class LastAdministratorError extends Error {
  override readonly name = 'LastAdministratorError';
}

/** @throws {LastAdministratorError} when no other active account is an administrator's. */
async function demandAnotherAdministrator(trx: Db, accountId: string): Promise<void> {
  // Two who close at the same moment pass here one after the other.
  const roles = await trx('account_roles')
    .where({ role: 'administrator' })
    .orderBy('account_id')
    .forUpdate()
    .pluck('account_id');
  if (!roles.includes(accountId)) return;
  const other = await trx('accounts')
    .whereIn('id', roles)
    .whereNot({ id: accountId })
    .where({ state: 'active' })
    .first('id');
  if (!other) throw new LastAdministratorError(`${accountId} is the last administrator`);
}

/** A person acts on their own account only, an administrator never on theirs. */
const mayActOn = ({ role, accountId }: Actor, subject: string): boolean =>
  role === 'system' || (role === 'person') === (accountId === subject);

/** What the mail says besides its template's own words. */
function mailOf(
  mail: TransitionMail,
  { givenName, title, to }: Reader,
  { email, reopenUntil }: Account,
  { ISSUER, SUPPORT_EMAIL }: Settings,
  reason: string,
): Mail {
  if (mail === 'approved') {
    // Of a shared account, the address is its first member's.
    const params = {
      givenName,
      email: email || to,
      signInUrl: `${ISSUER}${MAIL_PATHS.signIn}`,
      title,
    };
    return { channel: 'email', template: 'account-approved', params };
  }
  if (mail === 'refused') {
    const params = {
      givenName,
      reason,
      signUpUrl: `${ISSUER}${MAIL_PATHS.signUp}`,
      supportEmail: SUPPORT_EMAIL,
    };
    return { channel: 'email', template: 'account-refused', params };
  }
  if (mail === 'closing') {
    const params = {
      givenName,
      eraseAt: (reopenUntil ?? new Date(0)).toISOString(),
      days: REOPEN_DAYS,
      signInUrl: `${ISSUER}${MAIL_PATHS.signIn}`,
      supportEmail: SUPPORT_EMAIL,
    };
    return { channel: 'email', template: 'account-closing', params };
  }
  return {
    channel: 'email',
    template: 'account-changed',
    params: { givenName, change: mail, supportEmail: SUPPORT_EMAIL },
  };
}

/** Tells the person. What a thief might do in their name goes to every contact. */
async function tellPerson(
  trx: Db,
  deps: Deps,
  account: Account,
  { mail, reason }: { mail: TransitionMail; reason: string },
): Promise<void> {
  const reader = await readerOf(trx, account);
  const { lang } = reader;
  const message = mailOf(mail, reader, account, deps.settings, reason);
  if (mail === 'closing' || mail === 'reopened') {
    const contacts = await listContacts(trx, { account, member: undefined });
    const sms = { channel: 'sms', template: 'account-changed', params: { change: mail } } as const;
    return tellContacts(trx, deps, contacts, { lang, mail: message, sms });
  }
  await enqueueMessage(trx, deps, { ...message, to: reader.to, lang });
}

/**
 * Moves an account to another state. What it could open ends with the same commit: sessions, grants and tokens.
 *
 * @throws {TransitionError} and changes nothing when the table of transitions does not allow it, or a refusal has no
 * reason.
 * @throws {LastAdministratorError} when the account that would be closed is the only one that administers.
 * @throws {DuplicateAccountError} when the RPPS number of the account became another one's while it was closed.
 */
export async function transition(db: Db, deps: Deps, change: StateChange): Promise<void> {
  const { accountId, to, by, reason = '', details } = change;
  const { clock } = deps;
  if (to === 'refused' && reason.trim() === '') throw new TransitionError('a refusal needs a reason');
  await db.transaction(async (trx) => {
    const row = await trx('accounts').where({ id: accountId }).forUpdate().first('state');
    const from: AccountState | undefined = row?.state;
    const allowed = from && mayActOn(by, accountId) && transitionOf(from, to, by.role);
    if (!allowed) throw new TransitionError(`${from ?? 'no account'} → ${to} by ${by.role}`);
    const before = await findAccount(trx, accountId);
    if (from === 'closed' && !(before && isReopenable(clock, before)))
      throw new TransitionError(`${accountId} can no longer be opened again`);
    if (to === 'closed' && from === 'active') await demandAnotherAdministrator(trx, accountId);

    const now = clock.now();
    await trx('accounts')
      .where({ id: accountId })
      .update({
        state: to,
        updated_at: now,
        erase_after: to === 'closed' ? fromNow(clock, REOPEN_DAYS * DAY) : null,
        may_reopen: allowed.mayReopen ?? false,
      })
      .catch((error) => {
        throw isUniqueViolation(error, 'accounts_rpps_unique') ? new DuplicateAccountError('rpps') : error;
      });
    const account = await findAccount(trx, accountId);
    if (allowed.ends) {
      await trx('email_addresses')
        .where({ account_id: accountId })
        .whereNull('released_at')
        .update({ released_at: now });
    }
    // Also when it becomes active: a request that was under way at an earlier change may have left something since.
    await revokeAccess(trx, accountId);
    if (to === 'closed')
      for (const table of ['trusted_devices', 'known_devices'])
        await trx(table).where({ account_id: accountId }).delete();
    if (account) await tellPerson(trx, deps, account, { mail: allowed.mail, reason });
    await record(trx, clock, {
      event: allowed.event,
      outcome: 'success',
      actor: by.accountId,
      subject: accountId,
      source: by.source,
      details: { from, to, by: by.role, ...details },
    });
    if (from === 'pending' && to === 'active' && account?.kind === 'shared')
      await tellResponsible(trx, deps, account, by);
  });
}
