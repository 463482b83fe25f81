import nunjucks from 'nunjucks';
import { nameInGreeting } from '../accounts/names.ts';
import type { ApprovedField } from '../accounts/profile.ts';
import type { SecurityChange } from '../accounts/security-change.ts';
import type { Lang, Texts } from '../http/texts.ts';
import { dayInWords, momentInWords, VIEWS_FOLDER } from '../http/views.ts';

export type MailParams = {
  code: {
    code: string;
    minutes: number;
    purpose: 'sign-in' | 'sign-up' | 'address';
    applicationName?: string | undefined;
    /** Proves the address instead of the code. */
    confirmUrl?: string | undefined;
    /** Whose account the address is for: who receives the mail must be able to tell it from their own. */
    askedBy?: string | undefined;
  };
  'account-created': {
    givenName: string;
    email: string;
    signInUrl: string;
    /** How the identity was proved, for who never asked for this account. */
    proved?: undefined | { on: string; rpps: string; channel: 'email' | 'sms'; masked: string };
  };
  /** Invited by an address that has an account of its own: no link. */
  'member-has-account': { inviter: string; title: string };
  'member-invited': { inviter: string; title: string; days: number; invitationUrl: string };
  /** `remover` is absent for who left by themself. */
  'member-removed': { givenName: string; title: string; remover?: string | undefined; supportEmail: string };
  /** `asked` is absent where an account of its own was asked for. */
  'address-already-used': { asked?: 'addition' | undefined; signInUrl: string; passwordForgottenUrl: string };
  'rpps-already-used': { signInUrl: string; passwordForgottenUrl: string; supportEmail: string };
  /** `creator` asked for the shared account, and said that the reader, whose number is `rpps`, answers for it. */
  'shared-account-responsible': {
    givenName: string;
    title: string;
    creator: string;
    rpps: string;
    supportEmail: string;
  };
  /** `title` is a shared account's, as below; the given name is then its first member's. */
  'sign-up-received': { givenName: string; hours: number; title?: string | undefined };
  'account-approved': { givenName: string; email: string; signInUrl: string; title?: string | undefined };
  /** `reason` may have several lines. */
  'account-refused': { givenName: string; reason: string; signUpUrl: string; supportEmail: string };
  /** `title` is a shared account's, `reason` empty for an approval; it may have several lines. */
  'profile-change-decided': {
    givenName: string;
    title?: string | undefined;
    decision: 'approved' | 'refused';
    fields: readonly ApprovedField[];
    reason: string;
    profileUrl: string;
    supportEmail: string;
  };
  /** To the star of a shared account, of one of its members. */
  'member-renamed': { givenName: string; title: string; before: string; after: string; supportEmail: string };
  /** By their own person; `eraseAt` is an instant in ISO 8601. */
  'account-closing': {
    givenName: string;
    eraseAt: string;
    days: number;
    signInUrl: string;
    supportEmail: string;
  };
  'account-changed': {
    givenName: string;
    change: 'suspended' | 'restored' | 'closed' | 'reopened' | 'data-downloaded';
    supportEmail: string;
  };
  /** `oldestHours` are working hours, of the `limitHours` promised; `late` requests are beyond. */
  'administrators-digest': {
    count: number;
    oldestHours: number;
    limitHours: number;
    late: number;
    url: string;
  };
  /** `count` requests came since the last such mail. */
  'administrators-news': { count: number; url: string };
  /** `at` is an instant in ISO 8601, `source` the client address of the last of `count` tries. */
  'sign-in-blocked': {
    givenName: string;
    /** `device` is a password on a device that had signed in before. */
    tried: 'password' | 'device' | 'second-step' | 'rescue';
    count: number;
    at: string;
    source: string;
    passwordForgottenUrl: string;
    supportEmail: string;
  };
  'sign-in-unblocked': { givenName: string; at: string; signInUrl: string; supportEmail: string };
  /** `at` is an instant in ISO 8601. */
  'recovery-code-used': {
    givenName: string;
    left: number;
    at: string;
    strongAuthenticationUrl: string;
    supportEmail: string;
  };
  /** `name` is what the person called a key or a device, `email` a masked address; `at` is an instant in ISO 8601. */
  'security-changed': {
    givenName: string;
    change: SecurityChange;
    name?: string | undefined;
    email?: string | undefined;
    at: string;
    supportEmail: string;
  };
  /** Requests that used `alarmHours` of the `limitHours` promised, the oldest first; `since` in ISO 8601. */
  'administrators-alarm': {
    requests: readonly { since: string; usedHours: number; url: string }[];
    alarmHours: number;
    limitHours: number;
    url: string;
  };
};
export type SmsParams = {
  /** `host` alone, without scheme nor port: it binds the code to the site on the last line. */
  code: {
    code: string;
    minutes: number;
    host: string;
    purpose: MailParams['code']['purpose'] | 'phone';
    applicationName?: string | undefined;
  };
  'recovery-code-used': { left: number };
  'security-changed': { change: SecurityChange };
  'account-changed': { change: 'closing' | 'reopened' };
};
export type MailTemplate = keyof MailParams;
export type SmsTemplate = keyof SmsParams;

