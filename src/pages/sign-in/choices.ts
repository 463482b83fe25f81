import type { Principal } from '../../accounts/principals.ts';
import type { Deps } from '../../deps.ts';
import { factorRulesOf } from '../../factors/policy.ts';
import type { AskedAssurance } from '../../openid/assurance.ts';
import { type Choice, choicesOf } from './steps.ts';

/** What this installation lets the person prove after the password; see {@link choicesOf}. */
export const choicesFor = (
  deps: Pick<Deps, 'sms' | 'settings'>,
  principal: Principal,
  asked?: AskedAssurance,
): Choice[] => choicesOf(principal, { ...factorRulesOf(deps, principal.account), asked });
