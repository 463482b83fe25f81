import { expect } from 'chai';
import { professionOptions, readIdentity } from '../../src/pages/sign-up/request/identity.ts';
import { nextStep, type RequestState, stepBack } from '../../src/pages/sign-up/request/steps.ts';

const BEGUN: RequestState = {
  step: 'under-way',
  kind: 'doctor',
  identity: { professionCode: '10', civiliteCode: 'MME', familyName: 'DOC', givenName: 'Zoé' },
  interaction: undefined,
  suggested: [],
};
const PLACES = [{ workplaceId: 'a' }];
const chosen = { address: 'z@example.test', canonical: 'z@example.test' };

describe('the steps of a sign-up that an administrator decides upon', () => {
  const table: [string, Partial<RequestState>, string, string | undefined][] = [
    ['identity told', {}, 'workplaces', undefined],
    ['places ticked', { workplaces: PLACES }, 'centres', 'workplaces'],
    ['laboratories chosen', { workplaces: PLACES, centresChosen: true }, 'address', 'centres'],
    ['no fixed place', { workplaces: [], centresChosen: true }, 'address', 'workplaces'],
    ['code sent', { workplaces: PLACES, centresChosen: true, chosen }, 'address-code', 'address'],
    [
      'address proved',
      { workplaces: PLACES, centresChosen: true, chosen, addressProved: true },
      'credentials',
      'address',
    ],
  ];
  for (const [name, more, step, before] of table) {
    it(`${name}: ${step}, and back to ${before ?? 'the first form'}`, () => {
      const state = { ...BEGUN, ...more };
      expect(nextStep(state)).to.equal(step);
      const back = stepBack(state);
      expect(back && nextStep(back)).to.equal(before);
    });
  }

  it('ends', () => {
    expect(nextStep({ step: 'done', kind: 'doctor' })).to.equal('done');
  });

  it('keeps what was ticked when one goes back to the places', () => {
    expect(stepBack({ ...BEGUN, workplaces: PLACES })?.suggested).to.deep.equal(['a']);
  });

  it('keeps that no place is listed, until one is ticked', () => {
    const back = stepBack({ ...BEGUN, workplaces: [], centresChosen: true });
    expect(back?.noFixedPlace).to.equal(true);
    expect(stepBack({ ...BEGUN, ...back, workplaces: PLACES })).not.to.have.property('noFixedPlace');
  });

  it('keeps the address to correct, and forgets that it was proved', () => {
    const state = { ...BEGUN, workplaces: [], centresChosen: true, chosen } as const;
    expect(stepBack(state)?.formerAddress).to.equal('z@example.test');
    expect(stepBack({ ...state, addressProved: true })).not.to.have.any.keys('addressProved', 'chosen');
  });
});

describe('a declared identity', () => {
  const TYPED = {
    rpps: '99700 90008 9',
    profession: '10',
    civilite: 'MME',
    familyName: "  D'ESSAI ",
    givenName: 'Zoé-Anne',
  };

  it('is read as typed, in order', () => {
    expect(readIdentity('doctor', TYPED)).to.deep.equal({
      ok: true,
      value: {
        rpps: '99700900089',
        professionCode: '10',
        civiliteCode: 'MME',
        familyName: "D'ESSAI",
        givenName: 'Zoé-Anne',
      },
    });
  });

  const faults: [string, 'doctor' | 'secretary', Record<string, string>, Record<string, string>][] = [
    ['a wrong key', 'doctor', { rpps: '99700900088' }, { rpps: 'fault.rpps.key' }],
    ['no number', 'doctor', { rpps: '' }, { rpps: 'fault.required.rpps' }],
    ['an ended profession', 'doctor', { profession: '35' }, { profession: 'fault.required.profession' }],
    ['an ended civilité', 'doctor', { civilite: 'MLLE' }, { civilite: 'fault.required.civilite' }],
    [
      'no names',
      'doctor',
      { familyName: ' ', givenName: '' },
      {
        familyName: 'fault.required.familyName',
        givenName: 'fault.required.givenName',
      },
    ],
    ['markup for a name', 'doctor', { familyName: '<b>x</b>' }, { familyName: 'fault.name.characters' }],
    ['a secretary who is a doctor', 'secretary', {}, { profession: 'fault.required.profession' }],
    [
      'a shared account without a name',
      'secretary',
      { profession: 'SECRETARIAT_MEDICAL', shared: 'yes' },
      {
        sharedTitle: 'fault.required.title',
      },
    ],
  ];
  for (const [name, kind, more, expected] of faults) {
    it(`is refused for ${name}`, () => {
      const read = readIdentity(kind, { ...TYPED, ...more });
      expect(read.ok).to.equal(false);
      const keys = read.ok
        ? {}
        : Object.fromEntries(Object.entries(read.errors).map(([f, { key }]) => [f, key]));
      expect(keys).to.deep.equal(expected);
    });
  }

  it('of a secretary has no RPPS number, whatever was sent', () => {
    const read = readIdentity('secretary', { ...TYPED, profession: 'SECRETARIAT_MEDICAL' });
    expect(read.ok && read.value).not.to.have.property('rpps');
  });

  it('offers a secretary what is no profession', () => {
    expect(professionOptions('secretary').map(({ code }) => code)).to.deep.equal([
      'SECRETARIAT_MEDICAL',
      '312',
    ]);
    expect(professionOptions('doctor')).to.have.length(29);
  });
});
