/**
 * What was really done at sign-in, as `acr` and `amr` (OpenID Connect Core §2, RFC 8176). A code by e-mail is a second
 * step, not a second factor (CNIL 2025-019, NIST SP 800-63B-4): it has a level of its own, below the code by SMS.
 */
import type { Channel } from '../credentials/one-time-codes.ts';

/** Authentication context classes, weakest first. */
export const ACR = {
  /** Password, then a code sent to a proved e-mail address. */
  twoSteps: 'urn:caducee:acr:2sv-email',
  /** Password, then a second factor. */
  twoFactors: 'urn:caducee:acr:2fa',
} as const;

export const ACR_VALUES: readonly string[] = Object.values(ACR);

/** `email` is not registered by RFC 8176, which has no value for a code by e-mail. */
const BY_CHANNEL: Readonly<Record<Channel, { acr: string; amr: string[] }>> = {
  email: { acr: ACR.twoSteps, amr: ['pwd', 'email'] },
  sms: { acr: ACR.twoFactors, amr: ['pwd', 'sms', 'mfa'] },
};

export const assuranceOf = (channel: Channel): { acr: string; amr: string[] } => BY_CHANNEL[channel];
