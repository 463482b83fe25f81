import { expect } from 'chai';
import { ACR } from '../../src/openid/assurance.ts';
import { mayBeSkipped } from '../../src/pages/sign-in/trusted-device.ts';

describe('a sign-in that a trusted device may shorten', () => {
  const plain = { prompt: 'login', reasons: ['no_session'], params: {}, asked: undefined };
  const voluntary = (...classes: string[]) => ({ classes, essential: false });
  for (const [what, more, expected] of [
    ['is a plain one', {}, true],
    ['is not one of who is signed in', { reasons: ['login_prompt'] }, false],
    ['is not one that steps up', { reasons: ['assurance'] }, false],
    ['is not one for another reason too', { reasons: ['no_session', 'id_token_hint'] }, false],
    ['is not a consent', { prompt: 'consent' }, false],
    ['is not one with prompt=login', { params: { prompt: 'login' } }, false],
    ['is not one with prompt=login and more', { params: { prompt: 'consent login' } }, false],
    ['may be one with prompt=consent', { params: { prompt: 'consent' } }, true],
    ['is not one with max_age', { params: { max_age: '3600' } }, false],
    ['is not one with max_age=0', { params: { max_age: 0 } }, false],
    ['is not one that wishes for more', { asked: voluntary(ACR.twoSteps) }, false],
    ['is not one that prefers more', { asked: voluntary(ACR.twoFactors, ACR.trustedDevice) }, false],
    ['may be one that asks for just that', { asked: voluntary(ACR.trustedDevice, ACR.twoFactors) }, true],
    ['is not one that demands more', { asked: { classes: [ACR.twoSteps], essential: true } }, false],
    ['is not one that demands the unknown', { asked: { classes: [], essential: true } }, false],
    [
      'is not one of an application with a minimum',
      { asked: { ...voluntary(), minimum: ACR.twoSteps } },
      false,
    ],
    [
      'is not one of an application with a minimum, whatever it wishes',
      { asked: { ...voluntary(ACR.trustedDevice), minimum: ACR.twoSteps } },
      false,
    ],
  ] as const)
    it(what, () => expect(mayBeSkipped({ ...plain, ...more })).to.equal(expected));
});
