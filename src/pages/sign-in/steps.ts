/** The steps of a sign-in, as pure rules. */
import type { Principal } from '../../accounts/principals.ts';
import { type Contact, maskContact } from '../../credentials/code-delivery.ts';
import type { Notice } from '../../credentials/resend-notice.ts';
import type { FactorKind } from '../../factors/kinds.ts';
import { hasStrong } from '../../factors/policy.ts';
import {
  type AskedAssurance,
  type Assurance,
  acceptableClasses,
  assuranceOf,
} from '../../openid/assurance.ts';

export interface SignInState {
  /** What the person typed, for the form to come back filled. */
  readonly email: string;
  /** Set once the password was right, or when a session that knows it steps up. */
  readonly accountId?: string;
  /** Who acts, for a shared account. */
  readonly memberId?: string | undefined;
  /** Digest of the password and address that were right: once they are others, the sign-in begins again. */
  readonly provedBy?: string;
  /** The session that is stepped up: what it had proved, and when (seconds since the epoch). */
  readonly session?: Assurance & { readonly signedInAt: number };
  /** Chosen factor ({@link Choice}). */
  readonly choiceId?: string;
  /** Where its code went. */
  readonly sentTo?: string | undefined;
  /** About the code that was sent. */
  readonly notice?: Notice;
  /** All that was asked was proved, and the account is closed: its person is asked whether they open it again. */
  readonly proved?: Assurance;
}

export type SignInStep = 'password' | 'reopen' | 'choice' | 'code' | 'totp' | 'passkey' | 'recovery-code';

/** A second factor that this person may use now. */
export interface Choice {
  readonly id: string;
  readonly kind: FactorKind;
  /** Where the code goes, for the kinds that send one. */
  readonly contact?: Contact & { readonly masked: string };
}

const STEP_OF: Readonly<Record<FactorKind, SignInStep>> = {
  email: 'code',
  sms: 'code',
  totp: 'totp',
  passkey: 'passkey',
  'recovery-code': 'recovery-code',
};

/** The state of who chooses this. */
export const withChoice = (state: SignInState, { id, contact }: Choice): SignInState => ({
  ...state,
  choiceId: id,
  sentTo: contact?.to,
});

/** @returns what was chosen, while it is there: a code that went to a number removed since proves nothing. */
export const findChosen = (
  { choiceId, sentTo }: Pick<SignInState, 'choiceId' | 'sentTo'>,
  choices: readonly Choice[],
): Choice | undefined => choices.find(({ id, contact }) => id === choiceId && contact?.to === sentTo);

/** @returns the step at which this sign-in stands. */
export function nextStep(state: SignInState | undefined, choices: readonly Choice[]): SignInStep {
  if (!state?.accountId) return 'password';
  if (state.proved) return 'reopen';
  const choice = findChosen(state, choices);
  return choice ? STEP_OF[choice.kind] : 'choice';
}

/** Strongest first; a recovery code is for who has nothing else at hand. */
const ORDER: readonly FactorKind[] = ['passkey', 'totp', 'email', 'sms', 'recovery-code'];

function everyChoice({ email, phones, factors }: Principal, smsAvailable: boolean): Choice[] {
  const contact = (channel: 'email' | 'sms', to: string) => ({
    channel,
    to,
    masked: maskContact({ channel, to }),
  });
  return [
    ...(factors.passkeys > 0 ? [{ id: 'passkey', kind: 'passkey' as const }] : []),
    ...(factors.totp ? [{ id: 'totp', kind: 'totp' as const }] : []),
    { id: 'email', kind: 'email' as const, contact: contact('email', email) },
    ...(smsAvailable ? phones : []).map((to, index) => ({
      id: `sms-${index + 1}`,
      kind: 'sms' as const,
      contact: contact('sms', to),
    })),
    ...(factors.recoveryCodes > 0 ? [{ id: 'recovery-code', kind: 'recovery-code' as const }] : []),
  ];
}

/**
 * What the person may prove after the password, the one proposed first in front: the one they chose, else the strongest
 * they set up, else the code by e-mail. That code never opens an administrator's account: the mailbox is not a second
 * factor. Nor does it open the account of who wants no more of it, as long as they have a second factor. Nothing is offered
 * that would not reach what the application asked for.
 * @param allowed kinds that count for this account (factors/policy.ts).
 */
export function choicesOf(
  principal: Principal,
  {
    smsAvailable,
    allowed,
    asked,
  }: { smsAvailable: boolean; allowed: readonly FactorKind[]; asked?: AskedAssurance | undefined },
): Choice[] {
  const { account, preferredFactor, refusesEmailCode } = principal;
  const noEmail =
    account.isAdministrator || (refusesEmailCode && hasStrong(principal, { smsAvailable, allowed }));
  const rank = ({ kind }: Choice): number => (kind === preferredFactor ? -1 : ORDER.indexOf(kind));
  const usable = everyChoice(principal, smsAvailable)
    .filter(({ kind }) => allowed.includes(kind) && !(noEmail && kind === 'email'))
    .sort((a, b) => rank(a) - rank(b));
  const acceptable = acceptableClasses(
    asked,
    usable.map(({ kind }) => assuranceOf(kind).acr),
  );
  return usable.filter(({ kind }) => acceptable.includes(assuranceOf(kind).acr));
}
