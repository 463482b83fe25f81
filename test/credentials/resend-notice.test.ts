import { expect } from 'chai';
import { noticeNow, resendNotice } from '../../src/credentials/resend-notice.ts';
import type { Fault } from '../../src/lib/fault.ts';

const START = Date.parse('2031-01-01T10:00:00Z');
const at = (seconds: number) => ({ now: () => new Date(START + seconds * 1000) });
const tooSoon: Fault = { key: 'fault.resend.tooSoon', vars: { seconds: 30 } };
const limit: Fault = { key: 'fault.resend.limit', vars: { minutes: 2, sent: 5 } };

describe('the notice of a page that asks for a code', () => {
  const cases: [string, Fault | undefined, number, Record<string, unknown> | undefined][] = [
    ['a wait of seconds, at once', tooSoon, 0, { seconds: 30 }],
    ['a wait of seconds, in part over', tooSoon, 12.4, { seconds: 18 }],
    ['a wait of seconds, nearly over', tooSoon, 29.9, { seconds: 1 }],
    ['a wait of seconds, over', tooSoon, 30, undefined],
    ['a wait of minutes, at once', limit, 0, { minutes: 2, sent: 5 }],
    ['a wait of minutes, in part over', limit, 61, { minutes: 1, sent: 5 }],
    ['a wait of minutes, over', limit, 120, undefined],
    ['a new code, while it is good', undefined, 599, { masked: 'a***b@c***.fr' }],
    ['a new code, once it expired', undefined, 600, undefined],
  ];
  for (const [what, fault, seconds, vars] of cases) {
    it(`tells what is true by then: ${what}`, () => {
      const notice = resendNotice(at(0), fault, 'a***b@c***.fr');
      expect(noticeNow(at(seconds), notice)?.vars).to.deep.equal(vars);
    });
  }

  it('is none when none was left, or one that does not say when', () => {
    expect(noticeNow(at(0), undefined)).to.equal(undefined);
    const undated = { kind: 'waiting', ...tooSoon } as unknown as ReturnType<typeof resendNotice>;
    expect(noticeNow(at(0), undated)).to.equal(undefined);
  });
});
