/** What an account that may not sign in reads, however it came: once it proved who it is, and not before. */
import type { AccountState } from '../../accounts/accounts.ts';
import type { Deps } from '../../deps.ts';

export function refusalOf({ settings }: Pick<Deps, 'settings'>, state: AccountState) {
  const supportEmail = settings.SUPPORT_EMAIL;
  return {
    kind: state === 'pending' ? 'waiting' : 'refusal',
    key: `alert.account.${state}`,
    vars: { supportEmail },
    url: `mailto:${supportEmail}`,
  };
}
