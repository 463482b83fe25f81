/** Carries out a change of state, all or nothing: the state, the access that ends, the mail and the journal entry. */
import type { Settings } from '../../config/settings.ts';
import { record } from '../audit/journal.ts';
import type { Lang } from '../http/texts.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { MAIL_PATHS } from '../messages/links.ts';
import { enqueueMessage, type Mail } from '../messages/outbox.ts';
import { revokeAccess } from './access.ts';
import { type Account, type AccountState, findAccount } from './accounts.ts';
import { listMembers } from './members.ts';
import { type TransitionMail, type TransitionRole, transitionOf } from './states.ts';

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
  /** Of the mail. */
  readonly lang?: Lang;
  /** Why, in words for the person: a refusal needs it. Never in the journal. */
  readonly reason?: string | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** The account is not in a state from which this actor may make this change. */
export class TransitionError extends Error {
  override readonly name = 'TransitionError';
}

/** A person acts on their own account only, an administrator never on theirs. */
const mayActOn = ({ role, accountId }: Actor, subject: string): boolean =>
  role === 'system' || (role === 'person') === (accountId === subject);

interface Person extends Pick<Account, 'givenName' | 'email' | 'notificationEmail'> {
  /** Of a shared account. */
  readonly title: string | undefined;
}

/** Who reads the mail: of a shared account, the member whose address it goes to. */
export async function readerOf(db: Db, account: Account): Promise<Person> {
  if (account.kind !== 'shared') return { ...account, title: undefined };
  const members = await listMembers(db, account.id);
  const member = members.find(({ email }) => email === account.notificationEmail);
  return { ...account, givenName: member?.givenName ?? '', title: account.displayName };
}

/** What the mail says besides its template's own words. */
function mailOf(
  mail: TransitionMail,
  { givenName, email, notificationEmail, title }: Person,
  { ISSUER, SUPPORT_EMAIL }: Settings,
  reason: string,
): Mail {
  if (mail === 'approved') {
    // Of a shared account, the address is its first member's.
    const params = {
      givenName,
      email: email || notificationEmail,
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
  return {
    channel: 'email',
    template: 'account-changed',
    params: { givenName, change: mail, supportEmail: SUPPORT_EMAIL },
  };
}

/**
 * Moves an account to another state. What it could open ends with the same commit: sessions, grants and tokens.
 *
 * @throws {TransitionError} and changes nothing when the table of transitions does not allow it, or a refusal has no
 * reason.
 */
export async function transition(db: Db, deps: Deps, change: StateChange): Promise<void> {
  const { accountId, to, by, lang = 'fr', reason = '', details } = change;
  const { clock, settings } = deps;
  if (to === 'refused' && reason.trim() === '') throw new TransitionError('a refusal needs a reason');
  await db.transaction(async (trx) => {
    const row = await trx('accounts').where({ id: accountId }).forUpdate().first('state');
    const from: AccountState | undefined = row?.state;
    const allowed = from && mayActOn(by, accountId) && transitionOf(from, to, by.role);
    if (!allowed) throw new TransitionError(`${from ?? 'no account'} → ${to} by ${by.role}`);
    const account = await findAccount(trx, accountId);

    const now = clock.now();
    await trx('accounts').where({ id: accountId }).update({ state: to, updated_at: now });
    if (allowed.ends) {
      await trx('email_addresses')
        .where({ account_id: accountId })
        .whereNull('released_at')
        .update({ released_at: now });
    }
    // Also when it becomes active: a request that was under way at an earlier change may have left something since.
    await revokeAccess(trx, accountId);
    if (account) {
      await enqueueMessage(trx, deps, {
        ...mailOf(allowed.mail, await readerOf(trx, account), settings, reason),
        to: account.notificationEmail,
        lang,
      });
    }
    await record(trx, clock, {
      event: allowed.event,
      outcome: 'success',
      actor: by.accountId,
      subject: accountId,
      source: by.source,
      details: { from, to, by: by.role, ...details },
    });
  });
}
