/**
 * Invitations to a shared account: a member names an address, its mailbox receives a link, whoever opens the mailbox
 * becomes a member. One open invitation per account and address; a new one takes the place of the one before.
 */
import { findOwnerOfEmail } from '../accounts/accounts.ts';
import { addMember, findMember, type Member, type NewMember } from '../accounts/members.ts';
import { record } from '../audit/journal.ts';
import {
  consumeLink,
  createLink,
  deleteLink,
  type LinkVerdict,
  peekLink,
} from '../credentials/one-time-links.ts';
import type { Lang } from '../http/texts.ts';
import { type Clock, DAY, fromNow } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';
import { enqueueMessage } from '../messages/outbox.ts';

export const INVITATION_DAYS = 7;
const KEEP_DAYS = 90;

export interface OpenInvitation {
  readonly id: string;
  readonly address: string;
  readonly expiresAt: Date;
}

/** What whoever holds the link may know. */
export interface Invitation {
  readonly id: string;
  readonly linkId: string;
  readonly accountId: string;
  readonly address: string;
  readonly canonical: string;
  /** « Intitulé du compte ». */
  readonly title: string;
  readonly inviter: string;
}

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
}

interface Inviting {
  readonly accountId: string;
  readonly title: string;
  readonly inviter: { readonly id: string; readonly displayName: string };
  readonly email: { readonly address: string; readonly canonical: string };
  readonly lang: Lang;
  /** Client address. */
  readonly source: string;
  readonly invitationUrl: (token: string) => string;
}

const linkOf = (invitationId: string) => ({ purpose: 'invitation', subject: invitationId }) as const;
const open = { revoked_at: null, accepted_at: null };

/** Two that touch one account's invitations or members pass one after the other. */
const lockAccount = (db: Db, accountId: string) =>
  db('accounts').where({ id: accountId }).forUpdate().first('state');

/**
 * Makes the invitation and its mail. An address that has an account already is told so in its own mailbox, and gets no
 * link; the inviter sees the same thing.
 */
export async function inviteMember(db: Db, deps: Deps, inviting: Inviting): Promise<void> {
  const { accountId, title, inviter, email, lang, source } = inviting;
  const { clock } = deps;
  await db.transaction(async (trx) => {
    await lockAccount(trx, accountId);
    // Removed while this waited: nobody comes back by an invitation of their own.
    if (!(await findMember(trx, accountId, inviter.id))) return;
    for (const { id } of await openRows(trx, accountId).where({ canonical: email.canonical })) {
      await revoke(trx, deps, id);
    }
    const id = newId();
    await trx('member_invitations').insert({
      id,
      account_id: accountId,
      address: email.address,
      canonical: email.canonical,
      invited_by: inviter.id,
      created_at: clock.now(),
      expires_at: fromNow(clock, INVITATION_DAYS * DAY),
    });
    const token = await createLink(trx, deps, {
      ...linkOf(id),
      lifetimeMinutes: INVITATION_DAYS * 24 * 60,
    });
    const mail = { channel: 'email', to: email.address, lang } as const;
    if (await findOwnerOfEmail(trx, email.canonical)) {
      const params = { inviter: inviter.displayName, title };
      await enqueueMessage(trx, deps, { ...mail, template: 'member-has-account', params });
    } else {
      const invitationUrl = inviting.invitationUrl(token);
      const params = { inviter: inviter.displayName, title, days: INVITATION_DAYS, invitationUrl };
      await enqueueMessage(trx, deps, { ...mail, template: 'member-invited', params });
    }
    await record(trx, clock, {
      event: 'member.invited',
      outcome: 'success',
      actor: inviter.id,
      subject: accountId,
      source,
      details: { invitation: id },
    });
  });
}

const openRows = (db: Db, accountId: string) =>
  db('member_invitations').where({ account_id: accountId, ...open });

async function revoke(db: Db, { clock }: Pick<Deps, 'clock'>, id: string): Promise<void> {
  await db('member_invitations')
    .where({ id, ...open })
    .update({ revoked_at: clock.now() });
  await deleteLink(db, linkOf(id));
}

