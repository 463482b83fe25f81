import { expect } from 'chai';
import type { Account } from '../../src/accounts/accounts.ts';
import type { EnrolledFactors, Principal } from '../../src/accounts/principals.ts';
import { FACTOR_KINDS, type FactorKind } from '../../src/factors/kinds.ts';
import { ACR, type AskedAssurance } from '../../src/openid/assurance.ts';
import {
  type Choice,
  choicesOf,
  nextStep,
  type SignInState,
  type SignInStep,
} from '../../src/pages/sign-in/steps.ts';

const account = (more: Partial<Account>): Account => ({
  id: '0197f3c2-0000-7000-8000-000000000001',
  kind: 'professional',
  state: 'active',
  displayName: 'Dominique DOC0090007',
  rpps: '99700900071',
  familyName: 'DOC0090007',
  givenName: 'Dominique',
  passwordHash: '$argon2id$',
  isAdministrator: false,
  email: 'dominique@example.test',
  notificationEmail: 'other@example.test',
  phones: [],
  preferredFactor: undefined,
  reopenUntil: undefined,
  ...more,
});

const person = (
  more: Partial<Account>,
  enrolled: Partial<EnrolledFactors> = {},
  refusesEmailCode = false,
): Principal => {
  const { id, passwordHash, email, phones, preferredFactor } = account(more);
  const factors = { totp: false, passkeys: 0, recoveryCodes: 0, ...enrolled };
  return {
    id,
    account: account(more),
    member: undefined,
    passwordHash,
    email,
    phones,
    preferredFactor,
    refusesEmailCode,
    factors,
  };
};

const CHOICES: Choice[] = [
  { id: 'passkey', kind: 'passkey' },
  { id: 'totp', kind: 'totp' },
  { id: 'sms-1', kind: 'sms' },
  { id: 'email', kind: 'email' },
  { id: 'recovery-code', kind: 'recovery-code' },
];

describe('steps of a sign-in', () => {
  const cases: [string, SignInState | undefined, SignInStep][] = [
    [
      'everything proved, and the account is closed',
      { email: 'a', accountId: 'id', choiceId: 'email', proved: { acr: ACR.twoFactors, amr: [] } },
      'reopen',
    ],
    ['nothing was typed', undefined, 'password'],
    ['the password was not right yet', { email: 'a@example.test' }, 'password'],
    ['a channel is there without an account', { email: 'a@example.test', choiceId: 'email' }, 'password'],
    ['the password was right', { email: 'a@example.test', accountId: '1' }, 'choice'],
    ['a code left', { email: 'a@example.test', accountId: '1', choiceId: 'sms-1' }, 'code'],
    ['the application was chosen', { email: 'a@example.test', accountId: '1', choiceId: 'totp' }, 'totp'],
    ['a passkey was chosen', { email: 'a@example.test', accountId: '1', choiceId: 'passkey' }, 'passkey'],
    ['a spare was chosen', { email: '', accountId: '1', choiceId: 'recovery-code' }, 'recovery-code'],
    ['what was chosen is no longer there', { email: '', accountId: '1', choiceId: 'sms-2' }, 'choice'],
  ];
  for (const [when, state, step] of cases) {
    it(`is ${step} when ${when}`, () => {
      expect(nextStep(state, CHOICES)).to.equal(step);
    });
  }
});

describe('where the code of a sign-in may go', () => {
  const phones = ['+33639980007', '+33639980008'];
  const cases: [string, Partial<Account>, boolean, string[]][] = [
    ['the address that signs in, not the starred one', {}, true, ['email dominique@example.test']],
    [
      'the address first, then each phone',
      { phones },
      true,
      ['email dominique@example.test', 'sms-1 +33639980007', 'sms-2 +33639980008'],
    ],
    [
      'the phones first, in their order, for who prefers them',
      { phones, preferredFactor: 'sms' },
      true,
      ['sms-1 +33639980007', 'sms-2 +33639980008', 'email dominique@example.test'],
    ],
    [
      'no phone where no SMS is sent',
      { phones, preferredFactor: 'sms' },
      false,
      ['email dominique@example.test'],
    ],
    [
      'never the address of an administrator',
      { phones: ['+33639980099'], isAdministrator: true },
      true,
      ['sms-1 +33639980099'],
    ],
    ['nowhere for an administrator without a phone', { isAdministrator: true }, true, []],
    [
      'nowhere for an administrator where no SMS is sent',
      { phones, isAdministrator: true, preferredFactor: 'sms' },
      false,
      [],
    ],
  ];
  for (const [what, more, smsAvailable, expected] of cases) {
    it(`is ${what}`, () => {
      const choices = choicesOf(person(more), { smsAvailable, allowed: FACTOR_KINDS });
      expect(choices.map(({ id, contact }) => `${id} ${contact?.to}`)).to.deep.equal(expected);
    });
  }

  it('is shown masked', () => {
    const choices = choicesOf(person({ phones: ['+33639980007'] }), {
      smsAvailable: true,
      allowed: FACTOR_KINDS,
    });
    expect(choices.map(({ contact }) => contact?.masked)).to.deep.equal(['d***e@e***.test', '3363***07']);
  });
});

