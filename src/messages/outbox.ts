/**
 * Mails and SMS on their way out. A message is a sealed row, enqueued in the transaction of what it tells; the job only
 * names the row. Sending is at least once, by one node at a time, under one identifier that mail servers and SMS
 * operators recognise, so a message whose sender died is sent again but delivered once.
 */

import type { Lang } from '../http/texts.ts';
import { type Clock, fromNow, SECOND } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { newId } from '../lib/ids.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { MailParams, MailTemplate, SmsParams, SmsTemplate } from './render.ts';

export const SEND_MESSAGE_TASK = 'send-message';

/** Longer than a transport's own time-outs together. */
const CLAIM_MS = 60 * SECOND;
const MAX_ATTEMPTS = 12;
const KEEP_DAYS = 30;

interface Envelope {
  /** One address, or one number in E.164. */
  readonly to: string;
  readonly lang: Lang;
  /** After this it is no use any more, and is not sent. */
  readonly expiresAt?: Date;
}

export type Mail = {
  [T in MailTemplate]: { channel: 'email'; template: T; params: MailParams[T] };
}[MailTemplate];
export type Sms = { [T in SmsTemplate]: { channel: 'sms'; template: T; params: SmsParams[T] } }[SmsTemplate];
export type Message = Envelope & (Mail | Sms);

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
}

const sealPlace = (id: string): string => `messages/${id}`;

async function enqueueJob(db: Db, id: string, key: string): Promise<void> {
  await db.raw(
    `SELECT graphile_worker.add_job(?, json_build_object('id', ?::text), max_attempts => ?, job_key => ?)`,
    [SEND_MESSAGE_TASK, id, MAX_ATTEMPTS, key],
  );
}

export async function enqueueMessage(db: Db, { clock, keyring }: Deps, message: Message): Promise<string> {
  const id = newId();
  const { channel, template, expiresAt, ...content } = message;
  await db('messages').insert({
    id,
    channel,
    template,
    sealed: keyring.seal(sealPlace(id), JSON.stringify(content)),
    created_at: clock.now(),
    expires_at: expiresAt,
    rescue_at: fromNow(clock, CLAIM_MS),
  });
  await enqueueJob(db, id, `message:${id}`);
  return id;
}

export interface ClaimedMessage {
  readonly id: string;
  readonly message: Message;
  readonly isLastAttempt: boolean;
}

/** Takes a message for sending. @returns undefined when it is sent, given up, expired, or in another node's hands. */
export async function claimMessage(
  db: Db,
  { clock, keyring }: Deps,
  id: string,
): Promise<ClaimedMessage | undefined> {
  const now = clock.now();
  const [row] = await db('messages')
    .where({ id })
    .whereNull('sent_at')
    .whereNull('given_up_at')
    .where((free) => free.whereNull('claimed_until').orWhere('claimed_until', '<', now))
    .update({
      claimed_until: fromNow(clock, CLAIM_MS),
      rescue_at: fromNow(clock, CLAIM_MS),
      attempts: db.raw('attempts + 1'),
    })
    .returning(['channel', 'template', 'sealed', 'expires_at', 'attempts']);
  if (!row) return undefined;
  if (row.expires_at && row.expires_at <= now) {
    await giveUpMessage(db, clock, id, 'expired before it could be sent');
    return undefined;
  }
  if (row.attempts > MAX_ATTEMPTS) {
    // Every node that took it died, or could not read it: it would come back for ever.
    await giveUpMessage(db, clock, id, 'too many attempts');
    return undefined;
  }
  const content = JSON.parse(keyring.unseal(sealPlace(id), row.sealed));
  return {
    id,
    message: { channel: row.channel, template: row.template, ...content },
    isLastAttempt: row.attempts >= MAX_ATTEMPTS,
  };
}

export async function markMessageSent(db: Db, clock: Clock, id: string): Promise<void> {
  await db('messages')
    .where({ id })
    .update({ sent_at: clock.now(), sealed: null, claimed_until: null, rescue_at: null, last_error: null });
}

/** Lets the queue try again later. @param error a code or class name: never text that could quote the message. */
export async function releaseMessage(db: Db, clock: Clock, id: string, error: string): Promise<void> {
  await db('messages')
    .where({ id })
    .update({ claimed_until: null, rescue_at: fromNow(clock, 10 * CLAIM_MS), last_error: error });
}

export async function giveUpMessage(db: Db, clock: Clock, id: string, error: string): Promise<void> {
  await db('messages').where({ id }).update({
    given_up_at: clock.now(),
    sealed: null,
    claimed_until: null,
    rescue_at: null,
    last_error: error,
  });
}

/** Queues again the messages whose job went down with its node. @returns how many. */
export async function rescueMessages(db: Db, clock: Clock): Promise<number> {
  const now = clock.now();
  return db.transaction(async (trx) => {
    const rows = await trx('messages')
      .whereNotNull('rescue_at')
      .where('rescue_at', '<', now)
      .limit(500)
      .forUpdate()
      .skipLocked()
      .select('id');
    for (const { id } of rows) {
      await trx('messages')
        .where({ id })
        .update({ rescue_at: fromNow(clock, CLAIM_MS) });
      await enqueueJob(trx, id, `message:${id}:${now.getTime()}`);
    }
    return rows.length;
  });
}

export async function sweepMessages(db: Db, clock: Clock): Promise<void> {
  await db('messages')
    .where('created_at', '<', fromNow(clock, -KEEP_DAYS * 24 * 3600 * SECOND))
    .delete();
}
