import { expect } from 'chai';
import {
  ACR,
  type AskedAssurance,
  acceptableClasses,
  askedAssurance,
  type ClientAssurance,
  isAtLeast,
  isFullSignIn,
  isMet,
  reportedClass,
  stepUp,
  TRUSTED_DEVICE,
} from '../../src/openid/assurance.ts';

const { twoSteps, twoFactors, phishingResistant } = ACR;
const claims = (acr: object | null) => JSON.stringify({ id_token: { acr } });
const essential = (...classes: string[]): AskedAssurance => ({ classes, essential: true });
const voluntary = (...classes: string[]): AskedAssurance => ({ classes, essential: false });

describe('what a request asks of the sign-in', () => {
  const cases: [string, Record<string, unknown>, AskedAssurance | undefined][] = [
    ['nothing', {}, undefined],
    ['nothing, by an empty acr_values', { acr_values: '' }, undefined],
    ['nothing, by classes unknown here', { acr_values: 'urn:other 2' }, undefined],
    ['a wish, in its order', { acr_values: `${twoFactors} ${twoSteps}` }, voluntary(twoFactors, twoSteps)],
    ['the classes known here alone', { acr_values: `urn:other ${twoFactors}` }, voluntary(twoFactors)],
    ['a wish, as a claim', { claims: claims({ values: [twoFactors] }) }, voluntary(twoFactors)],
    ['nothing, by the claim alone', { claims: claims(null) }, undefined],
    ['nothing, by an essential claim without value', { claims: claims({ essential: true }) }, undefined],
    [
      'one class or failure',
      { claims: claims({ essential: true, value: twoFactors }) },
      essential(twoFactors),
    ],
    [
      'one of several or failure',
      { claims: claims({ essential: true, values: ['urn:other', twoSteps, twoFactors] }) },
      essential(twoSteps, twoFactors),
    ],
    ['the impossible', { claims: claims({ essential: true, values: ['urn:other'] }) }, essential()],
    [
      'the claim, before acr_values',
      { acr_values: twoSteps, claims: claims({ essential: true, value: twoFactors }) },
      essential(twoFactors),
    ],
    [
      'acr_values, when the claim names no class',
      { acr_values: twoSteps, claims: claims(null) },
      voluntary(twoSteps),
    ],
    ['nothing, by claims that are no JSON', { claims: 'acr' }, undefined],
    ['nothing, by claims of another shape', { claims: '{"id_token":{"acr":7}}' }, undefined],
  ];
  for (const [what, params, expected] of cases)
    it(`is ${what}`, () => expect(askedAssurance(params)).to.deep.equal(expected));

  const registered: [string, ClientAssurance, Record<string, unknown>, AskedAssurance | undefined][] = [
    ['nothing, by a registration that demands', { demands: true }, {}, undefined],
    ['a demand, by acr_values', { demands: true }, { acr_values: twoFactors }, essential(twoFactors)],
    ['the impossible, by acr_values', { demands: true }, { acr_values: 'urn:other' }, essential()],
    [
      'the minimum, by a request without a word',
      { minimum: twoFactors },
      {},
      { ...voluntary(), minimum: twoFactors },
    ],
    [
      'the minimum, beside a wish for less',
      { minimum: twoFactors },
      { acr_values: twoSteps },
      { ...voluntary(twoSteps), minimum: twoFactors },
    ],
    [
      'the minimum, beside a demand for less',
      { minimum: twoFactors },
      { claims: claims({ essential: true, value: twoSteps }) },
      { ...essential(twoSteps), minimum: twoFactors },
    ],
    [
      'the minimum, beside claims that are no JSON',
      { minimum: twoFactors },
      { claims: '{' },
      { ...voluntary(), minimum: twoFactors },
    ],
  ];
  for (const [what, client, params, expected] of registered)
    it(`is ${what}`, () => expect(askedAssurance(params, client)).to.deep.equal(expected));
});

