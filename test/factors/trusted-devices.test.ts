import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { addMember, createSharedAccount, endMember } from '../../src/accounts/members.ts';
import { findPrincipal } from '../../src/accounts/principals.ts';
import { changeSecurity } from '../../src/accounts/security-change.ts';
import { transition } from '../../src/accounts/transition.ts';
import { sweepTrustedDevices } from '../../src/factors/trusted-devices.ts';
import { DAY, MINUTE, SECOND } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { accountOf, addRecoveryCodes, addTotp } from '../support/factors.ts';
import { attemptsOf, leaveAttempts } from '../support/throttle.ts';
import { totpAt } from '../support/totp.ts';
import {
  BOX,
  createExpectations,
  eventsOf,
  forgetTrust,
  hold,
  leave,
  tokenOf,
  trustCookies,
  trusting,
  typePassword,
} from '../support/trust.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';

describe('a trusted device', () => {
  let app: TestApp;
  let expects: Awaited<ReturnType<typeof createExpectations>>;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    expects = await createExpectations(app);
  });
  after(() => app.close());
  beforeEach(() => forgetTrust(app));

  const devices = () => app.deps.knex('trusted_devices');
  const tries = async () => Math.max(0, ...(await attemptsOf(app, 'codeFailurePerAccount')));

  /** The cookie of a browser that trusts one person. */
  async function trustOf(visitor: Visitor) {
    const [cookie] = await trustCookies(app, visitor);
    if (!cookie) throw new Error('nobody trusts this browser');
    return cookie;
  }

  it('is asked for the password only, and the ID token tells it', async () => {
    const visitor = await trusting(app, CAMILLE);
    const first = await trustOf(visitor);
    expect(first.value).to.match(/^[\w-]{43}$/);
    expect(first).to.deep.include({ httpOnly: true, sameSite: 'lax', path: '/' });
    const codes = app.codesTo(CAMILLE);
    await expects.skipped(visitor, CAMILLE);
    expect(app.codesTo(CAMILLE), 'no code was sent').to.equal(codes);
    const second = await trustOf(visitor);
    expect(second.value, 'another value after each use').not.to.equal(first.value);
    await expects.skipped(visitor, CAMILLE);

    const added = (await eventsOf(app, 'trusted-device.added')).at(-1);
    expect(added).to.include({ outcome: 'success', subject: await accountOf(app, CAMILLE) });
    const kept = JSON.stringify([await app.deps.knex('journal'), await devices()]) + app.logLines.join();
    for (const { value } of [first, second]) expect(kept).not.to.include(value);
  });

  it('still needs the right password', async () => {
    const visitor = await trusting(app, CAMILLE);
    const form = await visitor.get('/connexion');
    const page = await visitor.submit(form, { email: CAMILLE, password: 'neuf girafes au soleil' });
    expect(wordsOf(page)).to.include("n'est pas correct");
  });

  it('is one where the box was ticked', async () => {
    const visitor = new Visitor(app.issuer);
    const { result: page, code } = await app.codeSentBy(CAMILLE, () =>
      typePassword(visitor, '/connexion', CAMILLE),
    );
    await visitor.submit(page, { code }, '/code');
    expect(await tokenOf(app, visitor)).to.equal(undefined);
    await expects.asked(visitor, CAMILLE);
  });

  it('keeps the box ticked when the code is wrong', async () => {
    const visitor = new Visitor(app.issuer);
    const page = await typePassword(visitor, '/connexion', CAMILLE);
    const ticked = /<input[^>]*name="trust"[^>]* checked/;
    expect(page.text).not.to.match(ticked);
    const again = await visitor.submit(page, { code: '000000', trust: 'yes' }, '/code');
    expect(again.status).to.equal(422);
    expect(again.text).to.match(ticked);
    expect(await tokenOf(app, visitor)).to.equal(undefined);
  });

  it('is made by a code of an authenticator application too', async () => {
    const seed = await addTotp(app, DOMINIQUE);
    const visitor = new Visitor(app.issuer);
    const page = await typePassword(visitor, '/connexion', DOMINIQUE);
    expect(wordsOf(page)).to.include(BOX);
    const code = totpAt(seed, app.clock.now().getTime() / SECOND);
    await visitor.submit(page, { code, trust: 'yes' });
    await expects.skipped(visitor, DOMINIQUE);
  });

  it('is never made by a recovery code', async () => {
    const [code = ''] = await addRecoveryCodes(app, CAMILLE);
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get('/connexion');
    await visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD });
    const channels = await visitor.get(`${form.url}/canal`);
    const page = await visitor.submit(channels, { channel: 'recovery-code' }, '/canal');
    expect(wordsOf(page)).not.to.include(BOX);
    const home = await visitor.submit(page, { code, trust: 'yes' });
    expect(wordsOf(home)).to.include('Bonjour Camille');
    expect(await devices()).to.have.length(0);
  });

  it('is trusted after 29 days, not after 30, however often it was used', async () => {
    const visitor = await trusting(app, CAMILLE);
    app.clock.advance(29 * DAY);
    await expects.skipped(visitor, CAMILLE);
    await sweepTrustedDevices(app.deps.knex, app.clock);
    app.clock.advance(DAY);
    await expects.asked(visitor, CAMILLE);
    expect(await tries(), 'its end is no guess').to.equal(0);
    await sweepTrustedDevices(app.deps.knex, app.clock);
    expect(await devices()).to.have.length(0);
  });

  it('is that browser alone', async () => {
    await trusting(app, CAMILLE);
    await expects.asked(new Visitor(app.issuer), CAMILLE);
  });

  it('opens nothing for another account, which is counted and taken away', async () => {
    const stolen = await trustOf(await trusting(app, CAMILLE));
    const { key } = await trustOf(await trusting(app, DOMINIQUE));
    const thief = new Visitor(app.issuer);
    await hold(app, thief, key, stolen.value);
    await expects.asked(thief, DOMINIQUE);
    expect(await tries()).to.equal(1);
    expect(await tokenOf(app, thief)).to.equal(undefined);
    const refused = (await eventsOf(app, 'sign-in.refused')).at(-1);
    expect(refused.details).to.deep.equal({ step: 'trusted-device' });
  });

  it('is guessed no more often than a code', async () => {
    const { key } = await trustOf(await trusting(app, CAMILLE));
    const visitor = new Visitor(app.issuer);
    const before = (await eventsOf(app, 'sign-in.refused')).length;
    const guess = async (times: number) => {
      for (let index = 0; index < times; index += 1) {
        await hold(app, visitor, key, String(index).padStart(43, 'A'));
        await typePassword(visitor, '/connexion', CAMILLE);
      }
    };
    await guess(1);
    await leaveAttempts(app, 'codeFailurePerAccount', 2);
    await guess(4);
    expect((await eventsOf(app, 'sign-in.refused')).length - before, 'looked at').to.equal(3);
  });

  it('is of each person in turn, in one browser', async () => {
    const visitor = await trusting(app, CAMILLE);
    await trusting(app, DOMINIQUE, visitor);
    for (const email of [CAMILLE, DOMINIQUE, CAMILLE]) await expects.skipped(visitor, email);
  });

  it('is used once by tabs that send it at once, and stays trusted', async () => {
    const visitor = await trusting(app, CAMILLE);
    const forms: Page[] = [];
    for (let tab = 0; tab < 4; tab += 1)
      forms.push(await visitor.get((await expects.client.authorize()).url));
    const answers = await Promise.all(
      forms.map((form) => visitor.send(form, { email: CAMILLE, password: DEMO_PASSWORD })),
    );
    const skipped = answers.filter(({ headers }) => headers.get('location')?.includes('/authorize/'));
    expect(skipped).to.have.length(1);
    expect(await tries(), 'no guess').to.equal(0);
    await expects.skipped(visitor, CAMILLE);
  });

  it('is forgotten when a value that was used comes back: somebody has a copy', async () => {
    const visitor = await trusting(app, CAMILLE);
    const { key, value } = await trustOf(visitor);
    await expects.skipped(visitor, CAMILLE);
    const copy = new Visitor(app.issuer);
    await hold(app, copy, key, value);
    await expects.asked(copy, CAMILLE);
    expect(await tries(), 'a second tab').to.equal(0);
    await expects.skipped(visitor, CAMILLE);

    const used = (await trustOf(visitor)).value;
    await expects.skipped(visitor, CAMILLE);
    app.clock.advance(2 * MINUTE);
    await hold(app, copy, key, used);
    await expects.asked(copy, CAMILLE);
    expect(await tokenOf(app, copy)).to.equal(undefined);
    expect(await devices()).to.have.length(0);
    expect((await eventsOf(app, 'trusted-device.removed')).at(-1).details.reason).to.equal('copied');
    await expects.asked(visitor, CAMILLE);
  });

  it('is void after a change of what opens the account, and after a suspension', async () => {
    const { knex } = app.deps;
    const accountId = await accountOf(app, CAMILLE);
    const principal = await findPrincipal(knex, accountId, undefined);
    if (!principal) throw new Error('nobody');
    const kept = { session: Buffer.from('none'), grants: [] };
    const by = { role: 'administrator', accountId: await accountOf(app, 'admin@example.test') } as const;
    for (const change of [
      () =>
        changeSecurity(
          knex,
          app.deps,
          { principal, kept, lang: 'fr', source: '192.0.2.1' },
          { change: 'recovery-codes-created' },
          async () => undefined,
        ),
      async () => {
        await transition(knex, app.deps, { accountId, to: 'suspended', by, reason: 'x' });
        await transition(knex, app.deps, { accountId, to: 'active', by });
      },
    ]) {
      const visitor = await trusting(app, CAMILLE);
      await change();
      expect(await devices()).to.have.length(0);
      await expects.asked(visitor, CAMILLE);
      await forgetTrust(app);
    }
  });

  it('is replaced when the box is ticked again in the same browser', async () => {
    const visitor = await trusting(app, CAMILLE);
    await trusting(app, CAMILLE, visitor);
    expect(await devices()).to.have.length(1);
    await expects.skipped(visitor, CAMILLE);
  });

  it('is of one member of a shared account, and ends with them', async () => {
    const { knex, hasher } = app.deps;
    const passwordHash = await hasher.hash(DEMO_PASSWORD);
    const memberOf = (name: string) => ({
      ...{ civiliteCode: 'MME', familyName: 'PORT', givenName: name, passwordHash, termsVersion: 'test' },
      email: { address: `${name}@example.test`, canonical: `${name}@example.test` },
    });
    const { accountId, memberId: anne } = await createSharedAccount(knex, app.deps, {
      ...{ title: 'Secrétariat du port', state: 'active' },
      firstMember: memberOf('anne'),
    });
    const basile = await addMember(knex, app.deps, accountId, memberOf('basile'), { invitedBy: anne });
    const visitor = await trusting(app, 'anne@example.test');
    await expects.skipped(visitor, 'anne@example.test');
    await expects.asked(visitor, 'basile@example.test');
    expect((await devices()).map(({ holder_id }) => holder_id)).to.deep.equal([anne]);
    await knex.transaction((trx) => endMember(trx, app.deps, { accountId, memberId: anne, by: basile }));
    expect(await devices()).to.have.length(0);
  });

  it('has at most ten cookies in one browser, the newest', async () => {
    const visitor = new Visitor(app.issuer);
    for (let index = 0; index < 10; index += 1)
      await hold(app, visitor, `caducee_trust_${String(index).padStart(16, '0')}`, 'A'.repeat(43));
    await trusting(app, CAMILLE, visitor);
    const names = (await trustCookies(app, visitor)).map(({ key }) => key);
    expect(names).to.have.length(10).and.not.include('caducee_trust_0000000000000000');
    await leave(app, visitor);
    await expects.skipped(visitor, CAMILLE);
  });
});
