/** The steps of a sign-in, as pure rules. */
import type { Principal } from '../../accounts/principals.ts';
import { type Contact, maskContact } from '../../credentials/code-delivery.ts';
import type { Notice } from '../../credentials/resend-notice.ts';
import { type AskedAssurance, acceptableClasses, assuranceOf } from '../../openid/assurance.ts';

export interface SignInState {
  /** What the person typed, for the form to come back filled. */
  readonly email: string;
  /** Set once the password was right. */
  readonly accountId?: string;
  /** Who acts, for a shared account. */
  readonly memberId?: string | undefined;
  /** Where the current code went. */
  readonly contactId?: string;
  /** About that code. */
  readonly notice?: Notice;
}

export type SignInStep = 'password' | 'channel' | 'code';

/** @returns the step at which this sign-in stands. */
export function nextStep(state: SignInState | undefined): SignInStep {
  if (!state?.accountId) return 'password';
  return state.contactId ? 'code' : 'channel';
}

export interface ChoosableContact extends Contact {
  readonly id: string;
  readonly masked: string;
}

/**
 * Where a code may go, the first one proposed first. A code by e-mail never opens an administrator's account: the
 * mailbox is not a second factor. Nor does a code go where it would not reach what the application asked for.
 */
export function contactsOf(
  { account, email: address, phones: numbers, prefersSms }: Principal,
  { smsAvailable, asked }: { smsAvailable: boolean; asked?: AskedAssurance | undefined },
): ChoosableContact[] {
  const email = { id: 'email', channel: 'email' as const, to: address };
  const phones = numbers.map((to, index) => ({ id: `sms-${index + 1}`, channel: 'sms' as const, to }));
  const contacts: (Contact & { id: string })[] = [
    ...(account.isAdministrator ? [] : [email]),
    ...(smsAvailable ? phones : []),
  ];
  if (prefersSms) contacts.sort((a, b) => Number(b.channel === 'sms') - Number(a.channel === 'sms'));
  const classOf = ({ channel }: Contact): string => assuranceOf(channel).acr;
  const acceptable = acceptableClasses(asked, contacts.map(classOf));
  return contacts
    .filter((contact) => acceptable.includes(classOf(contact)))
    .map((contact) => ({ ...contact, masked: maskContact(contact) }));
}
