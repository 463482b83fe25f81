/** What administrators are told of the queue, each thing once however many nodes run. */
import type { Settings } from '../../config/settings.ts';
import type { Lang } from '../http/texts.ts';
import type { Clock } from '../lib/clock.ts';
import { fromNow, HOUR, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { MAIL_PATHS } from '../messages/links.ts';
import { enqueueMessage, type Mail } from '../messages/outbox.ts';
import { announceWaiting, waitingSince } from './approvals.ts';
import {
  ALARM_HOURS,
  isWorkingDay,
  PROMISE_HOURS,
  parisDay,
  parisTime,
  promiseOf,
  workingHoursBetween,
} from './working-hours.ts';

/** O'clock in Paris. */
const DIGEST_HOUR = 8;
const ALARM_BATCH = 50;
const NEWS_MINUTES = 15;

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly settings: Settings;
}

const administrators = (db: Db): Promise<{ to: string; lang: Lang }[]> =>
  db('accounts')
    .join('account_roles', 'account_roles.account_id', 'accounts.id')
    .join('email_addresses', 'email_addresses.account_id', 'accounts.id')
    .where({ 'accounts.state': 'active', 'account_roles.role': 'administrator', is_notification: true })
    .orderBy('address')
    .select('address as to', 'accounts.language as lang');

async function tellAdministrators(db: Db, deps: Deps, mail: Mail): Promise<void> {
  for (const reader of await administrators(db)) await enqueueMessage(db, deps, { ...mail, ...reader });
}

/**
 * Sends the morning's digest on a working day, from 8:00 in Paris, of what waited at 8:00; nothing when nothing did.
 * @returns whether this call sent it.
 */
export async function sendDigest(db: Db, deps: Deps): Promise<boolean> {
  const { clock, settings } = deps;
  const now = clock.now();
  const day = parisDay(now);
  const due = parisTime(day, DIGEST_HOUR);
  if (!isWorkingDay(day) || now < due) return false;
  return db.transaction(async (trx) => {
    const settled = await trx('administrator_digests')
      .insert({ day, settled_at: now })
      .onConflict('day')
      .ignore()
      .returning('day');
    if (settled.length === 0) return false;
    const waiting = await waitingSince(trx, due);
    const [oldest] = waiting;
    if (!oldest) return false;
    await tellAdministrators(trx, deps, {
      channel: 'email',
      template: 'administrators-digest',
      params: {
        count: waiting.length,
        oldestHours: promiseOf(oldest, now).usedHours,
        limitHours: PROMISE_HOURS,
        late: waiting.filter((since) => promiseOf(since, now).standing === 'late').length,
        url: `${settings.ISSUER}${MAIL_PATHS.approvals}`,
      },
    });
    return true;
  });
}

/**
 * Sends one mail for all the requests that came since the last one, a quarter of an hour after that one at the soonest.
 * @returns how many requests this call told of.
 */
export async function sendNews(db: Db, deps: Deps): Promise<number> {
  const { clock, settings } = deps;
  return db.transaction(async (trx) => {
    const free = await trx('administrator_news')
      .where((due) =>
        due.whereNull('sent_at').orWhere('sent_at', '<=', fromNow(clock, -NEWS_MINUTES * MINUTE)),
      )
      .forUpdate()
      .skipLocked()
      .first();
    const count = free ? await announceWaiting(trx, clock) : 0;
    if (count === 0) return 0;
    await trx('administrator_news').update({ sent_at: clock.now() });
    await tellAdministrators(trx, deps, {
      channel: 'email',
      template: 'administrators-news',
      params: { count, url: `${settings.ISSUER}${MAIL_PATHS.approvals}` },
    });
    return count;
  });
}

/**
 * Sends one mail for all the requests that have used most of their time, each told once in its life.
 * @returns how many requests this call told of.
 */
export async function sendAlarms(db: Db, deps: Deps): Promise<number> {
  const { clock, settings } = deps;
  const now = clock.now();
  return db.transaction(async (trx) => {
    // Working hours never outnumber the real ones: what is younger cannot be due.
    const rows = await trx('approvals')
      .whereNull('decided_at')
      .whereNull('alarmed_at')
      .where('created_at', '<=', fromNow(clock, -ALARM_HOURS * HOUR))
      .orderBy('created_at')
      .limit(ALARM_BATCH)
      .forUpdate()
      .skipLocked()
      .select('id', 'created_at');
    const due = rows.filter(({ created_at }) => workingHoursBetween(created_at, now) >= ALARM_HOURS);
    if (due.length === 0) return 0;
    const ids = due.map(({ id }) => id);
    await trx('approvals').whereIn('id', ids).update({ alarmed_at: now });
    await tellAdministrators(trx, deps, {
      channel: 'email',
      template: 'administrators-alarm',
      params: {
        requests: due.map(({ id, created_at }) => ({
          since: created_at.toISOString(),
          usedHours: promiseOf(created_at, now).usedHours,
          url: `${settings.ISSUER}${MAIL_PATHS.approval(id)}`,
        })),
        alarmHours: ALARM_HOURS,
        limitHours: PROMISE_HOURS,
        url: `${settings.ISSUER}${MAIL_PATHS.approvals}`,
      },
    });
    return due.length;
  });
}

/** Older rows say nothing any more. */
export async function sweepDigests(db: Db, clock: Clock): Promise<void> {
  await db('administrator_digests')
    .where('settled_at', '<', fromNow(clock, -31 * 24 * HOUR))
    .delete();
}
