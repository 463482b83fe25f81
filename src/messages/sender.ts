/** The job that sends one message. */
import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { claimMessage, giveUpMessage, markMessageSent, releaseMessage } from './outbox.ts';
import type { MessageRenderer } from './render.ts';
import { type SmsDriver, UndeliverableError } from './sms.ts';
import type { MailTransport } from './smtp.ts';

interface Deps {
  readonly knex: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly log: Logger;
  readonly renderer: MessageRenderer;
  readonly mail: MailTransport;
  readonly sms: SmsDriver | undefined;
}

const errorCode = (error: unknown): string => {
  const { code, responseCode, name } = error as { code?: string; responseCode?: number; name?: string };
  return [code ?? name ?? 'Error', responseCode].filter(Boolean).join(' ');
};

/** SMTP 5xx of a recipient or a message is for good (RFC 5321 §4.2.1); our own credentials can be put right. */
const isPermanent = (error: unknown): boolean => {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  return error instanceof UndeliverableError || (Number(responseCode) >= 500 && code !== 'EAUTH');
};

/** @throws when it could not be sent now: the queue tries again, later each time. */
export async function sendMessage(deps: Deps, id: string): Promise<void> {
  const { knex, clock, log, renderer } = deps;
  const claimed = await claimMessage(knex, deps, id);
  if (!claimed) return;
  const { message, isLastAttempt } = claimed;
  try {
    if (message.channel === 'email') {
      const mail = renderer.mail(message.template, message.lang, message.params as never);
      await deps.mail.send({ id, to: message.to, ...mail });
    } else if (deps.sms) {
      const text = renderer.sms(message.template, message.lang, message.params);
      await deps.sms.send({ id, to: message.to, text });
    } else {
      throw new UndeliverableError('no SMS driver is set');
    }
  } catch (error) {
    const code = errorCode(error);
    if (isPermanent(error) || isLastAttempt) {
      log.error({ message: id, channel: message.channel, error: code }, 'message given up');
      await giveUpMessage(knex, clock, id, code);
      return;
    }
    log.warn({ message: id, channel: message.channel, error: code }, 'message not sent, will be tried again');
    await releaseMessage(knex, clock, id, code);
    // A new error: the original may quote the recipient or the content, and the queue stores what it is given.
    throw new Error(code);
  }
  await markMessageSent(knex, clock, id);
  log.info({ message: id, channel: message.channel, template: message.template }, 'message sent');
}
