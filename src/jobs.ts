/** Work in the background: messages as they come, sweeps every minute; every node does its share. */

import { parseCronItems, type Runner, run, Logger as WorkerLogger } from 'graphile-worker';
import type Provider from 'oidc-provider';
import { eraseClosed } from './accounts/erasure.ts';
import { SEND_LOGOUTS_TASK } from './applications/logout-notices.ts';
import { sweepRefused, withdrawStale } from './approvals/approvals.ts';
import { sendAlarms, sendDigest, sendNews, sweepDigests } from './approvals/deadlines.ts';
import { findHead } from './audit/journal.ts';
import { sweepLinks } from './credentials/one-time-links.ts';
import type { Deps } from './deps.ts';
import { sweepChallenges } from './factors/passkey-challenges.ts';
import { sweepTrustedDevices } from './factors/trusted-devices.ts';
import { sweepInvitations } from './invitations/invitations.ts';
import { sweepJourneys } from './journeys/journeys.ts';
import { rescueMessages, SEND_MESSAGE_TASK, sweepMessages } from './messages/outbox.ts';
import { sendMessage } from './messages/sender.ts';
import { sweepActingMembers } from './openid/acting-members.ts';
import { createLogoutSender } from './openid/back-channel-logout.ts';
import { sweepSessions } from './openid/browser-sessions.ts';
import { sweepKnownDevices } from './throttle/known-devices.ts';
import { type Stop, TELL_STOP_TASK, tellStop } from './throttle/stops.ts';
import { sweepThrottle } from './throttle/throttle.ts';

const CONCURRENCY = 4;

/** Starts the worker on this node. Stopping it lets what is under way finish. */
export async function startJobs(deps: Deps, provider: Provider): Promise<Runner> {
  const { knex, clock, log, pool } = deps;
  await rescueMessages(knex, clock);
  const levels = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;
  return run({
    pgPool: pool,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    pollInterval: 2_000,
    logger: new WorkerLogger(() => (level, message) => {
      log[levels[level]]({ component: 'worker' }, message);
    }),
    taskList: {
      [SEND_MESSAGE_TASK]: (payload) => sendMessage(deps, (payload as { id: string }).id),
      [TELL_STOP_TASK]: (payload) => tellStop(deps, payload as Stop),
      [SEND_LOGOUTS_TASK]: createLogoutSender(deps, provider),
      'rescue-messages': async () => {
        const count = await rescueMessages(knex, clock);
        if (count > 0) log.warn({ count }, 'messages queued again');
      },
      // The log leaves the machine: what it says of the journal's end is out of reach of who would cut it.
      'journal-head': async () => {
        const head = await findHead(knex);
        if (head) log.info(head, 'journal head');
      },
      sweep: async () => {
        await sweepJourneys(knex, clock);
        await sweepChallenges(knex, clock);
        await sweepLinks(knex, clock);
        await sweepInvitations(knex, clock);
        await sweepMessages(knex, clock);
        await sweepThrottle(knex, clock);
        await sweepKnownDevices(knex, clock);
        await sweepTrustedDevices(knex, clock);
        await deps.engineStore.sweep();
        await sweepActingMembers(knex);
        await sweepSessions(knex, clock);
      },
      'approval-deadlines': async () => {
        await withdrawStale(knex, clock);
        await sendNews(knex, deps);
        await sendDigest(knex, deps);
        await sendAlarms(knex, deps);
      },
      'sweep-approvals': async () => {
        const count = await sweepRefused(knex, clock);
        if (count > 0) log.info({ count }, 'refused accounts erased');
        await sweepDigests(knex, clock);
      },
      'erase-closed': async () => {
        const count = await eraseClosed(knex, clock);
        if (count > 0) log.info({ count }, 'closed accounts erased');
      },
    },
    parsedCronItems: parseCronItems([
      { task: 'journal-head', match: '7 * * * *', options: { backfillPeriod: 0 } },
      { task: 'rescue-messages', match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: SEND_LOGOUTS_TASK, match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: 'sweep', match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: 'approval-deadlines', match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: 'erase-closed', match: '27 * * * *', options: { backfillPeriod: 0 } },
      { task: 'sweep-approvals', match: '17 2 * * *', options: { backfillPeriod: 0 } },
    ]),
  });
}
