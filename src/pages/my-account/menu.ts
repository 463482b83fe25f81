/** The links of « Mon compte », on each of its pages; the first is where its own address leads. */
import { addresses } from '../addresses.ts';

/** `key` names the text `account.menu.*`. */
export interface MenuEntry {
  readonly key: string;
  readonly url: string;
}

export const MENU: readonly [MenuEntry, ...MenuEntry[]] = [
  { key: 'profile', url: addresses.myAccount },
  { key: 'contacts', url: addresses.contacts },
  { key: 'settings', url: addresses.settings },
  { key: 'strongAuthentication', url: addresses.strongAuthentication },
  { key: 'sessions', url: addresses.sessions },
  { key: 'applications', url: addresses.grantedApplications },
  { key: 'activity', url: addresses.activity },
  { key: 'personalData', url: addresses.personalData },
  { key: 'closing', url: addresses.closing },
];