/** Those that somebody may still accept, the newest first. */
export async function listOpenInvitations(
  db: Db,
  clock: Clock,
  accountId: string,
): Promise<OpenInvitation[]> {
  const rows = await openRows(db, accountId)
    .where('expires_at', '>', clock.now())
    .orderBy('created_at', 'desc');
  return rows.map((row) => ({ id: row.id, address: row.address, expiresAt: row.expires_at }));
}

/** @returns false when this account has no such invitation open. */
export async function revokeInvitation(
  db: Db,
  deps: Deps,
  { accountId, id, by, source }: { accountId: string; id: string; by: string; source: string },
): Promise<boolean> {
  return db.transaction(async (trx) => {
    await lockAccount(trx, accountId);
    if (!(await openRows(trx, accountId).where({ id }).first('id'))) return false;
    await revoke(trx, deps, id);
    await record(trx, deps.clock, {
      event: 'invitation.revoked',
      outcome: 'success',
      actor: by,
      subject: accountId,
      source,
      details: { invitation: id },
    });
    return true;
  });
}

/** Takes back what somebody who leaves had sent. */
export async function revokeInvitationsBy(db: Db, deps: Deps, { id, accountId }: Member): Promise<void> {
  for (const invitation of await openRows(db, accountId).where({ invited_by: id }).select('id'))
    await revoke(db, deps, invitation.id);
}

/** Tells what a link invites to; nothing changes by it. */
export async function peekInvitation(
  db: Db,
  deps: Deps,
  token: string,
): Promise<Invitation | Exclude<LinkVerdict['verdict'], 'open'>> {
  const link = await peekLink(db, deps, { purpose: 'invitation', token });
  if (link.verdict !== 'open') return link.verdict;
  const row = await db('member_invitations as invitation')
    .join('accounts', 'accounts.id', 'invitation.account_id')
    .join('account_members as inviter', 'inviter.id', 'invitation.invited_by')
    .where({ 'invitation.id': link.subject, 'invitation.revoked_at': null, 'invitation.accepted_at': null })
    .whereIn('accounts.state', ['pending', 'active'])
    .first('invitation.*', 'accounts.title', 'inviter.given_name', 'inviter.family_name');
  if (!row) return 'none';
  return {
    id: row.id,
    linkId: link.id,
    accountId: row.account_id,
    address: row.address,
    canonical: row.canonical,
    title: row.title,
    inviter: `${row.given_name} ${row.family_name}`,
  };
}

/**
 * Uses the invitation up and makes the member; the link proved the mailbox. Call it in a transaction and roll that back
 * when it returns undefined.
 * @returns the member's identifier; undefined when the invitation serves no more.
 * @throws {DuplicateAccountError} when the address got an account meanwhile.
 */
export async function acceptInvitation(
  db: Db,
  deps: Deps,
  { id, linkId, accountId, address, canonical }: Invitation,
  member: Omit<NewMember, 'email'>,
  source: string,
): Promise<string | undefined> {
  const { clock } = deps;
  const account = await lockAccount(db, accountId);
  if (!['pending', 'active'].includes(account?.state)) return undefined;
  if (!(await consumeLink(db, clock, linkId))) return undefined;
  const [accepted] = await db('member_invitations')
    .where({ id, account_id: accountId, canonical, ...open })
    .where('expires_at', '>', clock.now())
    .update({ accepted_at: clock.now() })
    .returning('invited_by');
  if (!accepted) return undefined;
  const email = { address, canonical };
  return addMember(db, deps, accountId, { ...member, email }, { invitedBy: accepted.invited_by, source });
}

/** Erases the addresses of those who never came, or came long ago. */
export async function sweepInvitations(db: Db, clock: Clock): Promise<void> {
  await db('member_invitations')
    .where('expires_at', '<', fromNow(clock, -KEEP_DAYS * DAY))
    .delete();
}
