/**
 * What was really done at sign-in, as `acr` and `amr` (OpenID Connect Core §2, RFC 8176). A code by e-mail is a second
 * step, not a second factor (CNIL 2025-019, NIST SP 800-63B-4): it has a level of its own, below the code by SMS. What
 * cannot be phished (a passkey) has one above.
 */
import type { FactorKind } from '../factors/kinds.ts';

/** Authentication context classes, weakest first. */
export const ACR = {
  /** Password, in a browser where the person passed a second step within 30 days and asked not to pass it again. */
  trustedDevice: 'urn:caducee:acr:2sv-device',
  /** Password, then a code sent to a proved e-mail address. */
  twoSteps: 'urn:caducee:acr:2sv-email',
  /** Password, then a second factor. */
  twoFactors: 'urn:caducee:acr:2fa',
  /** Two factors, one of which is bound to this site's address: a passkey, alone or after the password. */
  phishingResistant: 'urn:caducee:acr:2fa-phr',
} as const;

export const ACR_VALUES: readonly string[] = Object.values(ACR);

export interface Assurance {
  readonly acr: string;
  readonly amr: string[];
}

/**
 * After another proof. `email` and `recovery` are not registered by RFC 8176, which has no value for a code by e-mail nor for
 * a look-up secret (NIST SP 800-63B-4 §3.1.2).
 */
const BY_FACTOR: Readonly<Record<FactorKind, Assurance>> = {
  email: { acr: ACR.twoSteps, amr: ['email'] },
  sms: { acr: ACR.twoFactors, amr: ['sms', 'mfa'] },
  totp: { acr: ACR.twoFactors, amr: ['otp', 'mfa'] },
  'recovery-code': { acr: ACR.twoFactors, amr: ['recovery', 'mfa'] },
  passkey: { acr: ACR.phishingResistant, amr: ['pop', 'user', 'mfa'] },
};

/** A passkey that verified its user is possession and knowledge or inherence at once. */
export const PASSKEY_ALONE: Assurance = { acr: ACR.phishingResistant, amr: ['pop', 'user', 'mfa'] };

/** A password in a trusted browser. `device` is not registered by RFC 8176: no second step was passed this time. */
export const TRUSTED_DEVICE: Assurance = { acr: ACR.trustedDevice, amr: ['pwd', 'device'] };

/** Whether the person went through every step in this session, rather than a trusted browser stand in for one. */
export const isFullSignIn = (amr: readonly string[]): boolean => !amr.includes('device');

/** Of a password followed by `factor`. */
export const assuranceOf = (factor: FactorKind): Assurance => stepUp({ acr: '', amr: ['pwd'] }, factor);

/** What a person did, in the order in which they did it. */
const METHODS = {
  pwd: 'password',
  pop: 'passkey',
  otp: 'totp',
  sms: 'sms',
  email: 'email',
  recovery: 'recovery-code',
};

/** What a person recognizes in an `amr`: kinds of factors, and `password`. */
export const methodsOf = (amr: readonly string[]): string[] =>
  Object.entries(METHODS)
    .filter(([value]) => amr.includes(value))
    .map(([, method]) => method);

/** Whether `acr` is `least` or stronger; one that is not known here is weaker than all, and no class reaches an unknown `least`. */
export const isAtLeast = (acr: string | undefined, least: string): boolean =>
  ACR_VALUES.includes(least) && ACR_VALUES.indexOf(acr ?? '') >= ACR_VALUES.indexOf(least);

/** Of what was proved `before`, followed by `factor`: the stronger class, the methods of both. */
export function stepUp(before: Assurance, factor: FactorKind): Assurance {
  const { acr, amr } = BY_FACTOR[factor];
  return {
    acr: isAtLeast(before.acr, acr) ? before.acr : acr,
    amr: [...new Set([...before.amr, ...amr])],
  };
}