export type RenderedMail = { subject: string; text: string; html: string };

export type MessageRenderer = {
  mail<T extends MailTemplate>(template: T, lang: Lang, params: MailParams[T]): RenderedMail;
  sms<T extends SmsTemplate>(template: T, lang: Lang, params: SmsParams[T]): string;
};

const oneLine = (text: string) => text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ').trim();

const linesOf = (text: string): string[] =>
  text
    .trim()
    .split(/\r\n|[\r\n\u2028\u2029]/)
    .map(oneLine);

/** GSM 03.38, and how much of it fits in one SMS: a sign outside it, or one more, makes the message twice as dear. */
const GSM = /^[@£$¥èéùìòÇ\nØøÅåÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]{0,160}$/;

/** @param supportEmail where mails tell people to write. */
export function createMessageRenderer({
  texts,
  supportEmail,
}: {
  texts: Texts;
  supportEmail: string;
}): MessageRenderer {
  const loader = new nunjucks.FileSystemLoader(VIEWS_FOLDER, { watch: false, noCache: false });
  const options = { throwOnUndefined: false, trimBlocks: true, lstripBlocks: true };
  const asHtml = new nunjucks.Environment(loader, { ...options, autoescape: true });
  const asText = new nunjucks.Environment(new nunjucks.FileSystemLoader(VIEWS_FOLDER), {
    ...options,
    autoescape: false,
  });

  // A line break in a name could otherwise forge a line of the message; the lines of a reason, which templates indent, cannot.
  const contextOf = (lang: Lang, params: object) => ({
    supportEmail,
    ...Object.fromEntries(
      Object.entries(params).map(([name, value]) => [
        name,
        typeof value === 'string' ? oneLine(value) : value,
      ]),
    ),
    reasonLines: 'reason' in params ? linesOf(String(params.reason)) : undefined,
    ...('givenName' in params && { givenName: oneLine(nameInGreeting(String(params.givenName))) }),
    lang,
    day: dayInWords(lang),
    moment: momentInWords(lang),
    t: (key: string, vars?: Record<string, unknown>) => texts.t(lang, key, vars),
  });

  return {
    mail(template, lang, params) {
      const context = contextOf(lang, params);
      const text = asText
        .render(`mails/${template}.txt.njk`, context)
        .replace(/\n{3,}/g, '\n\n')
        .trim();
      return {
        subject: oneLine(asText.render(`mails/${template}.subject.njk`, context)),
        text: `${text}\n`,
        html: asHtml.render(`mails/${template}.html.njk`, context),
      };
    },
    sms(template, lang, params) {
      const withParams = (some: object) => asText.render(`sms/${template}.njk`, contextOf(lang, some)).trim();
      const whole = withParams(params);
      return GSM.test(whole) ? whole : withParams({ ...params, applicationName: undefined });
    },
  };
}
