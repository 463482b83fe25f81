/** The steps of a sign-up that an administrator decides upon (doctor, secretary, shared account), as pure rules. */
import type { Notice } from '../../../credentials/resend-notice.ts';
import { placeWords } from '../../new-password.ts';
import type { Destination } from '../../sign-in/interaction.ts';

export type RequestKind = 'doctor' | 'secretary';

/** What the person declares to be. */
export interface DeclaredIdentity {
  /** TRE_G15, TRE_R94, TRE_R95 or TRE_R291 for a professional; TRE_A00 or TRE_R85 for a secretary. */
  readonly professionCode: string;
  /** TRE_R81. */
  readonly civiliteCode: string;
  readonly familyName: string;
  readonly givenName: string;
  /** 11 digits; professionals only. */
  readonly rpps?: string;
  /** Name of the account that several secretaries share; absent for a personal one. */
  readonly sharedTitle?: string;
  /** RPPS number of the professional who answers for a shared account, when one is named. */
  readonly responsibleRpps?: string;
}

export interface ChosenWorkplace {
  readonly workplaceId: string;
  /** The laboratory centre it usually works with. */
  readonly centreId?: string | undefined;
}

export interface RequestState {
  readonly step: 'under-way';
  readonly kind: RequestKind;
  readonly identity: DeclaredIdentity;
  /** Sign-in that this sign-up began from. */
  readonly interaction: string | undefined;
  /** Where that sign-in leads. */
  readonly application?: Destination | undefined;
  /** Workplaces that the national directory knows of this person, offered ticked. */
  readonly suggested: readonly string[];
  /** Line of the national directory that the identity is; absent when it was typed by hand. */
  readonly line?: string;
  /** « None of my workplaces is listed » was ticked on the page that was left by « Retour ». */
  readonly noFixedPlace?: true;
  /** Address typed before one came back to its page. */
  readonly formerAddress?: string;
  readonly workplaces?: readonly ChosenWorkplace[];
  readonly centresChosen?: true;
  readonly chosen?: { readonly address: string; readonly canonical: string };
  readonly addressProved?: true;
  /** About the code that was sent. */
  readonly notice?: Notice;
}

/** What remains of a journey that ended: the page may be loaded again, nothing else can. */
export interface RequestDone {
  readonly step: 'done';
  readonly kind: RequestKind;
}

export type RequestJourneyState = RequestState | RequestDone;

export const REQUEST_STEPS = [
  'workplaces',
  'centres',
  'address',
  'address-code',
  'credentials',
  'done',
] as const;
export type RequestStep = (typeof REQUEST_STEPS)[number];

/** @returns the page that is due. */
export function nextStep(state: RequestJourneyState): RequestStep {
  if (state.step === 'done') return 'done';
  if (!state.workplaces) return 'workplaces';
  if (!state.centresChosen) return 'centres';
  if (!state.chosen) return 'address';
  return state.addressProved ? 'credentials' : 'address-code';
}

/** The state one page earlier, which shows what was said there; undefined when that page is the first form. */
export function stepBack(state: RequestState): RequestState | undefined {
  const { workplaces, centresChosen, chosen, addressProved, notice, noFixedPlace, ...identified } = state;
  switch (nextStep(state)) {
    case 'workplaces':
      return undefined;
    case 'centres':
      return { ...identified, suggested: workplaces?.map(({ workplaceId }) => workplaceId) ?? [] };
    case 'address':
      if (!workplaces || workplaces.length === 0) return { ...identified, noFixedPlace: true };
      return { ...identified, workplaces };
    default:
      return {
        ...identified,
        ...(workplaces && { workplaces }),
        ...(centresChosen && { centresChosen }),
        ...(chosen && { formerAddress: chosen.address }),
      };
  }
}

/**
 * Words that a password of this person must not be made of.
 * @param places names and towns of their workplaces.
 */
export const personalWords = ({ identity, chosen }: RequestState, places: readonly string[]): string[] => [
  ...[identity.familyName, identity.givenName, identity.rpps, identity.sharedTitle, chosen?.address].filter(
    (word) => word !== undefined,
  ),
  ...placeWords(places),
];