describe('which second factors a sign-in offers', () => {
  const phones = ['+33639980007'];
  const all = { totp: true, passkeys: 2, recoveryCodes: 9 };
  const { twoSteps, twoFactors, phishingResistant } = ACR;
  const essential = (...classes: string[]) => ({ classes, essential: true });
  const wish = (...classes: string[]) => ({ classes, essential: false });
  const cases: [string, Principal, AskedAssurance | undefined, string[]][] = [
    [
      'the strongest first',
      person({ phones }, all),
      undefined,
      ['passkey', 'totp', 'email', 'sms-1', 'recovery-code'],
    ],
    [
      'the chosen one first',
      person({ phones, preferredFactor: 'email' }, all),
      undefined,
      ['email', 'passkey', 'totp', 'sms-1', 'recovery-code'],
    ],
    [
      'no code by e-mail to an administrator',
      person({ isAdministrator: true }, all),
      undefined,
      ['passkey', 'totp', 'recovery-code'],
    ],
    ['what is essential alone', person({ phones }, all), essential(phishingResistant), ['passkey']],
    [
      'what was wished for, or stronger',
      person({ phones }, all),
      wish(twoFactors),
      ['passkey', 'totp', 'sms-1', 'recovery-code'],
    ],
    ['no code by e-mail to who wants none', person({ phones }, {}, true), undefined, ['sms-1']],
    [
      'no code by e-mail to who wants none, even as their own first choice',
      person({ preferredFactor: 'email' }, { totp: true }, true),
      undefined,
      ['totp'],
    ],
    ['the code by e-mail to who wants none and has nothing else', person({}, {}, true), undefined, ['email']],
    [
      'the code by e-mail to who wants none and has recovery codes alone',
      person({}, { recoveryCodes: 3 }, true),
      undefined,
      ['email', 'recovery-code'],
    ],
    ['what there is, when a wish is out of reach', person({}), wish(twoFactors), ['email']],
    ['nothing, when what is essential is out of reach', person({}), essential(twoFactors), []],
    ['what is essential, or stronger', person({}, { totp: true }), essential(twoSteps), ['totp', 'email']],
    [
      'the passkey alone of who has no other',
      person({}, { passkeys: 1 }),
      essential(twoFactors),
      ['passkey'],
    ],
    [
      'nothing below what the application lets in',
      person({ phones }),
      { ...wish(twoSteps), minimum: twoFactors },
      ['sms-1'],
    ],
  ];
  for (const [what, who, asked, expected] of cases) {
    it(`is ${what}`, () => {
      expect(
        choicesOf(who, { smsAvailable: true, allowed: FACTOR_KINDS, asked }).map(({ id }) => id),
      ).to.deep.equal(expected);
    });
  }
});

describe('which second factors count for an account', () => {
  const phones = ['+33639980007'];
  const all = { totp: true, passkeys: 1, recoveryCodes: 9 };
  const cases: [string, Principal, FactorKind[], boolean, string[]][] = [
    ['those allowed', person({ phones }, all), ['totp', 'sms'], true, ['totp', 'sms-1']],
    [
      'not the one chosen, when it is not allowed',
      person({ phones, preferredFactor: 'sms' }),
      ['email'],
      true,
      ['email'],
    ],
    ['none, when none of theirs is allowed', person({ phones }), ['passkey'], true, []],
    [
      'never e-mail for an administrator, even where it is allowed',
      person({ phones, isAdministrator: true }),
      ['email', 'sms'],
      true,
      ['sms-1'],
    ],
    [
      'e-mail for who wants none of it, when what else they have is not allowed',
      person({ phones }, { totp: true }, true),
      ['email', 'passkey'],
      true,
      ['email'],
    ],
    [
      'e-mail for who wants none of it, where no SMS is sent and they have nothing else',
      person({ phones }, {}, true),
      ['email', 'sms'],
      false,
      ['email'],
    ],
  ];
  for (const [what, who, allowed, smsAvailable, expected] of cases)
    it(`are ${what}`, () =>
      expect(choicesOf(who, { smsAvailable, allowed }).map(({ id }) => id)).to.deep.equal(expected));
});
