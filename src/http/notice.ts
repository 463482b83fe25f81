/** A word left for the next page, which says it once: a cookie that holds one of a few known names and nothing else. */
import type { Context } from 'koa';
import type { Settings } from '../../config/settings.ts';

const COOKIE = 'caducee_notice';
const KEEP_MS = 5 * 60 * 1000;

/** Notices, with the kind of alert that each is. */
const NOTICES = {
  'account-closed': 'success',
  'account-requested': 'waiting',
  'application-email-chosen-before': 'info',
  'application-revoked': 'success',
  'email-added': 'success',
  'email-removed': 'success',
  'email-signs-in': 'refusal',
  'email-uses-saved': 'success',
  'other-sessions-ended': 'success',
  'password-changed': 'success',
  'profile-change-decided': 'waiting',
  'profile-change-requested': 'waiting',
  'profile-change-withdrawn': 'success',
  'profile-saved': 'success',
  'session-ended': 'success',
  'shared-account-left': 'success',
  'sign-in-email-changed': 'success',
  'sign-in-unblocked': 'success',
  'workplaces-saved': 'success',
} as const;
export type Notice = keyof typeof NOTICES;

export function leaveNotice({ settings }: { settings: Settings }, ctx: Context, notice: Notice): void {
  ctx.cookies.set(COOKIE, notice, {
    maxAge: KEEP_MS,
    httpOnly: true,
    sameSite: 'lax',
    secure: settings.ISSUER.startsWith('https://'),
    signed: false,
  });
}

/** @returns the alert to show, and forgets it. */
export function takeNotice(ctx: Context): { kind: string; key: string } | undefined {
  const left = ctx.cookies.get(COOKIE, { signed: false });
  if (left === undefined) return undefined;
  ctx.cookies.set(COOKIE, null, { signed: false });
  if (!Object.hasOwn(NOTICES, left)) return undefined;
  return { kind: NOTICES[left as Notice], key: `alert.notice.${left}` };
}
