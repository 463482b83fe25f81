/** The journal as a person reads it of themselves: the events that they understand, in order, and nothing secret. */
import type { Db } from '../lib/database.ts';
import type { JournalEvent } from './journal.ts';

type Details = Readonly<Record<string, unknown>>;

/** What an entry says; `kind` names the text `activity.event.*`, in which `application` is named where it is told. */
export interface Happening {
  readonly kind: string;
  /** Identifier of the application that it is about. */
  readonly application?: string | undefined;
  /** What changed (accounts/security-change.ts). */
  readonly change?: string | undefined;
  /** As in `amr` (openid/assurance.ts). */
  readonly amr?: readonly string[] | undefined;
  /** Name that the person gave, or browser and system. */
  readonly name?: string | undefined;
}

export interface Activity extends Happening {
  /** Number of the entry: where the next page starts. */
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
  readonly isFailure: boolean;
  /** Client address. */
  readonly source: string | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** A text for each of some values of a detail, and none for another. */
const by =
  (detail: string, kinds: Readonly<Record<string, string>>) =>
  (details: Details): Happening | undefined => {
    const value = text(details[detail]) ?? '';
    const kind = Object.hasOwn(kinds, value) ? kinds[value] : undefined;
    return kind === undefined ? undefined : { kind };
  };
const plain = (kind: string) => (): Happening => ({ kind });
const ofApplication =
  (kind: string) =>
  ({ application }: Details): Happening | undefined => {
    const name = text(application);
    return name ? { kind, application: name } : undefined;
  };

const HAPPENINGS: Partial<Record<JournalEvent, (details: Details) => Happening | undefined>> = {
  'account.approved': plain('account-approved'),
  'account.closed': plain('account-closed'),
  'account.reopened': plain('account-reopened'),
  'data.exported': plain('data-exported'),
  'account.counters-cleared': plain('account-unblocked'),
  'account.created': plain('account-created'),
  'account.restored': plain('account-restored'),
  'account.suspended': plain('account-suspended'),
  'application-email.chosen': ofApplication('application-email-chosen'),
  'application-email.removed': ofApplication('application-email-removed'),
  'code.refused': plain('code-refused'),
  'code.sent': by('channel', { email: 'code-sent-email', sms: 'code-sent-sms' }),
  'consent.given': ofApplication('consent-given'),
  'consent.refused': ofApplication('consent-refused'),
  'grant.revoked': ofApplication('grant-revoked'),
  'invitation.revoked': plain('invitation-revoked'),
  'member.added': plain('member-added'),
  'member.invited': plain('member-invited'),
  'notification-email.changed': plain('notification-email-changed'),
  'approval.requested': by('kind', { 'profile-change': 'profile-change-requested' }),
  'approval.withdrawn': plain('profile-change-withdrawn'),
  'profile.changed': plain('profile-changed'),
  'profile-change.approved': plain('profile-change-approved'),
  'profile-change.refused': plain('profile-change-refused'),
  'recovery-code.used': plain('recovery-code-used'),
  'security.changed': ({ change, name }) =>
    text(change) ? { kind: 'security-changed', change: text(change), name: text(name) } : undefined,
  'session.ended': ({ others, device }) =>
    others ? { kind: 'sessions-ended' } : { kind: 'session-ended', name: text(device) },
  'sign-in.blocked': plain('sign-in-blocked'),
  'sign-in.completed': ({ amr, application, steppedUp }) => ({
    kind: steppedUp ? 'stepped-up' : 'signed-in',
    amr: Array.isArray(amr) ? amr.filter((one) => typeof one === 'string') : [],
    application: text(application),
  }),
  'sign-in.refused': by('step', {
    assurance: 'refused-assurance',
    'current-password': 'refused-current-password',
    passkey: 'refused-passkey',
    password: 'refused-password',
    'recovery-code': 'refused-recovery-code',
    totp: 'refused-totp',
  }),
  'sign-out.completed': plain('signed-out'),
  'token.replayed': ofApplication('token-replayed'),
};

/** @returns undefined for an entry that means nothing to a person. */
export function happeningOf(event: string, details: Details): Happening | undefined {
  return Object.hasOwn(HAPPENINGS, event) ? HAPPENINGS[event as JournalEvent]?.(details) : undefined;
}

const EVENTS = Object.keys(HAPPENINGS);
const MEMBER = `entry::jsonb -> 'details' ->> 'member'`;

/** Entries that may mean something, of an account; of one member of it, those that they did or that are about them. */
async function listEntries(
  db: Db,
  { accountId, memberId }: { accountId: string; memberId: string | undefined },
  { before, limit }: { before: number; limit: number },
): Promise<{ seq: number; entry: string }[]> {
  const of = (condition: string, who: readonly string[]) =>
    db('journal')
      .where({ subject: accountId })
      .whereIn('event', EVENTS)
      .where('seq', '<', before)
      .whereRaw(condition, who)
      .orderBy('seq', 'desc')
      .limit(limit)
      .select('seq', 'entry');
  if (!memberId) return of('true', []);
  const own = [of('actor = ?', [memberId]), of(`${MEMBER} = ?`, [memberId])];
  return db.union(own, true).orderBy('seq', 'desc').limit(limit);
}

/**
 * What happened to who signs in, the newest first.
 * @param page how many entries of the journal are read, and the number before which they are; those that mean nothing are
 * left out.
 * @returns next: where the page after this one starts, if there is one.
 */
export async function listActivity(
  db: Db,
  who: { accountId: string; memberId: string | undefined },
  { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number | undefined; limit: number },
): Promise<{ activities: Activity[]; next: number | undefined }> {
  const rows = await listEntries(db, who, { before, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  const activities = shown.flatMap(({ seq, entry }) => {
    const { at, event, outcome, source, details = {} } = JSON.parse(entry);
    const happening = happeningOf(event, details);
    return happening
      ? [{ ...happening, seq, at, source: text(source), isFailure: outcome === 'failure' }]
      : [];
  });
  return { activities, next: rows.length > limit ? shown.at(-1)?.seq : undefined };
}
