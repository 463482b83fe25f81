import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { DAY } from '../../src/lib/clock.ts';
import { KNOWN_DEVICE_DAYS, sweepKnownDevices } from '../../src/throttle/known-devices.ts';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { endWaits, leaveAttempts } from '../support/throttle.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = { email: 'dominique@example.test', codeTo: '+33639980007' };
const WRONG_PASSWORD = 'neuf girafes au soleil';
const BAD_CREDENTIALS = "L'adresse mail ou le mot de passe n'est pas correct.";
const WAIT = "Trop d'essais en peu de temps.";
const COOKIE = 'caducee_device';

describe('a device that signed in before', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
  });
  after(() => app.close());
  beforeEach(async () => {
    await app.database.knex('throttle_counters').delete();
    await app.database.knex('known_devices').delete();
  });

  const signInAgain = '/connexion?vers=secretaires';
  const tokenOf = async (visitor: Visitor) =>
    (await visitor.jar.getCookies(app.issuer)).find(({ key }) => key === COOKIE)?.value;
  const hold = (visitor: Visitor, token: string) =>
    visitor.jar.setCookie(`${COOKIE}=${token}; Path=/`, app.issuer);

  /** A browser that signed in. */
  async function known(email = CAMILLE, codeTo = email): Promise<Visitor> {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', { email, codeTo });
    return visitor;
  }

  /** One wrong password. @returns whether it was compared. */
  async function isCompared(visitor: Visitor, email = CAMILLE, form?: Page): Promise<boolean> {
    const page = await visitor.submit(form ?? (await visitor.get(signInAgain)), {
      email,
      password: WRONG_PASSWORD,
    });
    const words = wordsOf(page);
    if (!words.includes(BAD_CREDENTIALS)) expect(words).to.include(WAIT);
    return words.includes(BAD_CREDENTIALS);
  }

  /** Wrong passwords, each in its turn, until one is refused. @returns how many were compared. */
  async function guess(visitor: Visitor, email = CAMILLE, most = 30): Promise<number> {
    const form = await visitor.get(signInAgain);
    for (let compared = 0; compared < most; compared += 1) {
      await endWaits(app);
      if (!(await isCompared(visitor, email, form))) return compared;
    }
    return most;
  }

  const entersPassword = async (visitor: Visitor, email = CAMILLE) =>
    wordsOf(await visitor.submit(await visitor.get(signInAgain), { email, password: DEMO_PASSWORD }));

  it('signs in while a stranger has used up the tries of the account', async () => {
    const owner = await known();
    const stranger = new Visitor(app.issuer);
    expect(await guess(stranger)).to.equal(10);
    expect(await entersPassword(stranger), 'who is stopped even with the right one').to.include(WAIT);
    expect(await entersPassword(owner)).to.include('Un code vous attend');
    expect(await entersPassword(stranger), 'and stays so').to.include(WAIT);
  });

  it('signs in while a stranger behind the same address has used up the tries of that address', async () => {
    const owner = await known();
    const stranger = new Visitor(app.issuer);
    expect(await isCompared(stranger)).to.equal(true);
    await leaveAttempts(app, 'signInPerSource', 0);
    expect(await entersPassword(stranger)).to.include(WAIT);
    expect(await isCompared(owner)).to.equal(true);
    expect(await entersPassword(owner)).to.include('Un code vous attend');
  });

  it('stays known over a sign-out', async () => {
    const owner = await known();
    const question = await owner.get('/deconnexion?client_id=caducee');
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(question.text)?.[1] ?? '';
    const left = await owner.submit(question, { xsrf, logout: 'yes' }, '/confirm');
    expect(wordsOf(left)).to.include('Vous êtes déconnecté');
    await guess(new Visitor(app.issuer));
    expect(await entersPassword(owner)).to.include('Un code vous attend');
  });

  it('has ten tries of its own, then is a stranger', async () => {
    const owner = await known();
    expect(await guess(owner), 'its own ten, then those of strangers').to.equal(20);
    expect(await app.database.knex('known_devices').count()).to.deep.equal([{ count: 0 }]);
  });

  it('is a stranger after as many tries a day as a stranger has, however patiently they are made', async () => {
    const owner = await known();
    const { limit } = throttleRules.signInPerAccountDaily;
    const form = await owner.get(signInAgain);
    const after = app.mailbox.messages().filter(({ to }) => to === CAMILLE).length;
    let compared = 0;
    for (; compared < limit; compared += 1) {
      await endWaits(app);
      // Each quarter of an hour ends before the tenth try.
      if (compared % 9 === 8)
        await app.database
          .knex('throttle_counters')
          .where('key', 'like', 'signInPerDevice:%')
          .orWhere('key', 'like', 'signInPerAccount:%')
          .orWhere('key', 'like', 'signInPerSource:%')
          .delete();
      if (!(await isCompared(owner, CAMILLE, form))) break;
    }
    expect(await app.database.knex('known_devices').count()).to.deep.equal([{ count: 0 }]);
    expect((await app.waitForMessage(CAMILLE, { after })).subject).to.include('ont été arrêtés');
  });

  it('waits longer and longer like everybody', async () => {
    const owner = await known();
    for (const compared of [true, true, true, false, false])
      expect(await isCompared(owner)).to.equal(compared);
    expect(await isCompared(new Visitor(app.issuer)), 'strangers do not wait for it').to.equal(true);
  });

  it('gives to a copy of its cookie no more than its one count', async () => {
    const owner = await known();
    const token = (await tokenOf(owner)) as string;
    await guess(new Visitor(app.issuer));
    let compared = 0;
    for (let thieves = 0; thieves < 5; thieves += 1) {
      const thief = new Visitor(app.issuer);
      await hold(thief, token);
      compared += await guess(thief, CAMILLE, 6);
    }
    expect(compared).to.equal(10);
  });

  it('is compared three times, of 60 copies at once over two nodes', async () => {
    const token = (await tokenOf(await known())) as string;
    const thieves = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const thief = new Visitor(app.issuer);
        await hold(thief, token);
        return { thief, form: await thief.get('/connexion') };
      }),
    );
    const compared = await Promise.all(thieves.map(({ thief, form }) => isCompared(thief, CAMILLE, form)));
    // Three as the device, three as a stranger would be six: the ones refused are not tried again as somebody else.
    expect(compared.filter(Boolean)).to.have.length(3);
  });

  it('voids older copies of its cookie at each sign-in', async () => {
    const owner = await known();
    const older = (await tokenOf(owner)) as string;
    await signIn(app, owner, signInAgain, { email: CAMILLE });
    expect(await tokenOf(owner)).not.to.equal(older);
    const thief = new Visitor(app.issuer);
    await hold(thief, older);
    await guess(new Visitor(app.issuer));
    expect(await isCompared(thief)).to.equal(false);
    expect(await entersPassword(owner)).to.include('Un code vous attend');
  });

  it('is known to each account that signed in on it, and to no other', async () => {
    const shared = await known();
    await shared.jar.removeAllCookies();
    await signIn(app, shared, '/connexion', { email: CAMILLE });
    const first = await tokenOf(shared);
    for (const cookie of await shared.jar.getCookies(app.issuer))
      if (cookie.key !== COOKIE)
        await shared.jar.setCookie(`${cookie.key}=; Max-Age=0; Path=${cookie.path}`, app.issuer);
    await signIn(app, shared, '/connexion', DOMINIQUE);
    expect(await tokenOf(shared)).not.to.equal(first);
    for (const email of [CAMILLE, DOMINIQUE.email]) {
      await guess(new Visitor(app.issuer), email);
      expect(await isCompared(shared, email), email).to.equal(true);
    }
    await guess(new Visitor(app.issuer), 'admin@example.test');
    expect(await isCompared(shared, 'admin@example.test')).to.equal(false);
  });

  for (const [what, token] of [
    ['invented', 'A'.repeat(43)],
    ['no such value', 'x'],
    ['long', 'A'.repeat(3_000)],
    ['injected', "A'--"],
  ] as const) {
    it(`is not one whose cookie is ${what}`, async () => {
      await guess(new Visitor(app.issuer));
      const forger = new Visitor(app.issuer);
      await hold(forger, token);
      expect(await isCompared(forger)).to.equal(false);
    });
  }

  it('is forgotten after 180 days without a sign-in', async () => {
    const owner = await known();
    await guess(new Visitor(app.issuer));
    await app.database.knex('known_devices').update({ expires_at: app.clock.now() });
    expect(await isCompared(owner)).to.equal(false);
    await sweepKnownDevices(app.database.knex, { now: () => new Date(app.clock.now().getTime() + 1_000) });
    expect(await app.database.knex('known_devices').count()).to.deep.equal([{ count: 0 }]);
  });

  it('keeps nothing but a value of its own, that only the server reads, for 180 days', async () => {
    const owner = new Visitor(app.issuer);
    const form = await owner.get('/connexion');
    const { result: page, code } = await app.codeSentBy(CAMILLE, () =>
      owner.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }),
    );
    expect(await tokenOf(owner), 'only a completed sign-in gives it').to.equal(undefined);
    const done = await owner.send(page, { code }, page.url);
    const [line = ''] = done.headers.getSetCookie().filter((one) => one.startsWith(COOKIE));
    expect(line).to.match(/^caducee_device=[\w-]{43}; path=\/; expires=[^;]+; samesite=lax; httponly$/i);
    const expires = new Date(/expires=([^;]+)/i.exec(line)?.[1] ?? 0).getTime();
    expect(expires - Date.now()).to.be.within((KNOWN_DEVICE_DAYS - 1) * DAY, (KNOWN_DEVICE_DAYS + 1) * DAY);
    const [row] = await app.database.knex('known_devices');
    const token = (await tokenOf(owner)) as string;
    expect(Buffer.from(row.device_hash).toString('latin1')).not.to.include(token);
  });
});
