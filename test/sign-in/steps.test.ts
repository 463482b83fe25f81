import { expect } from 'chai';
import type { Account } from '../../src/accounts/accounts.ts';
import type { Principal } from '../../src/accounts/principals.ts';
import { contactsOf, nextStep, type SignInState, type SignInStep } from '../../src/pages/sign-in/steps.ts';

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
  prefersSms: false,
  ...more,
});

const person = (more: Partial<Account>): Principal => {
  const { id, passwordHash, email, phones, prefersSms } = account(more);
  return { id, account: account(more), member: undefined, passwordHash, email, phones, prefersSms };
};

describe('steps of a sign-in', () => {
  const cases: [string, SignInState | undefined, SignInStep][] = [
    ['nothing was typed', undefined, 'password'],
    ['the password was not right yet', { email: 'a@example.test' }, 'password'],
    ['a channel is there without an account', { email: 'a@example.test', contactId: 'email' }, 'password'],
    ['the password was right', { email: 'a@example.test', accountId: '1' }, 'channel'],
    ['a code left', { email: 'a@example.test', accountId: '1', contactId: 'sms-1' }, 'code'],
  ];
  for (const [when, state, step] of cases) {
    it(`is ${step} when ${when}`, () => {
      expect(nextStep(state)).to.equal(step);
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
      { phones, prefersSms: true },
      true,
      ['sms-1 +33639980007', 'sms-2 +33639980008', 'email dominique@example.test'],
    ],
    ['no phone where no SMS is sent', { phones, prefersSms: true }, false, ['email dominique@example.test']],
    [
      'never the address of an administrator',
      { phones: ['+33639980099'], isAdministrator: true },
      true,
      ['sms-1 +33639980099'],
    ],
    ['nowhere for an administrator without a phone', { isAdministrator: true }, true, []],
    [
      'nowhere for an administrator where no SMS is sent',
      { phones, isAdministrator: true, prefersSms: true },
      false,
      [],
    ],
  ];
  for (const [what, more, smsAvailable, expected] of cases) {
    it(`is ${what}`, () => {
      const contacts = contactsOf(person(more), { smsAvailable });
      expect(contacts.map(({ id, to }) => `${id} ${to}`)).to.deep.equal(expected);
    });
  }

  it('is shown masked', () => {
    const contacts = contactsOf(person({ phones: ['+33639980007'] }), { smsAvailable: true });
    expect(contacts.map(({ masked }) => masked)).to.deep.equal(['d***e@e***.test', '3363***07']);
  });
});
