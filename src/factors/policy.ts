/** Which second factors count, for whom, which may be given up, and what to set up next. Pure rules. */
import type { Settings } from '../../config/settings.ts';
import type { Account } from '../accounts/accounts.ts';
import type { Principal } from '../accounts/principals.ts';
import type { FactorKind } from './kinds.ts';

/** Second factors that are set up once and prove possession. A code by e-mail does not; a recovery code runs out. */
export const STRONG_FACTORS = ['passkey', 'totp', 'sms'] as const satisfies FactorKind[];
export type StrongFactor = (typeof STRONG_FACTORS)[number];

const isStrong = (kind: FactorKind): kind is StrongFactor =>
  (STRONG_FACTORS as readonly FactorKind[]).includes(kind);

type PolicySettings = Pick<
  Settings,
  | 'SECOND_FACTORS_ADMINISTRATOR'
  | 'SECOND_FACTORS_PROFESSIONAL'
  | 'SECOND_FACTORS_SECRETARY'
  | 'SECOND_FACTORS_SHARED'
>;

/** The kinds that this account may sign in with, whatever was set up. */
export function allowedFactors(
  settings: PolicySettings,
  { kind, isAdministrator }: Pick<Account, 'kind' | 'isAdministrator'>,
): readonly FactorKind[] {
  if (isAdministrator) return settings.SECOND_FACTORS_ADMINISTRATOR;
  if (kind === 'professional') return settings.SECOND_FACTORS_PROFESSIONAL;
  return kind === 'secretary' ? settings.SECOND_FACTORS_SECRETARY : settings.SECOND_FACTORS_SHARED;
}

interface Circumstances {
  /** Whether this installation sends SMS. */
  readonly smsAvailable: boolean;
  /** See {@link allowedFactors}; all when absent. */
  readonly allowed?: readonly FactorKind[];
}

export type FactorRules = Required<Circumstances>;

/** What holds here for this account. */
export const factorRulesOf = (
  { settings, sms }: { settings: PolicySettings; sms: object | undefined },
  account: Pick<Account, 'kind' | 'isAdministrator'>,
): FactorRules => ({ smsAvailable: sms !== undefined, allowed: allowedFactors(settings, account) });

/** Strong factors that may be set up, best first. */
export const possibleFactors = ({ smsAvailable, allowed }: FactorRules): StrongFactor[] =>
  STRONG_FACTORS.filter((kind) => allowed.includes(kind) && (kind !== 'sms' || smsAvailable));

/**
 * Whether a browser may stand in for this person's second step. Never for an administrator; nor where a code by e-mail is not
 * accepted, because a trusted browser is less than that.
 */
export const mayTrustDevices = ({ account }: Pick<Principal, 'account'>, { allowed }: FactorRules): boolean =>
  !account.isAdministrator && allowed.includes('email');

/** How many of each strong factor the person can sign in with. */
export function countStrong(
  { phones, factors }: Pick<Principal, 'phones' | 'factors'>,
  { smsAvailable, allowed = STRONG_FACTORS }: Circumstances,
): Readonly<Record<StrongFactor, number>> {
  const counted = (kind: StrongFactor, count: number) => (allowed.includes(kind) ? count : 0);
  return {
    passkey: counted('passkey', factors.passkeys),
    totp: counted('totp', factors.totp ? 1 : 0),
    sms: counted('sms', smsAvailable ? phones.length : 0),
  };
}

const totalOf = (counts: Readonly<Record<StrongFactor, number>>): number =>
  counts.passkey + counts.totp + counts.sms;

export const hasStrong = (
  principal: Pick<Principal, 'phones' | 'factors'>,
  circumstances: Circumstances,
): boolean => totalOf(countStrong(principal, circumstances)) > 0;

/**
 * Whether one factor of this kind may go: an administrator, and anybody whom a code by e-mail does not let in, keeps one that
 * is neither that nor a recovery code.
 */
export function mayRemove(
  principal: Pick<Principal, 'account' | 'phones' | 'factors'>,
  kind: FactorKind,
  circumstances: Circumstances,
): boolean {
  const keepsOne = principal.account.isAdministrator || circumstances.allowed?.includes('email') === false;
  if (!keepsOne || !isStrong(kind)) return true;
  const counts = countStrong(principal, circumstances);
  return totalOf(counts) - Math.min(1, counts[kind]) >= 1;
}

export type Advice = StrongFactor | 'recovery-code';

/**
 * What to set up next: a second factor for who has none, the best one that is allowed; then what helps when it is lost; then
 * one that cannot be phished.
 * @returns undefined when nothing is missing.
 */
export function adviceFor(
  principal: Pick<Principal, 'phones' | 'factors'>,
  rules: FactorRules,
): Advice | undefined {
  const possible = possibleFactors(rules);
  if (!hasStrong(principal, rules)) return possible[0];
  if (principal.factors.recoveryCodes === 0 && rules.allowed.includes('recovery-code'))
    return 'recovery-code';
  const { passkey, totp } = countStrong(principal, rules);
  if (passkey > 0) return undefined;
  if (possible.includes('passkey')) return 'passkey';
  return totp === 0 && possible.includes('totp') ? 'totp' : undefined;
}
