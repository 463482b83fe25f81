/** What is counted against what, for every way in. Pure data: guesses.ts walks it. */
import { throttleRules as rules, type ThrottleRule } from './throttle.ts';

export const WAYS = [
  'password',
  'code',
  'totp',
  'recovery-code',
  'passkey',
  'pro-sante-connect',
  'card',
  'refresh',
  'trusted-device',
  'rescue',
] as const;

/** By what a secret is tried. */
export type Way = (typeof WAYS)[number];

export interface WayRules {
  /** One machine: counted first, so that one that has used up its tries uses up nobody's. */
  readonly perSource: ThrottleRule;
  /** One person, whatever was typed to name them. */
  readonly perPrincipal: readonly ThrottleRule[];
  /** One person on a device that knows them, in place of all others: out of a stranger's reach. */
  readonly perDevice?: readonly ThrottleRule[];
  /** One address or number, where there is no account yet. */
  readonly perContact: readonly ThrottleRule[];
  /** All of them together, by purpose. */
  readonly everywhere?: ThrottleRule;
  /** Forgotten by a success; the others only take that try back, so that the owner's success hides no stranger's tries. */
  readonly clearedBySuccess: readonly ThrottleRule[];
}

/** What is typed to pass the second step counts together: whoever is there knows the password already. */
const secondStep = {
  perSource: rules.codeFailurePerSource,
  perPrincipal: [rules.codeFailurePerAccount, rules.codeFailurePerAccountDaily],
  perContact: [],
  clearedBySuccess: [],
} as const satisfies WayRules;

/**
 * What holds 128 bits or a signature cannot be guessed: counted per source only, because a count per person would let a
 * stranger close that door with rubbish.
 */
const unguessable = {
  perSource: rules.proofFailurePerSource,
  perPrincipal: [],
  perContact: [],
  clearedBySuccess: [],
} as const satisfies WayRules;

export const wayRules: { readonly [W in Way]: WayRules } = {
  password: {
    perSource: rules.signInPerSource,
    perPrincipal: [rules.signInPerAccount, rules.signInPerAccountDaily],
    perDevice: [rules.signInPerDevice, rules.signInPerDeviceDaily],
    perContact: [],
    everywhere: rules.signInEverywhere,
    clearedBySuccess: [rules.signInPerAccount, rules.signInPerDevice],
  },
  code: {
    ...secondStep,
    perContact: [rules.codeFailurePerContact],
    everywhere: rules.codeFailureEverywhere,
  },
  totp: { ...secondStep, everywhere: rules.codeFailureEverywhere },
  'recovery-code': secondStep,
  // Looked at after the password: its count is out of a stranger's reach.
  'trusted-device': secondStep,
  passkey: unguessable,
  'pro-sante-connect': unguessable,
  card: unguessable,
  // An application's server is one source for all of its people.
  refresh: { ...unguessable, perSource: rules.tokenFailurePerSource },
  rescue: {
    perSource: rules.rescuePerSource,
    perPrincipal: [rules.rescuePerAccount, rules.rescuePerAccountDaily],
    perContact: [rules.rescuePerContact],
    everywhere: rules.rescueEverywhere,
    clearedBySuccess: [],
  },
};

/** Every rule that can stop one person, each once. */
export const principalRules: readonly ThrottleRule[] = [
  ...new Set(Object.values(wayRules).flatMap(({ perPrincipal }) => perPrincipal)),
];
