/**
 * Sending a code to a contact and checking what comes back, within the limits per contact, per account and per source.
 * Every journey that proves a contact goes through here.
 */
import { maskEmail, maskPhone } from '../accounts/contacts.ts';
import { record } from '../audit/journal.ts';
import type { Deps } from '../deps.ts';
import type { Lang } from '../http/texts.ts';
import { fromNow, MINUTE, SECOND } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import { accept, type Fault, type Result, refuse } from '../lib/fault.ts';
import { enqueueMessage } from '../messages/outbox.ts';
import { throttleRules } from '../throttle/throttle.ts';
import {
  type Channel,
  CODE_LIFETIME_MINUTES,
  type CodePurpose,
  createCode,
  findCurrentCode,
  RESEND_AFTER_SECONDS,
  tryCode,
} from './one-time-codes.ts';

export interface Contact {
  readonly channel: Channel;
  /** Address, or number in E.164. */
  readonly to: string;
}

export const maskContact = ({ channel, to }: Contact): string =>
  channel === 'email' ? maskEmail(to) : maskPhone(to);

interface Delivery {
  readonly journeyHash: Buffer;
  readonly purpose: CodePurpose;
  readonly contact: Contact;
  readonly lang: Lang;
  /** Account that signs in; absent while there is none. */
  readonly accountId?: string | undefined;
  /** Client address. */
  readonly source: string;
  readonly applicationName?: string | undefined;
  /** Makes the code and sends nothing: what the page shows must not tell that the address has an owner. */
  readonly silent?: boolean;
  /** The journey's current code went to this same contact. */
  readonly again?: boolean;
}

const subjectOf = ({ channel, to }: Contact): string => `${channel}:${to.toLowerCase()}`;

/** « Come back in N minutes », whole minutes rounded up. */
export const throttledFault = (retryAfterSeconds: number): Fault => ({
  key: 'fault.throttled',
  vars: { minutes: Math.max(1, Math.ceil(retryAfterSeconds / 60)) },
});

async function sendRefused(deps: Deps, delivery: Delivery): Promise<Fault | undefined> {
  const { knex, clock, throttle } = deps;
  const { contact, accountId, source, again } = delivery;
  const current = again ? await findCurrentCode(knex, clock, delivery) : undefined;
  if (current) {
    const age = (clock.now().getTime() - current.createdAt.getTime()) / SECOND;
    const seconds = Math.ceil(RESEND_AFTER_SECONDS - age);
    if (seconds > 0) return { key: 'fault.resend.tooSoon', vars: { seconds } };
  }
  const { codeSendPerContact, codeSendPerSource, codeSendPerAccount } = throttleRules;
  const verdicts = [
    await throttle.consume(codeSendPerContact, subjectOf(contact)),
    await throttle.consume(codeSendPerSource, source),
    accountId ? await throttle.consume(codeSendPerAccount, accountId) : undefined,
  ];
  for (const [index, verdict] of verdicts.entries()) {
    if (!verdict || verdict.allowed) continue;
    const fault = throttledFault(verdict.retryAfterSeconds);
    if (!again || index > 0) return fault;
    const vars = { ...fault.vars, sent: codeSendPerContact.limit };
    return { key: current ? 'fault.resend.limit' : 'fault.resend.wait', vars };
  }
  return undefined;
}

/** What a journey keeps to tell the person on its next pages: its form was answered by a redirect. */
export interface Notice extends Fault {
  readonly kind: 'success' | 'waiting';
}

/** What to tell who asked for another code to `shown`, a contact in the form that the page may show. */
export const resendNotice = (refused: Fault | undefined, shown: string): Notice =>
  refused
    ? { kind: 'waiting', ...refused }
    : { kind: 'success', key: 'alert.code.resent', vars: { masked: shown } };

/**
 * Makes a code and enqueues its message in one transaction with `also`, the journey's own step.
 * @returns the fault to show when too many were asked for.
 */
export async function deliverCode(
  deps: Deps,
  delivery: Delivery,
  also: (trx: Db) => Promise<void>,
): Promise<Fault | undefined> {
  const { knex, clock, settings } = deps;
  const { contact, purpose, lang, applicationName, silent } = delivery;
  const refused = await sendRefused(deps, delivery);
  if (refused) return refused;

  await knex.transaction(async (trx) => {
    const code = await createCode(trx, deps, { ...delivery, channel: contact.channel });
    const expiresAt = fromNow(clock, CODE_LIFETIME_MINUTES * MINUTE);
    const minutes = CODE_LIFETIME_MINUTES;
    if (!silent && contact.channel === 'email') {
      const params = { code, minutes, purpose, applicationName };
      await enqueueMessage(trx, deps, {
        channel: 'email',
        template: 'code',
        to: contact.to,
        lang,
        params,
        expiresAt,
      });
    } else if (!silent) {
      const params = { code, minutes, host: new URL(settings.ISSUER).hostname, purpose, applicationName };
      await enqueueMessage(trx, deps, {
        channel: 'sms',
        template: 'code',
        to: contact.to,
        lang,
        params,
        expiresAt,
      });
    }
    await also(trx);
    await record(trx, clock, {
      event: 'code.sent',
      outcome: 'success',
      subject: delivery.accountId,
      source: delivery.source,
      details: { purpose, channel: contact.channel },
    });
  });
  return undefined;
}

interface Check extends Pick<Delivery, 'journeyHash' | 'purpose' | 'accountId' | 'source'> {
  readonly input: string | undefined;
}

/**
 * Counts the try and compares.
 * @returns the identifier of the accepted code, which the caller uses up in its own transaction.
 */
export async function checkCode(deps: Deps, { input, ...check }: Check): Promise<Result<string>> {
  const { knex, clock, throttle } = deps;
  const { accountId, purpose, source } = check;
  const typed = (input ?? '').replace(/[\s\u00a0\u202f.-]/gu, '');
  if (typed === '') return refuse('fault.required.code');
  if (!/^[0-9]{6}$/.test(typed)) return refuse('fault.code.format');

  if (accountId) {
    const verdict = await throttle.consume(throttleRules.codeFailurePerAccount, accountId);
    if (!verdict.allowed) return { ok: false, fault: throttledFault(verdict.retryAfterSeconds) };
  }
  const answer = await tryCode(knex, deps, check, typed);
  if (answer.verdict === 'accepted') {
    if (accountId) await throttle.refund(throttleRules.codeFailurePerAccount, accountId);
    return accept(answer.id);
  }
  await record(knex, clock, {
    event: 'code.refused',
    outcome: 'failure',
    subject: accountId,
    source,
    details: { purpose, reason: answer.verdict },
  });
  if (answer.verdict === 'wrong') return refuse('fault.code.wrong', { remaining: answer.remaining });
  return refuse(answer.verdict === 'none' ? 'fault.code.expired' : `fault.code.${answer.verdict}`);
}

/** A contact that was proved starts with a clean count: only codes that nobody entered add up. */
export async function forgetSends({ throttle }: Deps, contact: Contact, accountId?: string): Promise<void> {
  await throttle.clear(throttleRules.codeSendPerContact, subjectOf(contact));
  if (accountId) await throttle.clear(throttleRules.codeSendPerAccount, accountId);
}
