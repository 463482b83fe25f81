/**
 * The address under which an application knows an account: one for each pair, always a proved address of that account,
 * which the database guarantees. It is the only `email` that the application is told.
 *
 * A shared account has one link for all its members: an application keyed on the address must find the same account
 * there whoever acts, and it sees one `sub`. The address of a member who leaves goes, and its links with it.
 */
import { lockAddresses, starEmailAddress } from '../accounts/email-addresses.ts';
import { record } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';

export interface EmailLink {
  readonly clientId: string;
  readonly emailId: string;
  readonly address: string;
}

/** Whose link, to what, and who says so. */
export interface LinkChange {
  readonly accountId: string;
  readonly clientId: string;
  /** Account, or member of a shared one, that acts. */
  readonly actor: string;
  /** Client address of the request. */
  readonly source?: string | undefined;
}

/** How an address came to be linked: the person was asked, had no other, or set it in their account. */
type How = 'asked' | 'only' | 'set';

interface Deps {
  readonly clock: Clock;
}

const linkRows = (db: Db, accountId: string) =>
  db('application_emails as link')
    .join('email_addresses as address', 'address.id', 'link.email_id')
    .where('link.account_id', accountId)
    .select('link.client_id', 'link.email_id', 'address.address');

const asLink = (row: { client_id: string; email_id: string; address: string }): EmailLink => ({
  clientId: row.client_id,
  emailId: row.email_id,
  address: row.address,
});

export async function findEmailLink(
  db: Db,
  accountId: string,
  clientId: string,
): Promise<EmailLink | undefined> {
  const row = await linkRows(db, accountId).where('link.client_id', clientId).first();
  return row && asLink(row);
}

export async function listEmailLinks(db: Db, accountId: string): Promise<EmailLink[]> {
  const rows = await linkRows(db, accountId).orderBy('link.client_id');
  return rows.map(asLink);
}

/** Whether the address is one of the account's that may be linked; it stays so until the transaction ends. */
async function holdAddress(trx: Db, accountId: string, emailId: string): Promise<boolean> {
  const row = await trx('email_addresses')
    .where({ id: emailId, account_id: accountId })
    .whereNull('released_at')
    .forShare()
    .first('id');
  return row !== undefined;
}

/** @returns false when it stood already. */
async function writeLink(
  trx: Db,
  { accountId, clientId, emailId }: Pick<LinkChange, 'accountId' | 'clientId'> & { emailId: string },
): Promise<boolean> {
  const written = await trx.raw(
    `INSERT INTO application_emails (account_id, client_id, email_id) VALUES (?, ?, ?)
     ON CONFLICT (account_id, client_id) DO UPDATE SET email_id = excluded.email_id
     WHERE application_emails.email_id <> excluded.email_id`,
    [accountId, clientId, emailId],
  );
  return written.rowCount === 1;
}

const recordLink = (
  trx: Db,
  { clock }: Deps,
  { accountId, clientId, actor, source }: LinkChange,
  { emailId, how }: { emailId: string; how: How },
) =>
  record(trx, clock, {
    event: 'application-email.chosen',
    outcome: 'success',
    actor,
    subject: accountId,
    source,
    details: { application: clientId, email: emailId, how },
  });

/**
 * Answers the question of an application that has no link yet. The first of two answers stays: the application may have
 * been told already.
 * @returns the link that stands; undefined when the address is not one of this account.
 */
export async function chooseEmail(
  db: Db,
  deps: Deps,
  change: LinkChange & { readonly emailId: string },
): Promise<EmailLink | undefined> {
  const { accountId, clientId, emailId } = change;
  return db.transaction(async (trx) => {
    if (!(await holdAddress(trx, accountId, emailId))) return undefined;
    const inserted = await trx('application_emails')
      .insert({ account_id: accountId, client_id: clientId, email_id: emailId })
      .onConflict(['account_id', 'client_id'])
      .ignore()
      .returning('email_id');
    const link = await findEmailLink(trx, accountId, clientId);
    if (inserted.length > 0) await recordLink(trx, deps, change, { emailId, how: 'asked' });
    return link;
  });
}

