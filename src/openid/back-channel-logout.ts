/**
 * OpenID Connect Back-Channel Logout 1.0: the engine says which applications are signed out, a job tells them. A person
 * never waits for an application.
 */
import { randomUUID } from 'node:crypto';
import type Provider from 'oidc-provider';
import type { Client } from 'oidc-provider';
import type { Logger } from 'pino';
import {
  type ClaimedNotice,
  claimLogoutNotices,
  forgetLogoutNotice,
  isOver,
  type LogoutNotice,
  postponeLogoutNotice,
} from '../applications/logout-notices.ts';
import { record } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { OutgoingFetch } from '../lib/outgoing.ts';
import { currentUnit } from './unit-of-work.ts';

const MAX_UNDER_WAY = 100;
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

interface Deps {
  readonly knex: Db;
  readonly clock: Clock;
  readonly log: Logger;
  readonly outgoingFetch: OutgoingFetch;
}

/** Has the engine's logout tokens sent by a job, once what it does is written, instead of by the request itself. */
export function enqueueLogouts(provider: Provider): void {
  const prototype = provider.Client.prototype as Client & {
    backchannelLogout(accountId: string, sid: string): Promise<void>;
  };
  prototype.backchannelLogout = async function enqueue(this: Client, accountId: string, sid: string) {
    currentUnit()?.tellLoggedOut({ clientId: this.clientId, accountId, sid });
  };
}

/** A logout token (§2.4): signed like the application's ID tokens, good for two minutes, made for each attempt. */
async function logoutToken(
  provider: Provider,
  client: Client,
  { accountId, sid }: LogoutNotice,
): Promise<string> {
  const token = new provider.IdToken({ sub: accountId }, { client });
  Object.assign(token, { mask: { sub: null } });
  token.set('events', { [EVENT]: {} });
  token.set('jti', randomUUID());
  token.set('sid', sid);
  return token.issue({ use: 'logout' });
}

/** @throws an error whose message names what went wrong and quotes nothing. */
async function send(deps: Deps, provider: Provider, client: Client, notice: LogoutNotice): Promise<void> {
  const response = await deps.outgoingFetch(client.backchannelLogoutUri as string, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': '' },
    body: new URLSearchParams({ logout_token: await logoutToken(provider, client, notice) }),
  });
  await response.body?.cancel();
  if (response.status !== 200 && response.status !== 204) throw new Error(`status ${response.status}`);
}

const reasonOf = (error: unknown): string => {
  const { name, message, code, cause } = error as Error & { code?: string };
  if (/^status \d+$/.test(message)) return message;
  const { name: causeName, code: causeCode } = (cause ?? {}) as { name?: string; code?: string };
  return causeCode ?? causeName ?? code ?? name;
};

async function deliver(deps: Deps, provider: Provider, notice: ClaimedNotice): Promise<void> {
  const { knex, clock, log } = deps;
  const { clientId, accountId, attempts } = notice;
  const client = await provider.Client.find(clientId).catch(() => undefined);
  // Unregistered, or does not want to know any more.
  if (!client?.backchannelLogoutUri) return forgetLogoutNotice(knex, notice);
  try {
    await send(deps, provider, client, notice);
  } catch (error) {
    const reason = reasonOf(error);
    if (!isOver(clock, notice)) {
      log.warn({ application: clientId, attempts, error: reason }, 'application not told of a logout yet');
      return postponeLogoutNotice(knex, clock, notice);
    }
    log.error(
      { application: clientId, attempts, error: reason },
      'application not told of a logout: given up',
    );
    await knex.transaction(async (trx) => {
      await forgetLogoutNotice(trx, notice);
      await record(trx, clock, {
        event: 'logout.undelivered',
        outcome: 'failure',
        subject: accountId,
        details: { application: clientId, attempts },
      });
    });
    return;
  }
  await forgetLogoutNotice(knex, notice);
  log.info({ application: clientId, attempts }, 'application told of a logout');
}

/**
 * @returns the job that sends every notice that is due. Requests under way do not hold up what comes after them, and however
 * many applications are dead, they hold one place of the node's queue.
 */
export function createLogoutSender(deps: Deps, provider: Provider): () => Promise<void> {
  const underWay = new Set<Promise<void>>();

  const start = (notice: ClaimedNotice) => {
    const delivery = deliver(deps, provider, notice)
      // It stays claimed, and comes back.
      .catch((error: Error) => deps.log.error({ error: error.message }, 'a logout notice was left'))
      .finally(() => underWay.delete(delivery));
    underWay.add(delivery);
  };

  return async function sendDue() {
    const isAlone = underWay.size === 0;
    while (underWay.size < MAX_UNDER_WAY) {
      const notices = await claimLogoutNotices(deps.knex, deps.clock, MAX_UNDER_WAY - underWay.size);
      if (notices.length === 0) break;
      for (const notice of notices) start(notice);
    }
    // The first one waits for all, so that a node that stops lets them finish.
    while (isAlone && underWay.size > 0) await Promise.all(underWay);
  };
}
