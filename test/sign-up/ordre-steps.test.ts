import { expect } from 'chai';
import type { OrdinalEntry } from '../../src/directories/ordinal-register.ts';
import {
  contactsOf,
  nextStep,
  type OrdreState,
  type OrdreStep,
  personalWords,
} from '../../src/pages/sign-up/ordre/steps.ts';

const PHONE = '+33639980001';
const EMAIL = 'alix@example.test';

const entry = (contacts: { phone?: string; email?: string }): OrdinalEntry => ({
  rpps: '99700900014',
  familyName: 'DOC0090001',
  givenName: 'Alix',
  civiliteCode: 'MME',
  civiliteExerciceCode: 'DR',
  professionCode: '10',
  birthdate: '1980-06-17',
  phone: contacts.phone,
  email: contacts.email,
});

const both = entry({ phone: PHONE, email: EMAIL });
const chosen = {
  address: 'a@example.test',
  canonical: 'a@example.test',
  passwordHash: '$argon2id$',
};
const sms = { channel: 'sms', to: PHONE } as const;
const email = { channel: 'email', to: EMAIL } as const;

describe('steps of a sign-up by RPPS', () => {
  const cases: [string, Partial<OrdreState>, OrdreStep][] = [
    ['nobody can be reached', { entry: entry({}) }, 'no-contact'],
    [
      'nobody can be reached any more, though a contact was proved',
      { entry: entry({}), contact: sms },
      'no-contact',
    ],
    ['the pair was found', {}, 'contact'],
    ['one contact is known', { entry: entry({ phone: PHONE }) }, 'contact'],
    ['a code left for the phone', { contact: sms }, 'code'],
    ['a code left for the address', { contact: email }, 'code'],
    ['a proof is there before a contact', { contactProved: true }, 'contact'],
    ['an address was chosen before the contact was proved', { contact: sms, chosen }, 'code'],
    ['the phone is proved', { contact: sms, contactProved: true }, 'credentials-by-sms'],
    ['the address is proved', { contact: email, contactProved: true }, 'credentials-by-email'],
    [
      "the proved address is somebody's",
      { contact: email, contactProved: true, mustChooseAddress: true },
      'credentials-by-sms',
    ],
    ['an address was chosen', { contact: sms, contactProved: true, chosen }, 'address-code'],
    [
      'another address was chosen',
      { contact: email, contactProved: true, mustChooseAddress: true, chosen },
      'address-code',
    ],
  ];
  for (const [when, state, step] of cases) {
    it(`is ${step} when ${when}`, () => {
      expect(nextStep({ step: 'under-way', entry: both, interaction: undefined, ...state })).to.equal(step);
    });
  }

  it('is done at the end, for good', () => {
    expect(nextStep({ step: 'done', email: EMAIL, interaction: undefined })).to.equal('done');
  });
});

describe('contacts of the ordinal register', () => {
  const phone = { id: 'sms', channel: 'sms', to: PHONE, masked: '3363***01' };
  const address = { id: 'email', channel: 'email', to: EMAIL, masked: 'a***x@e***.test' };
  const cases: [string, OrdinalEntry, object[]][] = [
    ['both, the phone first', both, [phone, address]],
    ['a phone alone', entry({ phone: PHONE }), [phone]],
    ['an address alone', entry({ email: EMAIL }), [address]],
    ['none', entry({}), []],
  ];
  for (const [what, given, expected] of cases) {
    it(`are ${what}`, () => {
      expect(contactsOf(given)).to.deep.equal(expected);
    });
  }
});

describe('words that a password must not be made of', () => {
  it('are the names, the number, the birthdate and the address', () => {
    const state: OrdreState = { step: 'under-way', entry: both, interaction: undefined };
    expect(personalWords(state, 'chosen@example.test')).to.have.members([
      'DOC0090001',
      'Alix',
      '99700900014',
      '1980-06-17',
      'chosen@example.test',
    ]);
  });
});
