/** Work in the background: messages as they come, sweeps every minute; every node does its share. */
import { parseCronItems, type Runner, run, Logger as WorkerLogger } from 'graphile-worker';
import { sweepRefused, withdrawStale } from './approvals/approvals.ts';
import { sendAlarms, sendDigest, sweepDigests } from './approvals/deadlines.ts';
import type { Deps } from './deps.ts';
import { sweepJourneys } from './journeys/journeys.ts';
import { rescueMessages, SEND_MESSAGE_TASK, sweepMessages } from './messages/outbox.ts';
import { sendMessage } from './messages/sender.ts';
import { sweepThrottle } from './throttle/throttle.ts';

const CONCURRENCY = 4;

/** Starts the worker on this node. Stopping it lets what is under way finish. */
export async function startJobs(deps: Deps): Promise<Runner> {
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
      'rescue-messages': async () => {
        const count = await rescueMessages(knex, clock);
        if (count > 0) log.warn({ count }, 'messages queued again');
      },
      sweep: async () => {
        await sweepJourneys(knex, clock);
        await sweepMessages(knex, clock);
        await sweepThrottle(knex, clock);
        await deps.engineStore.sweep();
      },
      'approval-deadlines': async () => {
        await withdrawStale(knex, clock);
        await sendDigest(knex, deps);
        await sendAlarms(knex, deps);
      },
      'sweep-approvals': async () => {
        const count = await sweepRefused(knex, clock);
        if (count > 0) log.info({ count }, 'refused accounts erased');
        await sweepDigests(knex, clock);
      },
    },
    parsedCronItems: parseCronItems([
      { task: 'rescue-messages', match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: 'sweep', match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: 'approval-deadlines', match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: 'sweep-approvals', match: '17 2 * * *', options: { backfillPeriod: 0 } },
    ]),
  });
}
