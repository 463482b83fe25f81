/** « Mot de passe actuel »: asked before a change of what a person signs in with. */
import type { Principal } from '../../../accounts/principals.ts';
import type { Deps } from '../../../deps.ts';
import { clientAddress, type PageContext } from '../../../http/context.ts';
import { deviceTokenOf } from '../../../http/device-cookie.ts';
import type { Fault } from '../../../lib/fault.ts';
import { checkPassword } from '../../password-check.ts';

/** The password that was proved is no longer theirs: another request was first. */
export class PasswordMovedError extends Error {
  override name = 'PasswordMovedError';
}

/** Counts a try. @returns the fault to show beside the field. */
export async function currentPasswordFault(
  deps: Deps,
  ctx: PageContext,
  principal: Principal,
  password: string,
): Promise<Fault | undefined> {
  const checked = await checkPassword(deps, {
    principal,
    password,
    source: clientAddress(ctx),
    deviceToken: deviceTokenOf(deps, ctx),
    step: 'current-password',
  });
  if (checked.verdict === 'throttled') return checked.fault;
  return checked.verdict === 'wrong' ? { key: 'fault.password.current' } : undefined;
}
