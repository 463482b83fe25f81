import { expect } from 'chai';
import { readSettings } from '../../config/settings.ts';
import type { AccountKind } from '../../src/accounts/accounts.ts';
import type { Principal } from '../../src/accounts/principals.ts';
import { FACTOR_KINDS, type FactorKind } from '../../src/factors/kinds.ts';
import {
  type Advice,
  adviceFor,
  allowedFactors,
  mayRemove,
  mayTrustDevices,
} from '../../src/factors/policy.ts';

type Has = { phones?: number; totp?: boolean; passkeys?: number; recoveryCodes?: number };

/** As much of a person as the rules read. */
const who = ({ phones = 0, totp = false, passkeys = 0, recoveryCodes = 0 }: Has, isAdministrator = false) =>
  ({
    account: { kind: 'professional', isAdministrator },
    phones: Array.from({ length: phones }, (_, index) => `+3363998000${index}`),
    factors: { totp, passkeys, recoveryCodes },
  }) as unknown as Principal;

describe('whether a factor may be removed', () => {
  const cases: [string, Has, FactorKind, boolean, boolean][] = [
    ['the only phone', { phones: 1 }, 'sms', true, false],
    ['one phone of two', { phones: 2 }, 'sms', true, true],
    ['one phone of two, where no SMS is sent', { phones: 2 }, 'sms', false, false],
    ['a phone, where no SMS is sent, beside an application', { phones: 1, totp: true }, 'sms', false, true],
    ['an application beside a phone', { phones: 1, totp: true }, 'totp', true, true],
    ['an application beside a phone, where no SMS is sent', { phones: 1, totp: true }, 'totp', false, false],
    ['the only application, beside recovery codes', { totp: true, recoveryCodes: 10 }, 'totp', true, false],
    ['the only passkey', { passkeys: 1 }, 'passkey', true, false],
    ['one passkey of two', { passkeys: 2 }, 'passkey', true, true],
    ['the only passkey beside an application', { passkeys: 1, totp: true }, 'passkey', true, true],
    ['recovery codes', { totp: true, recoveryCodes: 10 }, 'recovery-code', true, true],
  ];
  for (const [what, has, kind, smsAvailable, expected] of cases)
    it(`is ${expected} for an administrator: ${what}`, () => {
      expect(mayRemove(who(has, true), kind, { smsAvailable })).to.equal(expected);
      expect(mayRemove(who(has), kind, { smsAvailable }), 'anybody else').to.equal(true);
    });

  it('counts what is allowed alone', () => {
    const admin = who({ phones: 1, totp: true }, true);
    const allowed: FactorKind[] = ['totp', 'passkey'];
    expect(mayRemove(admin, 'totp', { smsAvailable: true, allowed })).to.equal(false);
    expect(mayRemove(admin, 'sms', { smsAvailable: true, allowed })).to.equal(true);
  });

  it('leaves a way in to who may not use a code by e-mail', () => {
    const smsAvailable = true;
    expect(mayRemove(who({ phones: 1 }), 'sms', { smsAvailable, allowed: ['sms', 'totp'] })).to.equal(false);
    expect(mayRemove(who({ phones: 2 }), 'sms', { smsAvailable, allowed: ['sms', 'totp'] })).to.equal(true);
    expect(mayRemove(who({ phones: 1 }), 'sms', { smsAvailable, allowed: ['sms', 'email'] })).to.equal(true);
  });
});

describe('what to set up next', () => {
  const cases: [string, Has, readonly FactorKind[], boolean, Advice | undefined][] = [
    ['a passkey, for who has a mailbox alone', {}, FACTOR_KINDS, true, 'passkey'],
    ['an application, where passkeys do not count', {}, ['email', 'sms', 'totp'], true, 'totp'],
    ['a phone, where nothing else counts', {}, ['email', 'sms'], true, 'sms'],
    ['nothing, where no SMS is sent and nothing else counts', {}, ['email', 'sms'], false, undefined],
    ['recovery codes, for who has a second factor', { phones: 1 }, FACTOR_KINDS, true, 'recovery-code'],
    ['recovery codes, beside a passkey', { passkeys: 1 }, FACTOR_KINDS, true, 'recovery-code'],
    ['a passkey, beside a phone', { phones: 1, recoveryCodes: 9 }, FACTOR_KINDS, true, 'passkey'],
    ['a passkey, beside an application', { totp: true, recoveryCodes: 9 }, FACTOR_KINDS, true, 'passkey'],
    [
      'an application beside a phone, where passkeys do not count',
      { phones: 1 },
      ['sms', 'totp'],
      true,
      'totp',
    ],
    [
      'nothing, with an application, where passkeys do not count',
      { totp: true },
      ['sms', 'totp'],
      true,
      undefined,
    ],
    [
      'nothing, with a passkey and recovery codes',
      { passkeys: 1, recoveryCodes: 1 },
      FACTOR_KINDS,
      true,
      undefined,
    ],
    ['a passkey, where the phone that there is gets no SMS', { phones: 1 }, FACTOR_KINDS, false, 'passkey'],
  ];
  for (const [what, has, allowed, smsAvailable, expected] of cases)
    it(`is ${what}`, () => expect(adviceFor(who(has), { smsAvailable, allowed })).to.equal(expected));
});

describe('which factors count', () => {
  const settings = readSettings({
    SECOND_FACTORS_PROFESSIONAL: 'email, totp',
    SECOND_FACTORS_SECRETARY: 'email,sms',
    SECOND_FACTORS_SHARED: 'email',
    SECOND_FACTORS_ADMINISTRATOR: 'passkey',
  });
  const cases: [AccountKind, boolean, FactorKind[]][] = [
    ['professional', false, ['email', 'totp']],
    ['secretary', false, ['email', 'sms']],
    ['shared', false, ['email']],
    ['professional', true, ['passkey']],
    ['secretary', true, ['passkey']],
  ];
  for (const [kind, isAdministrator, expected] of cases)
    it(`is a setting: ${kind}${isAdministrator ? ' who administers' : ''}`, () =>
      expect(allowedFactors(settings, { kind, isAdministrator })).to.deep.equal(expected));

  for (const [what, isAdministrator, allowed, expected] of [
    ['where a code by e-mail is accepted', false, ['email', 'totp'], true],
    ['where it is not', false, ['totp', 'sms', 'passkey'], false],
    ['for an administrator, whatever is accepted', true, ['email', 'totp'], false],
  ] as const)
    it(`may be done by a trusted browser: ${what}`, () => {
      const account = { ...who({}).account, isAdministrator };
      expect(mayTrustDevices({ account }, { allowed, smsAvailable: true })).to.equal(expected);
    });

  it('is all of them where nothing is set, but e-mail for an administrator', () => {
    const all = readSettings({});
    expect(allowedFactors(all, { kind: 'professional', isAdministrator: false })).to.deep.equal([
      ...FACTOR_KINDS,
    ]);
    expect(allowedFactors(all, { kind: 'professional', isAdministrator: true })).to.deep.equal(
      FACTOR_KINDS.filter((kind) => kind !== 'email'),
    );
  });
});