describe('the classes at which a sign-in may end', () => {
  const both = [twoSteps, twoFactors];
  const cases: [string, AskedAssurance | undefined, string[], string[]][] = [
    ['all, when nothing is asked', undefined, both, both],
    ['the essential one', essential(twoFactors), both, [twoFactors]],
    ['the essential one, or a stronger one that includes it', essential(twoSteps), both, both],
    [
      'a stronger one than the essential one alone',
      essential(twoFactors),
      [phishingResistant],
      [phishingResistant],
    ],
    ['not a weaker one than the essential one', essential(phishingResistant), both, []],
    ['any of the essential ones', essential(twoFactors, twoSteps), both, both],
    ['none, when the essential one is out of reach', essential(twoFactors), [twoSteps], []],
    ['none, when no essential one exists', essential(), both, []],
    ['the wished one', voluntary(twoFactors), both, [twoFactors]],
    ['the wished one or stronger', voluntary(twoSteps), both, both],
    ['the first wish', voluntary(twoFactors, twoSteps), both, [twoFactors]],
    [
      'the next wish, when the first is out of reach',
      voluntary(twoFactors, twoSteps),
      [twoSteps],
      [twoSteps],
    ],
    ['what can be, when no wish is in reach', voluntary(twoFactors), [twoSteps], [twoSteps]],
    ['the minimum and above', { ...voluntary(), minimum: twoFactors }, both, [twoFactors]],
    [
      'the minimum and above, whatever is wished',
      { ...voluntary(twoSteps), minimum: twoFactors },
      both,
      [twoFactors],
    ],
    [
      'the minimum and above, whatever is essential',
      { ...essential(twoSteps), minimum: twoFactors },
      both,
      [twoFactors],
    ],
    [
      'none, when the minimum is out of reach',
      { ...voluntary(twoSteps), minimum: twoFactors },
      [twoSteps],
      [],
    ],
    [
      'the essential one above the minimum',
      { ...essential(phishingResistant), minimum: twoFactors },
      both,
      [],
    ],
    ['none, when the minimum is unknown', { ...voluntary(), minimum: 'urn:other' }, both, []],
    ['stronger than wished, when that is all there is', voluntary(twoSteps), [twoFactors], [twoFactors]],
  ];
  for (const [what, asked, reachable, expected] of cases)
    it(`are ${what}`, () => expect(acceptableClasses(asked, reachable)).to.deep.equal(expected));
});

describe('a session', () => {
  const cases: [string, AskedAssurance, string, string[], boolean][] = [
    ['is enough for the essential class it has', essential(twoFactors), twoFactors, [twoFactors], true],
    [
      'is enough even when its class is no longer in reach',
      essential(twoFactors),
      twoFactors,
      [twoSteps],
      true,
    ],
    ['is short of a stronger essential class', essential(twoFactors), twoSteps, [twoSteps], false],
    ['is short of a wish in reach', voluntary(twoFactors), twoSteps, [twoSteps, twoFactors], false],
    ['is enough when the wish is out of reach', voluntary(twoFactors), twoSteps, [twoSteps], true],
    [
      'is enough when it is stronger than the essential class',
      essential(twoFactors),
      phishingResistant,
      [],
      true,
    ],
    ['is short of the minimum', { ...voluntary(), minimum: twoFactors }, twoSteps, [twoSteps], false],
    ['is enough when it is stronger than the wish', voluntary(twoSteps), twoFactors, [twoSteps], true],
  ];
  for (const [what, asked, acr, reachable, expected] of cases)
    it(what, () => expect(isMet(asked, acr, reachable)).to.equal(expected));
});

describe('the class that tokens tell', () => {
  const cases: [string, AskedAssurance | undefined, string, string][] = [
    ['what was reached, when nothing is asked', undefined, phishingResistant, phishingResistant],
    ['what was reached, of a wish for less', voluntary(twoFactors), phishingResistant, phishingResistant],
    ['the essential class that is reached', essential(twoFactors), twoFactors, twoFactors],
    [
      'the essential class that a stronger one includes',
      essential(twoFactors),
      phishingResistant,
      twoFactors,
    ],
    ['the strongest of them', essential(twoSteps, twoFactors), phishingResistant, twoFactors],
    ['never more than what was reached', essential(phishingResistant, twoSteps), twoFactors, twoSteps],
    ['what was reached, when no essential class is', essential(phishingResistant), twoFactors, twoFactors],
  ];
  for (const [what, asked, acr, expected] of cases)
    it(`is ${what}`, () => expect(reportedClass(asked, acr)).to.equal(expected));
});

describe('a sign-in on a trusted device', () => {
  it('is the weakest class, told by a method of its own', () => {
    expect(TRUSTED_DEVICE).to.deep.equal({ acr: 'urn:caducee:acr:2sv-device', amr: ['pwd', 'device'] });
    expect(isAtLeast(ACR.trustedDevice, twoSteps)).to.equal(false);
    expect(isAtLeast(twoSteps, ACR.trustedDevice)).to.equal(true);
  });

  it('steps up to the class of what is proved then', () => {
    expect(stepUp(TRUSTED_DEVICE, 'email')).to.deep.equal({ acr: twoSteps, amr: ['pwd', 'device', 'email'] });
    expect(stepUp(TRUSTED_DEVICE, 'passkey').acr).to.equal(phishingResistant);
  });

  for (const [amr, expected] of [
    [['pwd', 'email'], true],
    [['pop', 'user', 'mfa'], true],
    [['pwd', 'device'], false],
    [['pwd', 'device', 'otp', 'mfa'], false],
  ] as const)
    it(`${expected ? 'is not told by' : 'is no full one:'} ${amr.join(' ')}`, () =>
      expect(isFullSignIn(amr)).to.equal(expected));
});

describe('the ladder', () => {
  it('has no room for a class that is unknown', () => {
    expect(isAtLeast(twoFactors, twoSteps)).to.equal(true);
    expect(isAtLeast('urn:other', twoSteps)).to.equal(false);
    expect(isAtLeast(undefined, twoSteps)).to.equal(false);
    expect(isAtLeast('urn:other', 'urn:other')).to.equal(false);
    expect(isAtLeast(phishingResistant, 'urn:other')).to.equal(false);
  });
});