/** What an authorization request asks of the sign-in. */
export interface AskedAssurance {
  /** The classes asked for that exist here, the preferred one first. */
  readonly classes: readonly string[];
  /** An essential class must be reached, or the request fails; a voluntary one is a wish. */
  readonly essential: boolean;
  /** Least class at which this application lets anybody in, whatever its requests ask. */
  readonly minimum?: string;
}

/** What an application's registration adds to its requests. */
export interface ClientAssurance {
  readonly minimum?: string | undefined;
  /** Its `acr_values` is a demand, not a wish: for a client that gets no ID token, and so cannot use the claim. */
  readonly demands?: boolean | undefined;
}

const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');

function acrClaimOf(claims: unknown): { essential?: unknown; value?: unknown; values?: unknown } {
  try {
    return JSON.parse(String(claims)).id_token.acr ?? {};
  } catch {
    return {};
  }
}

/**
 * @param params of the authorization request: `claims` (JSON text) goes before `acr_values`.
 * @returns undefined when nothing that exists here is asked for; an essential request for unknown classes alone comes
 * back without any class: nothing can satisfy it.
 */
export function askedAssurance(
  params: Readonly<Record<string, unknown>>,
  { minimum, demands = false }: ClientAssurance = {},
): AskedAssurance | undefined {
  const { essential, value, values } = acrClaimOf(params.claims);
  const claimed = listOf(values ?? value);
  const listed =
    claimed.length > 0
      ? claimed
      : String(params.acr_values ?? '')
          .split(' ')
          .filter(Boolean);
  const isEssential = (demands || (essential === true && claimed.length > 0)) && listed.length > 0;
  const classes = listed.filter((one) => ACR_VALUES.includes(one));
  if (!isEssential && classes.length === 0 && !minimum) return undefined;
  return { classes, essential: isEssential, ...(minimum && { minimum }) };
}

/** Whether the request fails, rather than make do with less, when what it asks cannot be reached. */
export const isDemanded = (asked: AskedAssurance | undefined): boolean =>
  asked !== undefined && (asked.essential || asked.minimum !== undefined);

/**
 * The classes at which a sign-in may end, of those that the account can reach: never below the application's minimum.
 *
 * Essential: one of the classes asked for, or a stronger one, which includes it ({@link reportedClass}).
 * Voluntary: the first class in the application's order that the account can reach, or a stronger one; an account that
 * reaches none of them signs in as it can (OpenID Connect Core §3.1.2.1).
 */
export function acceptableClasses(
  asked: AskedAssurance | undefined,
  reachable: readonly string[],
): readonly string[] {
  if (!asked) return reachable;
  const { classes, essential, minimum } = asked;
  const allowed = reachable.filter((one) => minimum === undefined || isAtLeast(one, minimum));
  if (essential) return allowed.filter((one) => classes.some((least) => isAtLeast(one, least)));
  const target = classes.find((one) => allowed.includes(one));
  return target ? allowed.filter((one) => isAtLeast(one, target)) : allowed;
}

/** Whether a session of class `acr` answers the request without anything more from the person. */
export function isMet(asked: AskedAssurance, acr: string, reachable: readonly string[]): boolean {
  return acceptableClasses(asked, [acr, ...reachable]).includes(acr);
}

/**
 * The class that the tokens of this request tell, of a session that reached `acr`. An essential request is answered with
 * one of its own values (OpenID Connect Core §5.5.1.1): the strongest that the session includes, since a stronger sign-in
 * did all that a weaker one asks. What was really done stays in `amr`.
 */
export function reportedClass(asked: AskedAssurance | undefined, acr: string): string {
  if (!asked?.essential || asked.classes.includes(acr)) return acr;
  const reached = asked.classes.filter((one) => isAtLeast(acr, one));
  return reached.sort((a, b) => ACR_VALUES.indexOf(b) - ACR_VALUES.indexOf(a))[0] ?? acr;
}
