/** What an account that may not sign in reads, however it came: once it proved who it is, and not before. */
import type { AccountState } from '../../accounts/accounts.ts';
import type { Deps } from '../../deps.ts';

export function refusalOf({ settings }: Pick<Deps, 'settings'>, reason: AccountState | 'noFactor') {
  const supportEmail = settings.SUPPORT_EMAIL;
  return {
    kind: reason === 'pending' ? 'waiting' : 'refusal',
    key: `alert.account.${reason}`,
    vars: { supportEmail },
    url: `mailto:${supportEmail}`,
  };
}
