/** The second factors there are. Their secrets and rows are in the folders of this one; who sent which code is credentials/. */

/** `email` and `sms`: a one-time code sent there; `totp`: RFC 6238; `passkey`: WebAuthn; `recovery-code`: a look-up secret. */
export const FACTOR_KINDS = ['passkey', 'totp', 'sms', 'email', 'recovery-code'] as const;

export type FactorKind = (typeof FACTOR_KINDS)[number];