/** Links the only address of an account that has no other: there is nothing to ask. @returns whether a link stands. */
export async function linkOnlyEmail(db: Db, deps: Deps, change: LinkChange): Promise<boolean> {
  const { accountId, clientId } = change;
  return db.transaction(async (trx) => {
    const addresses = await trx('email_addresses')
      .where({ account_id: accountId })
      .whereNull('released_at')
      .forShare()
      .limit(2)
      .pluck('id');
    if (addresses.length === 1) {
      const [emailId] = addresses;
      const inserted = await trx('application_emails')
        .insert({ account_id: accountId, client_id: clientId, email_id: emailId })
        .onConflict(['account_id', 'client_id'])
        .ignore()
        .returning('email_id');
      if (inserted.length > 0) await recordLink(trx, deps, change, { emailId, how: 'only' });
    }
    return (await findEmailLink(trx, accountId, clientId)) !== undefined;
  });
}

/**
 * Links an address, in the place of the one that was linked.
 * @returns false, and changes nothing, when the address is not one of this account.
 */
export async function setEmailLink(
  db: Db,
  deps: Deps,
  change: LinkChange & { readonly emailId: string },
): Promise<boolean> {
  const { accountId, emailId } = change;
  return db.transaction(async (trx) => {
    if (!(await holdAddress(trx, accountId, emailId))) return false;
    if (await writeLink(trx, change)) await recordLink(trx, deps, change, { emailId, how: 'set' });
    return true;
  });
}

const recordRemoval = (trx: Db, { clock }: Deps, { accountId, clientId, actor, source }: LinkChange) =>
  record(trx, clock, {
    event: 'application-email.removed',
    outcome: 'success',
    actor,
    subject: accountId,
    source,
    details: { application: clientId },
  });

/** The application is told no address until the person is asked again. @returns false when there was no link. */
export async function removeEmailLink(db: Db, deps: Deps, change: LinkChange): Promise<boolean> {
  const { accountId, clientId } = change;
  return db.transaction(async (trx) => {
    const removed = await trx('application_emails')
      .where({ account_id: accountId, client_id: clientId })
      .delete();
    if (removed === 0) return false;
    await recordRemoval(trx, deps, change);
    return true;
  });
}

/** What one address is used for, as its owner says. */
export interface EmailUses extends Omit<LinkChange, 'clientId'> {
  readonly emailId: string;
  /** Applications that know the account by this address from now on, and those that do so no more. */
  readonly used: readonly string[];
  readonly unused: readonly string[];
  /** Gives it the star; the star is only moved, never taken away. */
  readonly isStarred: boolean;
}

/**
 * Saves them, all or nothing.
 * @returns false, and changes nothing, when the address is not one of this account.
 */
export async function saveEmailUses(db: Db, deps: Deps, uses: EmailUses): Promise<boolean> {
  const { accountId, emailId, used, unused, isStarred, actor, source } = uses;
  return db.transaction(async (trx) => {
    await lockAddresses(trx, accountId);
    if (!(await holdAddress(trx, accountId, emailId))) return false;
    const starred = isStarred && (await starEmailAddress(trx, accountId, emailId));
    const written: string[] = [];
    for (const clientId of used)
      if (await writeLink(trx, { accountId, clientId, emailId })) written.push(clientId);
    const removed = await trx('application_emails')
      .where({ account_id: accountId, email_id: emailId })
      .whereIn('client_id', [...unused])
      .delete()
      .returning('client_id');
    // The journal is written by one transaction at a time: no row is waited for from here on.
    const change = { accountId, actor, source };
    for (const clientId of written)
      await recordLink(trx, deps, { ...change, clientId }, { emailId, how: 'set' });
    for (const { client_id: clientId } of removed) await recordRemoval(trx, deps, { ...change, clientId });
    if (starred)
      await record(trx, deps.clock, {
        event: 'notification-email.changed',
        outcome: 'success',
        actor,
        subject: accountId,
        source,
        details: { email: emailId },
      });
    return true;
  });
}
