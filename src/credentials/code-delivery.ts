/**
 * Sending a code (and, beside it, a link) to a contact and checking what comes back, within the limits per contact, per account and per source.
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
import { countGuess } from '../throttle/guesses.ts';
import { type ThrottleRule, throttledFault, throttleRules } from '../throttle/throttle.ts';
import {
  type Channel,
  CODE_LIFETIME_MINUTES,
  type CodePurpose,
  createCode,
  findCurrentCode,
  RESEND_AFTER_SECONDS,
  tryCode,
} from './one-time-codes.ts';
import { createLink, type LinkKey } from './one-time-links.ts';

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
  /** Member of it, when it is shared: limits are theirs, not their colleagues'. */
  readonly memberId?: string | undefined;
  /** Client address. */
  readonly source: string;
  readonly applicationName?: string | undefined;
  /** Goes out beside a code by e-mail, for who would rather press than copy. */
  readonly link?: {
    /** Whose account the address is for. */
    readonly askedBy: string;
    /** For the page of the link. */
    readonly context: unknown;
    readonly url: (token: string) => string;
  };
  /** Makes the code and sends nothing: what the page shows must not tell that the address has an owner. */
  readonly silent?: boolean;
  /** The journey's current code went to this same contact. */
  readonly again?: boolean;
}

/** Under which a contact is counted: for one purpose, and as the one mailbox that its sub-addresses are (RFC 5233). */
const subjectOf = ({ channel, to }: Contact, purpose: CodePurpose): string =>
  `${purpose}:${channel}:${to.toLowerCase().replace(/\+[^@]*@/, '@')}`;

/**
 * Under which a person is counted. What they ask for to contacts that may be anybody's counts apart: their own sign-ins
 * forget nothing of it.
 */
const askerOf = (person: string, purpose: CodePurpose): string =>
  purpose === 'sign-in' ? person : `new-contact:${person}`;

async function sendRefused(deps: Deps, delivery: Delivery): Promise<Fault | undefined> {
  const { knex, clock, throttle } = deps;
  const { journeyHash, purpose, contact, accountId, memberId, source, again } = delivery;
  const person = memberId ?? accountId;
  const current = again ? await findCurrentCode(knex, clock, delivery) : undefined;
  if (current) {
    const age = (clock.now().getTime() - current.createdAt.getTime()) / SECOND;
    const seconds = Math.ceil(RESEND_AFTER_SECONDS - age);
    if (seconds > 0) return { key: 'fault.resend.tooSoon', vars: { seconds } };
  }
  const subject = subjectOf(contact, purpose);
  const limits: [ThrottleRule, string | undefined][] = [
    [throttleRules.codeSendPerContact, subject],
    [throttleRules.codeSendPerContactDaily, subject],
    [throttleRules.codeSendPerJourney, journeyHash.toString('hex')],
    [throttleRules.codeSendPerAccount, person && askerOf(person, purpose)],
    [throttleRules.codeSendPerSource, source],
  ];
  // One after the other: what is refused by one limit must not use up the next, which other people share.
  for (const [rule, counted] of limits) {
    const verdict = counted === undefined ? undefined : await throttle.consume(rule, counted);
    if (!verdict || verdict.allowed) continue;
    const fault = throttledFault(verdict.retryAfterSeconds);
    if (!again || rule !== throttleRules.codeSendPerContact) return fault;
    const vars = { ...fault.vars, sent: rule.limit };
    return { key: current ? 'fault.resend.limit' : 'fault.resend.wait', vars };
  }
  return undefined;
}

/** The link that proves one address to one journey: another address of the same journey has another. */
export const addressLink = (
  { keyring }: Pick<Deps, 'keyring'>,
  journeyHash: Buffer,
  address: string,
): LinkKey => {
  const ofAddress = keyring.lookupHash('one-time-link/address', address.toLowerCase());
  return { purpose: 'address', subject: `${journeyHash.toString('hex')}/${ofAddress.toString('hex')}` };
};

async function linkBesideCode(
  db: Db,
  deps: Deps,
  { journeyHash, contact, link }: Delivery,
): Promise<{ confirmUrl?: string; askedBy?: string }> {
  if (!link) return {};
  const token = await createLink(db, deps, {
    ...addressLink(deps, journeyHash, contact.to),
    lifetimeMinutes: CODE_LIFETIME_MINUTES,
    context: link.context,
  });
  return { confirmUrl: link.url(token), askedBy: link.askedBy };
}

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
    const link = await linkBesideCode(trx, deps, delivery);
    if (!silent && contact.channel === 'email') {
      if (purpose === 'phone') throw new TypeError('a phone is not proved by e-mail');
      const params = { code, minutes, purpose, applicationName, ...link };
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
      actor: delivery.memberId,
      subject: delivery.accountId,
      source: delivery.source,
      details: { purpose, channel: contact.channel },
    });
  });
  return undefined;
}

interface Check
  extends Pick<Delivery, 'journeyHash' | 'purpose' | 'contact' | 'accountId' | 'memberId' | 'source'> {
  readonly input: string | undefined;
  /** RPPS number of a sign-up: whom the tries are made against, for the journal. */
  readonly rpps?: string | undefined;
}

/**
 * Counts the try and compares.
 * @returns the identifier of the accepted code, which the caller uses up in its own transaction.
 */
export async function checkCode(deps: Deps, check: Check): Promise<Result<string>> {
  const { knex, clock } = deps;
  const { contact, accountId, memberId, purpose, source, input, rpps } = check;
  const typed = (input ?? '').replace(/[\s\u00a0\u202f.-]/gu, '');
  if (typed === '') return refuse('fault.required.code');
  if (!/^[0-9]{6}$/.test(typed)) return refuse('fault.code.format');

  const principalId = memberId ?? accountId;
  const counted = await countGuess(deps, {
    way: 'code',
    source,
    principalId,
    contact: principalId ? undefined : subjectOf(contact, purpose),
    // Anybody may begin to prove an address: a stranger could close that door for everybody.
    purpose: purpose === 'address' ? null : purpose,
  });
  if (!counted.allowed) return { ok: false, fault: counted.fault };
  const answer = await tryCode(knex, deps, check, typed);
  if (answer.verdict === 'accepted') {
    await counted.succeeded();
    return accept(answer.id);
  }
  if (answer.verdict !== 'wrong' && !answer.compared) {
    // Nothing was guessed: the code had expired, or was used, or had no try left.
    await counted.notCompared();
  } else {
    await record(knex, clock, {
      event: 'code.refused',
      outcome: 'failure',
      actor: memberId,
      subject: accountId,
      source,
      details: { purpose, reason: answer.verdict, rpps },
    });
    await counted.failed();
  }
  if (answer.verdict === 'wrong') return refuse('fault.code.wrong', { remaining: answer.remaining });
  return refuse(answer.verdict === 'none' ? 'fault.code.expired' : `fault.code.${answer.verdict}`);
}

/**
 * A contact that was proved starts with a clean count: only codes that nobody entered add up. Who adds contacts is given back
 * that one code: proving a number of one's own must not pay for codes to others'.
 * @param person account, or member of a shared one, that the codes were for.
 */
export async function forgetSends(
  { throttle }: Deps,
  contact: Contact,
  purpose: CodePurpose,
  person?: string,
): Promise<void> {
  await throttle.clear(throttleRules.codeSendPerContact, subjectOf(contact, purpose));
  if (!person) return;
  const asker = askerOf(person, purpose);
  if (purpose === 'sign-in') await throttle.clear(throttleRules.codeSendPerAccount, asker);
  else await throttle.refund(throttleRules.codeSendPerAccount, asker);
}
