/**
 * The journal: who did what to whom, when, from where, and how it ended. Entries are added in the transaction of what
 * they tell; the database chains them and refuses any change. Nothing secret is ever in an entry.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';

/** The closed list of events. */
export type JournalEvent =
  | 'account.approved'
  | 'account.closed'
  | 'account.erased'
  | 'account.reopened'
  | 'account.counters-cleared'
  | 'account.created'
  | 'account.refused'
  | 'account.responsible-told'
  | 'account.restored'
  | 'account.suspended'
  | 'application.refused'
  | 'application-email.chosen'
  | 'application-email.removed'
  | 'approval.requested'
  | 'approval.withdrawn'
  | 'consent.given'
  | 'consent.refused'
  | 'code.refused'
  | 'code.sent'
  | 'data.exported'
  | 'directory.imported'
  | 'grant.revoked'
  | 'invitation.revoked'
  | 'logout.undelivered'
  | 'member.added'
  | 'member.invited'
  | 'member.removed'
  | 'session.ended'
  | 'profile.changed'
  | 'profile-change.approved'
  | 'profile-change.refused'
  | 'sign-in.blocked'
  | 'sign-in.completed'
  | 'sign-in.refused'
  | 'sign-out.completed'
  | 'sign-up.contact-proved'
  | 'sign-up.identity-checked'
  | 'notification-email.changed'
  | 'recovery-code.used'
  | 'security.changed'
  | 'signing-key.created'
  | 'token.replayed'
  | 'trusted-device.added'
  | 'trusted-device.removed';

export interface JournalEntry {
  readonly event: JournalEvent;
  readonly outcome: 'success' | 'failure';
  /** Account, or member of a shared account, that acted; absent for a visitor or the system. */
  readonly actor?: string | undefined;
  /** Account acted upon. */
  readonly subject?: string | undefined;
  /** Client address of the request. */
  readonly source?: string | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
}

/** Adds one entry; call it last in a transaction, because entries are numbered one transaction at a time. */
export async function record(db: Db, clock: Clock, entry: JournalEntry): Promise<void> {
  const { event, outcome, actor, subject, source, details } = entry;
  const text = JSON.stringify({
    at: clock.now().toISOString(),
    event,
    outcome,
    actor,
    subject,
    source,
    details,
  });
  await db('journal').insert({ entry: text });
}

/** Number and digest of an entry: kept elsewhere, it proves later that the journal was not cut before it. */
export interface JournalHead {
  readonly seq: number;
  /** Hex. */
  readonly hash: string;
}

export async function findHead(db: Db): Promise<JournalHead | undefined> {
  const row = await db('journal').orderBy('seq', 'desc').first('seq', 'hash');
  return row && { seq: row.seq, hash: row.hash.toString('hex') };
}

/** Whether the journal still has this entry. */
export async function hasHead(db: Db, { seq, hash }: JournalHead): Promise<boolean> {
  return Boolean(
    await db('journal')
      .where({ seq, hash: Buffer.from(hash, 'hex') })
      .first('seq'),
  );
}

export interface ChainReport {
  readonly entries: number;
  /** Hex digest of the last entry: kept elsewhere, it proves later that nothing before it was rewritten. */
  readonly head: string;
  /** First entry that does not fit, if any. */
  readonly brokenAt: number | undefined;
}

const PAGE = 5_000;

/** Recomputes the whole chain from its entries. */
export async function verifyChain(db: Db): Promise<ChainReport> {
  let previous = Buffer.alloc(32);
  let seq = 0;
  // From below the first number: whoever can get round the triggers could put an entry there too.
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const rows = await db('journal')
      .select('seq', 'entry', 'previous_hash', 'hash')
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(PAGE);
    for (const row of rows) {
      const hash = createHash('sha256').update(previous).update(`${row.seq}\n${row.entry}`).digest();
      if (row.seq !== seq + 1 || !previous.equals(row.previous_hash) || !hash.equals(row.hash)) {
        return { entries: seq, head: previous.toString('hex'), brokenAt: row.seq };
      }
      previous = hash;
      seq = row.seq;
      after = seq;
    }
    if (rows.length < PAGE) return { entries: seq, head: previous.toString('hex'), brokenAt: undefined };
  }
}
