/** A new password, typed twice: every page that asks for one checks it here. */
import { judgePassword } from '../credentials/password-policy.ts';
import type { Fields } from '../http/forms.ts';
import type { Fault } from '../lib/fault.ts';

/**
 * @param personal words that the password must not be made of.
 * @returns the faults beside their fields, `password` and `passwordConfirmation`; none when it may be used.
 */
export function newPasswordFaults(
  { password = '', passwordConfirmation = '' }: Fields,
  personal: string[],
): Record<string, Fault> {
  const judged = judgePassword(password, { personal });
  if (!judged.ok) return { password: judged.fault };
  if (passwordConfirmation === '')
    return { passwordConfirmation: { key: 'fault.required.passwordConfirmation' } };
  if (passwordConfirmation !== password) return { passwordConfirmation: { key: 'fault.password.mismatch' } };
  return {};
}
