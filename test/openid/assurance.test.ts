import { expect } from 'chai';
import {
  ACR,
  type AskedAssurance,
  acceptableClasses,
  askedAssurance,
  isMet,
} from '../../src/openid/assurance.ts';

const { twoSteps, twoFactors } = ACR;
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
});

describe('the classes at which a sign-in may end', () => {
  const both = [twoSteps, twoFactors];
  const cases: [string, AskedAssurance | undefined, string[], string[]][] = [
    ['all, when nothing is asked', undefined, both, both],
    ['the essential one', essential(twoFactors), both, [twoFactors]],
    ['the essential one exactly, not a stronger one', essential(twoSteps), both, [twoSteps]],
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
    ['is enough when it is stronger than the wish', voluntary(twoSteps), twoFactors, [twoSteps], true],
  ];
  for (const [what, asked, acr, reachable, expected] of cases)
    it(what, () => expect(isMet(asked, acr, reachable)).to.equal(expected));
});
