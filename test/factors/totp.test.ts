import { expect } from 'chai';
import { findPrincipal } from '../../src/accounts/principals.ts';
import { createTotpSeed, matchTotp, parseTotp, saveTotp, totpStepOf } from '../../src/factors/totp.ts';
import { createKeyring, UnsealError } from '../../src/lib/keyring.ts';
import { createTestClock, startTestApp, type TestApp } from '../support/app.ts';
import { type Authorization, createTestClient, type TestClient } from '../support/client.ts';
import { accountOf, addTotp, forgetFactors } from '../support/factors.ts';
import { totpAt } from '../support/totp.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const PASSWORD = 'demo-caducee-2026';

describe('codes of an authenticator application', () => {
  it('are those of RFC 6238, appendix B, by the other implementation of these tests', () => {
    const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    for (const [at, code] of [
      [59, '94287082'],
      [1111111109, '07081804'],
      [1111111111, '14050471'],
      [1234567890, '89005924'],
      [2000000000, '69279037'],
      [20000000000, '65353130'],
    ] as const)
      expect(totpAt(seed, at, 8)).to.equal(code);
  });

  it('are accepted one step early or late, no more', () => {
    const clock = createTestClock();
    const seed = createTotpSeed();
    const now = clock.now().getTime() / 1000;
    const step = Math.floor(now / 30);
    for (const [shift, expected] of [
      [-2, undefined],
      [-1, step - 1],
      [0, step],
      [1, step + 1],
      [2, undefined],
      [-2880, undefined],
    ] as const)
      expect(totpStepOf(clock, seed, totpAt(seed, now + shift * 30)), `${shift}`).to.equal(expected);
  });

  it('come from seeds of 160 bits, each another', () => {
    const seeds = new Set(Array.from({ length: 50 }, createTotpSeed));
    expect(seeds.size).to.equal(50);
    for (const seed of seeds) expect(seed).to.match(/^[A-Z2-7]{32}$/);
  });

  for (const [typed, expected] of [
    ['123456', '123456'],
    [' 123 456 ', '123456'],
    ['123\u202f456', '123456'],
    ['12345', undefined],
    ['1234567', undefined],
    ['１２３４５６', undefined],
    ['abcdef', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    it(`${expected ? 'are read from' : 'are not'} « ${typed} »`, () => {
      expect(parseTotp(typed)).to.equal(expected);
    });
  }
});

describe('an authenticator application at sign-in', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => forgetFactors(app));

  const now = () => app.clock.now().getTime() / 1000;
  const claimsOf = async (authorization: Authorization, page: Page) =>
    (await client.exchange(authorization, page.headers.get('location') as string)).claims();

  /** A browser that stands at the code of the application. */
  async function atTheCode(): Promise<{ visitor: Visitor; page: Page; authorization: Authorization }> {
    const visitor = new Visitor(app.issuer);
    const authorization = await client.authorize();
    const form = await visitor.get(authorization.url);
    const page = await visitor.submit(form, { email: CAMILLE, password: PASSWORD });
    expect(page.url).to.match(/\/application$/);
    return { visitor, page, authorization };
  }

  it('ends with what was done in the ID token', async () => {
    const seed = await addTotp(app, CAMILLE);
    const { visitor, page, authorization } = await atTheCode();
    expect(wordsOf(page)).to.include('Saisissez le code de votre application');
    const back = await visitor.submit(page, { code: totpAt(seed, now()) });
    const claims = await claimsOf(authorization, back);
    expect(claims?.acr).to.equal('urn:caducee:acr:2fa');
    expect(claims?.amr).to.deep.equal(['pwd', 'otp', 'mfa']);
  });

  it('refuses an accepted step and every older one, with the form to try again', async () => {
    const seed = await addTotp(app, CAMILLE);
    const first = await atTheCode();
    const ahead = totpAt(seed, now() + 30);
    expect((await first.visitor.submit(first.page, { code: ahead })).status).to.equal(303);
    const second = await atTheCode();
    for (const shift of [30, 0, -30, -60]) {
      const page = await second.visitor.submit(second.page, { code: totpAt(seed, now() + shift) });
      expect(page.status, `${shift}`).to.equal(422);
      expect(wordsOf(page)).to.include("Ce code n'est pas le bon, ou il a déjà servi");
    }
    app.clock.advance(60_000);
    const back = await second.visitor.submit(second.page, { code: totpAt(seed, now()) });
    expect(back.status).to.equal(303);
  });

  it('accepts one code once, at two nodes at once', async () => {
    const seed = await addTotp(app, CAMILLE);
    const browsers = [];
    for (let index = 0; index < 6; index += 1) browsers.push(await atTheCode());
    const code = totpAt(seed, now());
    const answers = await Promise.all(browsers.map(({ visitor, page }) => visitor.send(page, { code })));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([303, 422, 422, 422, 422, 422]);
  });

  it('looks at no more than the limit of 200 guesses made at once', async () => {
    await addTotp(app, CAMILLE);
    const { visitor, page } = await atTheCode();
    const guesses = Array.from({ length: 200 }, (_, index) =>
      visitor.send(page, { code: String(index).padStart(6, '0') }),
    );
    const answers = await Promise.all(guesses);
    expect(answers.every(({ status }) => status === 422)).to.equal(true);
    const compared = answers.filter((answer) => wordsOf(answer).includes('il a déjà servi')).length;
    expect(compared).to.be.within(1, 20);
  });

  it('keeps the seed sealed to its row', async () => {
    const seed = await addTotp(app, CAMILLE);
    const { knex } = app.deps;
    const holder = await accountOf(app, CAMILLE);
    const [row] = await knex('totp_credentials').where({ holder_id: holder });
    expect(row.secret.includes(Buffer.from(seed))).to.equal(false);
    const code = totpAt(seed, now());
    expect(await matchTotp(knex, app.deps, holder, code)).to.include({ id: row.id });

    const other = await findPrincipal(knex, await accountOf(app, 'dominique@example.test'), undefined);
    if (!other) throw new Error('dominique is there');
    await saveTotp(knex, app.deps, other, { seed: createTotpSeed(), step: 0 });
    await knex('totp_credentials').where({ holder_id: other.id }).update({ secret: row.secret });
    const moved = await matchTotp(knex, app.deps, other.id, code).catch((error: Error) => error);
    expect(moved, 'a seed moved to another row').to.be.instanceOf(UnsealError);
    const keyring = createKeyring([Buffer.alloc(32, 7)]);
    const stolen = await matchTotp(knex, { ...app.deps, keyring }, holder, code).catch((error) => error);
    expect(stolen, 'a stolen database').to.be.instanceOf(UnsealError);
  });
});
