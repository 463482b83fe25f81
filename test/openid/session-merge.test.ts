import { expect } from 'chai';
import { mergeSessions } from '../../src/openid/session-merge.ts';

type Payload = Record<string, unknown>;

const app = (sid: string, more: Payload = {}) => ({ sid, grantId: `grant-${sid}`, ...more });

interface Case {
  readonly when: string;
  readonly base: Payload;
  readonly ours: Payload;
  readonly theirs: Payload;
  readonly merged: Payload;
}

const CASES: readonly Case[] = [
  {
    when: 'nobody changed anything',
    base: { exp: 10, accountId: 'a', authorizations: { one: app('1') } },
    ours: { exp: 10, accountId: 'a', authorizations: { one: app('1') } },
    theirs: { exp: 10, accountId: 'a', authorizations: { one: app('1') } },
    merged: { exp: 10, accountId: 'a', authorizations: { one: app('1') } },
  },
  {
    when: 'each authorised another application',
    base: { exp: 10 },
    ours: { exp: 10, authorizations: { one: app('1') } },
    theirs: { exp: 10, authorizations: { two: app('2') } },
    merged: { exp: 10, authorizations: { one: app('1'), two: app('2') } },
  },
  {
    when: 'each authorised another application beside a third',
    base: { exp: 10, authorizations: { old: app('0') } },
    ours: { exp: 10, authorizations: { old: app('0'), one: app('1') } },
    theirs: { exp: 10, authorizations: { old: app('0'), two: app('2') } },
    merged: { exp: 10, authorizations: { old: app('0'), one: app('1'), two: app('2') } },
  },
  {
    when: 'both authorised one application: ours, where it differs',
    base: { exp: 10 },
    ours: { exp: 10, authorizations: { one: app('1') } },
    theirs: { exp: 10, authorizations: { one: app('2', { rejectedScopes: 'email' }) } },
    merged: { exp: 10, authorizations: { one: app('1', { rejectedScopes: 'email' }) } },
  },
  {
    when: 'each changed another part of one application',
    base: { exp: 10, authorizations: { one: app('1') } },
    ours: { exp: 10, authorizations: { one: app('1', { promptedScopes: 'openid' }) } },
    theirs: { exp: 10, authorizations: { one: { sid: '1', grantId: 'newer' } } },
    merged: { exp: 10, authorizations: { one: { sid: '1', grantId: 'newer', promptedScopes: 'openid' } } },
  },
  {
    when: 'they signed out of an application that we did not touch',
    base: { exp: 10, authorizations: { one: app('1'), two: app('2') } },
    ours: { exp: 10, authorizations: { one: app('1'), two: app('2'), three: app('3') } },
    theirs: { exp: 10, authorizations: { two: app('2') } },
    merged: { exp: 10, authorizations: { two: app('2'), three: app('3') } },
  },
  {
    when: 'we signed out of an application that they did not touch',
    base: { exp: 10, authorizations: { one: app('1'), two: app('2') } },
    ours: { exp: 10, authorizations: { two: app('2') } },
    theirs: { exp: 10, authorizations: { one: app('1'), two: app('2'), three: app('3') } },
    merged: { exp: 10, authorizations: { two: app('2'), three: app('3') } },
  },
  {
    when: 'we signed out of the only application',
    base: { exp: 10, authorizations: { one: app('1') } },
    ours: { exp: 10, authorizations: {} },
    theirs: { exp: 10, authorizations: { one: app('1') } },
    merged: { exp: 10 },
  },
  {
    when: 'we signed in and they only looked',
    base: { exp: 10, jti: 'before', uid: 'u' },
    ours: { exp: 90, jti: 'after', uid: 'u', accountId: 'a', acr: 'high', amr: ['pwd', 'sms'], loginTs: 5 },
    theirs: { exp: 20, jti: 'before', uid: 'u' },
    merged: { exp: 90, jti: 'after', uid: 'u', accountId: 'a', acr: 'high', amr: ['pwd', 'sms'], loginTs: 5 },
  },
  {
    when: 'they signed in and we only looked',
    base: { exp: 10, jti: 'before', uid: 'u' },
    ours: { exp: 20, jti: 'before', uid: 'u' },
    theirs: { exp: 90, jti: 'after', uid: 'u', accountId: 'a', loginTs: 5 },
    merged: { exp: 90, jti: 'after', uid: 'u', accountId: 'a', loginTs: 5 },
  },
  {
    when: 'we dropped what they left',
    base: { exp: 10, state: { secret: 's' } },
    ours: { exp: 10 },
    theirs: { exp: 10, state: { secret: 's' }, authorizations: { one: app('1') } },
    merged: { exp: 10, authorizations: { one: app('1') } },
  },
  {
    when: 'they dropped what we left',
    base: { exp: 10, state: { secret: 's' } },
    ours: { exp: 11, state: { secret: 's' } },
    theirs: { exp: 10 },
    merged: { exp: 11 },
  },
  {
    when: 'we expire sooner than what they stored',
    base: { exp: 10 },
    ours: { exp: 20 },
    theirs: { exp: 30 },
    merged: { exp: 30 },
  },
  {
    when: 'another person signed in meanwhile, where nobody was',
    base: { exp: 10, jti: 'before', uid: 'u' },
    ours: { exp: 90, jti: 'ours', uid: 'u', accountId: 'a', loginTs: 5, authorizations: { one: app('1') } },
    theirs: {
      exp: 95,
      jti: 'theirs',
      uid: 'u',
      accountId: 'b',
      acr: 'high',
      loginTs: 6,
      authorizations: { one: app('2'), two: app('3') },
      state: { secret: 's' },
    },
    merged: { exp: 90, jti: 'ours', uid: 'u', accountId: 'a', loginTs: 5, authorizations: { one: app('1') } },
  },
  {
    when: 'the person of before used another application while another one signed in',
    base: { exp: 10, accountId: 'b', loginTs: 1, authorizations: { old: app('0') } },
    ours: { exp: 20, accountId: 'a', loginTs: 5, authorizations: { one: app('1') } },
    theirs: { exp: 30, accountId: 'b', loginTs: 1, authorizations: { old: app('0'), two: app('2') } },
    merged: { exp: 20, accountId: 'a', loginTs: 5, authorizations: { one: app('1') } },
  },
  {
    when: 'another one signed in while the person of before used another application',
    base: { exp: 10, accountId: 'b', loginTs: 1, authorizations: { old: app('0') } },
    ours: { exp: 30, accountId: 'b', loginTs: 1, authorizations: { old: app('0'), two: app('2') } },
    theirs: { exp: 20, accountId: 'a', loginTs: 5, authorizations: { one: app('1') } },
    merged: { exp: 30, accountId: 'b', loginTs: 1, authorizations: { old: app('0'), two: app('2') } },
  },
  {
    when: 'nothing was read before',
    base: {},
    ours: { exp: 20, uid: 'u' },
    theirs: {},
    merged: { exp: 20, uid: 'u' },
  },
];

describe('two changes of one session', () => {
  for (const { when, base, ours, theirs, merged } of CASES) {
    it(`become one when ${when}`, () => {
      const before = structuredClone([base, ours, theirs]);
      expect(mergeSessions(base, ours, theirs)).to.deep.equal(merged);
      expect([base, ours, theirs], 'what came in is left as it was').to.deep.equal(before);
    });
  }

  it('come to the same applications in whichever order they are written', () => {
    const base = { exp: 10, authorizations: { old: app('0') } };
    const one = { exp: 20, authorizations: { old: app('0'), one: app('1') } };
    const two = { exp: 30, authorizations: { two: app('2') } };
    expect(mergeSessions(base, one, two)).to.deep.equal(mergeSessions(base, two, one));
  });
});
