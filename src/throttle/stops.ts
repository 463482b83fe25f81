/**
 * A stop: so many wrong tries at one person's account that the next ones wait for long. It is recorded once, the person is
 * told at most once a day (OWASP ASVS 5.0.0, 6.3.5), and an administrator may end it.
 *
 * What a stop says is done by a job, which is queued for an address of nobody too: the request that reaches the stop takes the
 * same time either way.
 */
import type { Settings } from '../../config/settings.ts';
import { findPrincipalById, type Principal } from '../accounts/principals.ts';
import { record } from '../audit/journal.ts';
import type { Lang } from '../http/texts.ts';
import { type Clock, fromNow, SECOND } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { MAIL_PATHS } from '../messages/links.ts';
import { enqueueMessage } from '../messages/outbox.ts';
import type { MailParams } from '../messages/render.ts';
import { type Throttle, throttleRules } from './throttle.ts';
import { principalRules, type Way } from './ways.ts';

export const TELL_STOP_TASK = 'tell-stop';

export interface Stop {
  readonly way: Way;
  /** Absent when nobody has the address that was tried. */
  readonly principalId?: string | undefined;
  /** How many wrong tries led to it. */
  readonly count: number;
  /** It is one known device that is stopped. */
  readonly onKnownDevice: boolean;
  /** Client address of the last try. */
  readonly source: string;
}

interface Deps {
  readonly knex: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly throttle: Throttle;
  readonly settings: Settings;
}

function triedOf({ way, onKnownDevice }: Stop): MailParams['sign-in-blocked']['tried'] {
  if (onKnownDevice) return 'device';
  return way === 'password' || way === 'rescue' ? way : 'second-step';
}

export async function enqueueStop(db: Db, stop: Stop): Promise<void> {
  await db.raw(`SELECT graphile_worker.add_job(?, ?::json)`, [TELL_STOP_TASK, JSON.stringify(stop)]);
}

/** Every proved address of who signs in: a thief who reads one mailbox must not be the only one told. */
async function addressesOf(db: Db, { account, member }: Principal): Promise<string[]> {
  return db('email_addresses')
    .where(member ? { member_id: member.id } : { account_id: account.id, member_id: null })
    .whereNull('released_at')
    .orderBy('verified_at')
    .pluck('address');
}

const givenNameOf = ({ account, member }: Principal): string => member?.givenName ?? account.givenName;

async function mailStop(db: Db, deps: Deps, principal: Principal, stop: Stop): Promise<void> {
  const { clock, settings } = deps;
  for (const to of await addressesOf(db, principal)) {
    await enqueueMessage(db, deps, {
      channel: 'email',
      template: 'sign-in-blocked',
      to,
      lang: 'fr',
      params: {
        givenName: givenNameOf(principal),
        tried: triedOf(stop),
        count: stop.count,
        at: clock.now().toISOString(),
        source: stop.source,
        passwordForgottenUrl: `${settings.ISSUER}${MAIL_PATHS.passwordForgotten}`,
        supportEmail: settings.SUPPORT_EMAIL,
      },
    });
  }
}

/** The job: one entry in the journal, and the mail unless there was one within a day. */
export async function tellStop(deps: Deps, stop: Stop): Promise<void> {
  const { knex, clock, throttle } = deps;
  const { way, principalId, count, onKnownDevice, source } = stop;
  const { stopNoticePerAccount } = throttleRules;
  const principal = principalId ? await findPrincipalById(knex, principalId) : undefined;
  const isDue = principal && (await throttle.consume(stopNoticePerAccount, principal.id)).allowed;
  try {
    await knex.transaction(async (trx) => {
      if (isDue) await mailStop(trx, deps, principal, stop);
      await record(trx, clock, {
        event: 'sign-in.blocked',
        outcome: 'failure',
        subject: principal?.account.id,
        source,
        details: { way, count, member: principal?.member?.id, onKnownDevice: onKnownDevice || undefined },
      });
    });
  } catch (error) {
    if (isDue) await throttle.refund(stopNoticePerAccount, principal.id);
    throw error;
  }
}

/** @returns when the longest stop of this person ends by itself; undefined when they are not stopped. */
export async function findStopEnd(
  { throttle, clock }: Pick<Deps, 'throttle' | 'clock'>,
  principalId: string,
): Promise<Date | undefined> {
  let seconds = 0;
  for (const rule of principalRules) {
    const verdict = await throttle.peek(rule, principalId);
    if (!verdict.allowed && verdict.spent) seconds = Math.max(seconds, verdict.retryAfterSeconds);
  }
  return seconds > 0 ? fromNow(clock, seconds * SECOND) : undefined;
}

/** Forgets the wrong tries of a person, tells them, and records who did it. Nobody clears their own. */
export async function clearStops(
  deps: Deps,
  principal: Principal,
  { by, source, lang = 'fr' }: { by: string; source: string; lang?: Lang },
): Promise<boolean> {
  const { knex, clock, throttle, settings } = deps;
  if (by === principal.account.id) return false;
  for (const rule of principalRules) await throttle.clear(rule, principal.id);
  await knex.transaction(async (trx) => {
    for (const to of await addressesOf(trx, principal)) {
      await enqueueMessage(trx, deps, {
        channel: 'email',
        template: 'sign-in-unblocked',
        to,
        lang,
        params: {
          givenName: givenNameOf(principal),
          at: clock.now().toISOString(),
          signInUrl: `${settings.ISSUER}${MAIL_PATHS.signIn}`,
          supportEmail: settings.SUPPORT_EMAIL,
        },
      });
    }
    await record(trx, clock, {
      event: 'account.counters-cleared',
      outcome: 'success',
      actor: by,
      subject: principal.account.id,
      source,
      details: { member: principal.member?.id },
    });
  });
  return true;
}
