/**
 * Applications to tell that a session of theirs ended (OpenID Connect Back-Channel Logout 1.0). A notice is written with the
 * end of the session and sent by a job (openid/back-channel-logout.ts), at least once.
 */
import { type Clock, DAY, fromNow, HOUR, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';

export const SEND_LOGOUTS_TASK = 'send-logouts';

/** An application that was told too late lets its own session expire. */
export const GIVE_UP_AFTER_MS = DAY;

/** Longer than a request's time-out: until then the notice is in the hands of the node that took it. */
const CLAIM_MS = 2 * MINUTE;

export interface LogoutNotice {
  readonly clientId: string;
  /** What the application knows the session by, in its ID tokens. */
  readonly sid: string;
  /** Whose session it was. */
  readonly accountId: string;
}

export interface ClaimedNotice extends LogoutNotice {
  readonly createdAt: Date;
  /** This one included. */
  readonly attempts: number;
}

/** How long to wait after so many attempts: 1 minute, then four times as long each time, and never more than 6 hours. */
export const retryDelayMs = (attempts: number): number =>
  Math.min(6 * HOUR, MINUTE * 4 ** Math.max(0, attempts - 1));

/** Whether the next attempt would come more than a day after the end of the session. */
export const isOver = (clock: Clock, { createdAt, attempts }: ClaimedNotice): boolean =>
  fromNow(clock, retryDelayMs(attempts)).getTime() - createdAt.getTime() > GIVE_UP_AFTER_MS;

/**
 * Writes a notice for each row of `opened` (columns client_id, sid, account_id) whose application wants to be told.
 * @returns a statement, to be a part of the one that ends the session.
 */
export const toldOf = (opened: string): string => `
  INSERT INTO logout_notices (client_id, sid, account_id)
  SELECT DISTINCT client_id, sid, account_id FROM ${opened} JOIN applications USING (client_id)
  WHERE metadata ->> 'backchannel_logout_uri' IS NOT NULL
  ON CONFLICT (client_id, sid) DO UPDATE SET created_at = now(), attempts = 0, next_attempt_at = now() RETURNING 1`;

/** Has the notices sent as soon as this transaction is committed. */
export async function wakeLogoutNotices(db: Db): Promise<void> {
  await db.raw('SELECT graphile_worker.add_job(?, job_key => ?, max_attempts => 1)', [
    SEND_LOGOUTS_TASK,
    SEND_LOGOUTS_TASK,
  ]);
}

/** Takes up to `limit` notices that are due, the oldest first. */
export async function claimLogoutNotices(db: Db, clock: Clock, limit: number): Promise<ClaimedNotice[]> {
  const { rows } = await db.raw(
    `UPDATE logout_notices SET attempts = attempts + 1, next_attempt_at = greatest(now(), ?) + make_interval(secs => ?)
     WHERE (client_id, sid) IN (
       SELECT client_id, sid FROM logout_notices WHERE next_attempt_at <= greatest(now(), ?)
       ORDER BY next_attempt_at LIMIT ? FOR UPDATE SKIP LOCKED)
     RETURNING client_id, sid, account_id, created_at, attempts`,
    [clock.now(), CLAIM_MS / 1000, clock.now(), limit],
  );
  return rows.map((row: Record<string, unknown>) => ({
    clientId: row.client_id,
    sid: row.sid,
    accountId: row.account_id,
    createdAt: row.created_at,
    attempts: row.attempts,
  }));
}

// With the attempts: a session of the same name that ended meanwhile is another notice.
const rowOf = (db: Db, { clientId, sid, attempts }: ClaimedNotice) =>
  db('logout_notices').where({ client_id: clientId, sid, attempts });

/** The application knows, or nobody will tell it any more. */
export async function forgetLogoutNotice(db: Db, notice: ClaimedNotice): Promise<void> {
  await rowOf(db, notice).delete();
}

/** Lets it be sent again later. */
export async function postponeLogoutNotice(db: Db, clock: Clock, notice: ClaimedNotice): Promise<void> {
  await rowOf(db, notice).update({ next_attempt_at: fromNow(clock, retryDelayMs(notice.attempts)) });
}
