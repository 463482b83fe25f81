/** The steps of a sign-up against the ordinal register (RPPS number and birthdate), as pure rules. */
import { type Contact, maskContact } from '../../../credentials/code-delivery.ts';
import type { Notice } from '../../../credentials/resend-notice.ts';
import type { OrdinalEntry } from '../../../directories/ordinal-register.ts';

export interface OrdreState {
  readonly step: 'under-way';
  readonly entry: OrdinalEntry;
  /** Sign-in to come back to at the end. */
  readonly interaction: string | undefined;
  /** Application that the sign-in leads to. */
  readonly application?: { readonly name: string; readonly icon: string } | undefined;
  /** The Order's contact that receives the code. */
  readonly contact?: Contact;
  readonly contactProved?: true;
  /** The proved address already signs in to somebody's account: another one is needed. */
  readonly mustChooseAddress?: true;
  /** About the code that is out. */
  readonly notice?: Notice;
  /** Address to begin the form with: the one that the person came back from. */
  readonly typedEmail?: string | undefined;
  /** Chosen by who proved a phone; waits for its own proof. */
  readonly chosen?: {
    readonly address: string;
    readonly canonical: string;
    readonly passwordHash: string;
    /** Its link was pressed, here or in another browser. */
    readonly proved?: true;
  };
}

/** What remains of a journey that ended: the page may be loaded again, nothing else can. */
export interface DoneState {
  readonly step: 'done';
  readonly email: string;
  readonly interaction: string | undefined;
  readonly application?: { readonly name: string; readonly icon: string } | undefined;
}

export type OrdreJourneyState = OrdreState | DoneState;

export type OrdreStep =
  | 'no-contact'
  | 'contact'
  | 'code'
  | 'credentials-by-sms'
  | 'credentials-by-email'
  | 'address-code'
  | 'address-proved'
  | 'done';

/** @returns the page that is due. */
export function nextStep(state: OrdreJourneyState): OrdreStep {
  if (state.step === 'done') return 'done';
  if (contactsOf(state.entry).length === 0) return 'no-contact';
  if (!state.contact) return 'contact';
  if (!state.contactProved) return 'code';
  if (state.chosen) return state.chosen.proved ? 'address-proved' : 'address-code';
  const addressIsFixed = state.contact.channel === 'email' && !state.mustChooseAddress;
  return addressIsFixed ? 'credentials-by-email' : 'credentials-by-sms';
}

export interface OrdinalContact extends Contact {
  readonly id: string;
  readonly masked: string;
}

/** The contacts that the Order holds, the phone first. */
export function contactsOf(entry: OrdinalEntry): OrdinalContact[] {
  const contacts: (Contact & { id: string })[] = [];
  if (entry.phone) contacts.push({ id: 'sms', channel: 'sms', to: entry.phone });
  if (entry.email) contacts.push({ id: 'email', channel: 'email', to: entry.email });
  return contacts.map((contact) => ({ ...contact, masked: maskContact(contact) }));
}

/** Words that a password of this person must not be made of. */
export const personalWords = ({ entry }: OrdreState, email: string): string[] => [
  entry.familyName,
  entry.givenName,
  entry.rpps,
  entry.birthdate,
  email,
];
