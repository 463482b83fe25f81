import { expect } from 'chai';
import fc from 'fast-check';
import {
  easterSunday,
  isWorkingDay,
  parisDay,
  parisTime,
  promiseOf,
  workingHoursBetween,
} from '../../src/approvals/working-hours.ts';
import { HOUR } from '../../src/lib/clock.ts';

const at = (text: string) => new Date(text);

describe('working hours', () => {
  const CASES: [why: string, start: string, end: string, hours: number][] = [
    ['within a working day', '2026-11-24T09:00+01:00', '2026-11-24T10:30+01:00', 1.5],
    ['through a night', '2026-11-24T20:00+01:00', '2026-11-25T08:00+01:00', 12],
    ['over a weekend', '2026-11-20T12:00+01:00', '2026-11-23T12:00+01:00', 24],
    ['two working days over a weekend', '2026-11-20T12:00+01:00', '2026-11-24T12:00+01:00', 48],
    ['within a weekend', '2026-11-21T00:00+01:00', '2026-11-22T23:59+01:00', 0],
    ['from a Sunday', '2026-11-22T15:00+01:00', '2026-11-23T06:00+01:00', 6],
    ['over Friday 1 May', '2026-04-30T12:00+02:00', '2026-05-04T12:00+02:00', 24],
    ['over Easter', '2026-04-03T12:00+02:00', '2026-04-07T12:00+02:00', 24],
    ['on Good Friday, worked outside Alsace-Moselle', '2026-04-03T00:00+02:00', '2026-04-04T00:00+02:00', 24],
    ['over Ascension', '2026-05-13T18:00+02:00', '2026-05-15T18:00+02:00', 24],
    ['over Whit Monday', '2026-05-22T18:00+02:00', '2026-05-26T18:00+02:00', 24],
    ['over Christmas and the day after', '2026-12-24T12:00+01:00', '2026-12-28T12:00+01:00', 24],
    ['over New Year', '2026-12-31T12:00+01:00', '2027-01-04T12:00+01:00', 24],
    ['over the weekend of summer time', '2026-03-27T12:00+01:00', '2026-03-30T12:00+02:00', 24],
    ['over the weekend of winter time', '2026-10-23T12:00+02:00', '2026-10-26T12:00+01:00', 24],
    ['from the end to the start', '2026-11-25T08:00+01:00', '2026-11-24T08:00+01:00', 0],
    ['for an instant', '2026-11-24T08:00+01:00', '2026-11-24T08:00+01:00', 0],
    // 23:30 UTC is the next day in Paris.
    ['by the days of Paris', '2026-11-22T23:30Z', '2026-11-23T00:30Z', 1],
  ];
  for (const [why, start, end, hours] of CASES)
    it(`count ${hours} ${why}`, () => {
      expect(workingHoursBetween(at(start), at(end))).to.equal(hours);
    });

  it('add up, never go back, and never pass the real ones', () => {
    const instant = fc.date({
      min: at('2024-01-01T00:00Z'),
      max: at('2028-12-31T00:00Z'),
      noInvalidDate: true,
    });
    const gap = fc.integer({ min: 0, max: 20 * 24 * HOUR });
    fc.assert(
      fc.property(instant, gap, gap, (start, first, second) => {
        const middle = new Date(start.getTime() + first);
        const end = new Date(middle.getTime() + second);
        const whole = workingHoursBetween(start, end);
        const parts = workingHoursBetween(start, middle) + workingHoursBetween(middle, end);
        expect(whole).to.be.closeTo(parts, 1e-6);
        expect(whole)
          .to.be.at.least(0)
          .and.at.most((first + second) / HOUR);
      }),
    );
  });
});

describe('the calendar', () => {
  for (const [year, day] of [
    [1961, '1961-04-02'],
    [2000, '2000-04-23'],
    [2008, '2008-03-23'],
    [2024, '2024-03-31'],
    [2026, '2026-04-05'],
    [2038, '2038-04-25'],
  ] as const)
    it(`puts Easter ${year} on ${day}`, () => {
      expect(easterSunday(year)).to.equal(day);
    });

  it('has the eleven holidays of the whole country', () => {
    const holidays = [
      ...['2027-01-01', '2027-03-29', '2027-05-06', '2027-05-17', '2027-07-14', '2027-11-01', '2027-11-11'],
      ...['2026-05-01', '2026-05-08', '2024-08-15', '2026-12-25'],
    ];
    for (const day of holidays) expect(isWorkingDay(day), day).to.equal(false);
    for (const day of ['2027-01-04', '2027-03-26', '2027-05-07', '2024-12-26', '2027-07-13'])
      expect(isWorkingDay(day), day).to.equal(true);
  });

  it('reads the clocks of Paris in winter and in summer', () => {
    expect(parisTime('2026-11-24', 8)).to.deep.equal(at('2026-11-24T07:00Z'));
    expect(parisTime('2026-07-24', 8)).to.deep.equal(at('2026-07-24T06:00Z'));
    expect(parisTime('2026-03-29', 0)).to.deep.equal(at('2026-03-28T23:00Z'));
    expect(parisTime('2026-10-25', 8)).to.deep.equal(at('2026-10-25T07:00Z'));
    expect(parisDay(at('2026-06-30T22:30Z'))).to.equal('2026-07-01');
  });
});

describe('the promise of 48 working hours', () => {
  const start = at('2026-11-20T12:00+01:00');
  for (const [now, usedHours, standing] of [
    ['2026-11-20T12:00+01:00', 0, 'on-time'],
    ['2026-11-22T12:00+01:00', 12, 'on-time'],
    ['2026-11-23T23:59+01:00', 35, 'on-time'],
    ['2026-11-24T00:00+01:00', 36, 'soon'],
    ['2026-11-24T11:59+01:00', 47, 'soon'],
    ['2026-11-24T12:00+01:00', 48, 'late'],
    ['2026-11-26T12:00+01:00', 96, 'late'],
  ] as const)
    it(`is ${standing} at ${now}`, () => {
      expect(promiseOf(start, at(now))).to.deep.equal({ usedHours, limitHours: 48, standing });
    });
});
