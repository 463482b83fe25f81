import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { findPrincipal } from '../../src/accounts/principals.ts';
import { changeSecurity } from '../../src/accounts/security-change.ts';
import { transition } from '../../src/accounts/transition.ts';
import { findTrustedDevice, sweepTrustedDevices } from '../../src/factors/trusted-devices.ts';
import { DAY, MINUTE, SECOND } from '../../src/lib/clock.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { mayBeSkipped } from '../../src/pages/sign-in/trusted-device.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { accountOf, addRecoveryCodes, addTotp, forgetFactors } from '../support/factors.ts';
import { totpAt } from '../support/totp.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const DOMINIQUE_PHONE = '+33639980007';
const ADMIN = { email: 'admin@example.test', codeTo: '+33639980099' };
const DEVICES = '/mon-compte/authentification-forte/appareils';
const BOX = 'Faire confiance à cet appareil pendant 30 jours';
const CODE_PAGE = 'Un code vous attend';
const FIREFOX = 'Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0';
const COOKIE = /^caducee_trust_[0-9a-f]{16}$/;

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

describe('a trusted device', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => forgetFactors(app));

  const trustOf = async (visitor: Visitor) =>
    (await visitor.jar.getCookies(app.issuer)).find(({ key }) => COOKIE.test(key));
  const tokenOf = async (visitor: Visitor) => (await trustOf(visitor))?.value;
  const hold = (visitor: Visitor, name: string, token: string) =>
    visitor.jar.setCookie(`${name}=${token}; Path=/`, app.issuer);

  /** Forgets the session, as the end of a window does. */
  async function leave(visitor: Visitor): Promise<Visitor> {
    for (const { key } of await visitor.jar.getCookies(app.issuer))
      if (!COOKIE.test(key)) await visitor.jar.setCookie(`${key}=; Path=/; Max-Age=0`, app.issuer);
    return visitor;
  }

  const typePassword = async (visitor: Visitor, url: string, email = CAMILLE): Promise<Page> =>
    visitor.submit(await visitor.get(url), { email, password: DEMO_PASSWORD });

  /** A browser in which this person ticked the box, and whose session is over. */
  async function trusting(
    email = CAMILLE,
    { codeTo = email, visitor = new Visitor(app.issuer) } = {},
  ): Promise<Visitor> {
    const { result: page, code } = await app.codeSentBy(codeTo, async () =>
      typePassword(visitor, (await client.authorize()).url, email),
    );
    expect(wordsOf(page)).to.include(BOX);
    await visitor.submit(page, { code, trust: 'yes' }, '/code');
    return leave(visitor);
  }

  /** Signs in by the password. @returns what the application gets, or the words of the page of the second step. */
  async function signIn(
    visitor: Visitor,
    { email = CAMILLE, parameters = {} }: { email?: string; parameters?: Record<string, string> } = {},
  ): Promise<{ acr?: unknown; amr?: unknown; words?: string }> {
    const authorization = await client.authorize(parameters);
    const page = await typePassword(visitor, authorization.url, email);
    if (page.status !== 303) return { words: wordsOf(page) };
    const claims = (await client.exchange(authorization, page.headers.get('location') as string)).claims();
    return { acr: claims?.acr, amr: claims?.amr };
  }

  const SKIPPED = { acr: 'urn:caducee:acr:2sv-device', amr: ['pwd', 'device'] };
  const expectSkipped = async (visitor: Visitor, email = CAMILLE) =>
    expect(await signIn(visitor, { email })).to.deep.equal(SKIPPED);
  const expectAsked = async (visitor: Visitor, email = CAMILLE) =>
    expect((await signIn(visitor, { email })).words, 'asks the second step').to.include(CODE_PAGE);

  const events = async (event: string) =>
    (await app.deps.knex('journal').whereRaw(`entry::json->>'event' = ?`, [event]).orderBy('seq')).map(
      ({ entry }) => JSON.parse(entry),
    );
  const tries = async () =>
    (await app.deps.knex('throttle_counters').where('key', 'like', '%odeFailurePerAccount%')).length;

  it('is asked for the password only, and the ID token tells it', async () => {
    const visitor = await trusting();
    const first = await trustOf(visitor);
    expect(first?.value).to.match(/^[\w-]{43}$/);
    expect(first?.httpOnly).to.equal(true);
    expect(first?.sameSite).to.equal('lax');
    const codes = app.codesTo(CAMILLE);
    await expectSkipped(visitor);
    expect(app.codesTo(CAMILLE), 'no code was sent').to.equal(codes);
    expect(await tokenOf(visitor), 'another value after each use').not.to.equal(first?.value);
    await expectSkipped(await leave(visitor));

    const added = (await events('trusted-device.added')).at(-1);
    expect(added).to.include({ outcome: 'success', subject: await accountOf(app, CAMILLE) });
    const entries = JSON.stringify(await app.deps.knex('journal'));
    const rows = JSON.stringify(await app.deps.knex('trusted_devices'));
    for (const token of [first?.value as string, (await tokenOf(visitor)) as string])
      for (const text of [entries, rows, app.logLines.join()]) expect(text).not.to.include(token);
  });

  it('still needs the right password', async () => {
    const visitor = await trusting();
    const form = await visitor.get('/connexion');
    const page = await visitor.submit(form, { email: CAMILLE, password: 'neuf girafes au soleil' });
    expect(wordsOf(page)).to.include("n'est pas correct");
  });

  it('is one where the box was ticked', async () => {
    const visitor = new Visitor(app.issuer);
    const { result: page, code } = await app.codeSentBy(CAMILLE, () => typePassword(visitor, '/connexion'));
    await visitor.submit(page, { code }, '/code');
    expect(await tokenOf(visitor)).to.equal(undefined);
    await expectAsked(await leave(visitor));
  });

  it('keeps the box ticked when the code is wrong', async () => {
    const page = await typePassword(new Visitor(app.issuer), '/connexion');
    expect(page.text).not.to.match(/<input[^>]*name="trust"[^>]* checked/);
    const visitor = new Visitor(app.issuer);
    const again = await visitor.submit(
      await typePassword(visitor, '/connexion'),
      { code: '000000', trust: 'yes' },
      '/code',
    );
    expect(again.status).to.equal(422);
    expect(again.text).to.match(/<input[^>]*name="trust"[^>]* checked/);
    expect(await tokenOf(visitor)).to.equal(undefined);
  });

  it('is made by a code of an authenticator application too', async () => {
    const seed = await addTotp(app, DOMINIQUE);
    const visitor = new Visitor(app.issuer);
    const page = await typePassword(visitor, '/connexion', DOMINIQUE);
    expect(wordsOf(page)).to.include(BOX);
    const code = totpAt(seed, app.clock.now().getTime() / SECOND);
    await visitor.submit(page, { code, trust: 'yes' });
    await expectSkipped(await leave(visitor), DOMINIQUE);
  });

  it('is never made by a recovery code', async () => {
    const [code = ''] = await addRecoveryCodes(app, CAMILLE);
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get('/connexion');
    await visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD });
    const channels = await visitor.get(`${form.url}/canal`);
    const page = await visitor.submit(channels, { channel: 'recovery-code' }, '/canal');
    expect(wordsOf(page)).not.to.include(BOX);
    expect((await visitor.submit(page, { code, trust: 'yes' })).status).to.equal(200);
    expect(await tokenOf(visitor)).to.equal(undefined);
    expect(await app.deps.knex('trusted_devices')).to.have.length(0);
  });

  it('is trusted after 29 days, not after 30, however often it was used', async () => {
    const visitor = await trusting();
    app.clock.advance(29 * DAY);
    await expectSkipped(visitor);
    await sweepTrustedDevices(app.deps.knex, app.clock);
    app.clock.advance(DAY);
    await expectAsked(await leave(visitor));
    expect(await tries(), 'its end is no guess').to.equal(0);
    await sweepTrustedDevices(app.deps.knex, app.clock);
    expect(await app.deps.knex('trusted_devices')).to.have.length(0);
  });

  it('is that browser alone', async () => {
    await trusting();
    await expectAsked(new Visitor(app.issuer));
  });

  it('opens nothing for another account, which is counted and taken away', async () => {
    const thief = new Visitor(app.issuer);
    const stolen = (await tokenOf(await trusting())) as string;
    const name = (await trustOf(await trusting(DOMINIQUE, { codeTo: DOMINIQUE_PHONE })))?.key as string;
    await hold(thief, name, stolen);
    await app.deps.knex('throttle_counters').delete();
    await expectAsked(thief, DOMINIQUE);
    expect(await tries()).to.be.greaterThan(0);
    expect(await tokenOf(thief)).to.equal(undefined);
    expect((await events('sign-in.refused')).at(-1)).to.deep.include({ details: { step: 'trusted-device' } });
  });

  it('is guessed no more often than a code', async () => {
    const name = (await trustOf(await trusting()))?.key as string;
    await app.deps.knex('throttle_counters').delete();
    const visitor = new Visitor(app.issuer);
    const before = (await events('sign-in.refused')).length;
    for (let index = 0; index < 14; index += 1) {
      await hold(visitor, name, String(index).padStart(43, 'A'));
      await typePassword(visitor, '/connexion');
    }
    expect((await events('sign-in.refused')).length - before).to.equal(10);
  });

  it('is of each person in turn, in one browser', async () => {
    const visitor = await trusting();
    await trusting(DOMINIQUE, { codeTo: DOMINIQUE_PHONE, visitor });
    for (const email of [CAMILLE, DOMINIQUE, CAMILLE]) await expectSkipped(await leave(visitor), email);
  });

  it('is used once by two tabs at once, and stays trusted', async () => {
    const visitor = await trusting();
    const forms: Page[] = [];
    for (let tab = 0; tab < 4; tab += 1) forms.push(await visitor.get((await client.authorize()).url));
    const answers = await Promise.all(
      forms.map((form) => visitor.send(form, { email: CAMILLE, password: DEMO_PASSWORD })),
    );
    const ends = answers.map(({ headers }) => /\/code$/.test(headers.get('location') ?? ''));
    expect(
      ends.filter((isAsked) => !isAsked),
      'skipped',
    ).to.have.length(1);
    expect(await tries(), 'no guess').to.equal(0);
    await expectSkipped(await leave(visitor));
  });

  it('is forgotten when a value that was used comes back: somebody has a copy', async () => {
    const visitor = await trusting();
    const { key = '', value = '' } = (await trustOf(visitor)) ?? {};
    await expectSkipped(visitor);
    const copy = new Visitor(app.issuer);
    await hold(copy, key, value);
    await expectAsked(copy);
    await expectSkipped(await leave(visitor));
    app.clock.advance(2 * MINUTE);
    const later = new Visitor(app.issuer);
    await hold(later, key, value);
    await expectAsked(later);
    await expectSkipped(await leave(visitor));

    const last = (await tokenOf(visitor)) as string;
    await expectSkipped(await leave(visitor));
    app.clock.advance(2 * MINUTE);
    await hold(later, key, last);
    await expectAsked(later);
    expect(await tokenOf(later)).to.equal(undefined);
    await expectAsked(await leave(visitor));
    const removed = (await events('trusted-device.removed')).at(-1);
    expect(removed.details).to.include({ reason: 'copied' });
  });

  it('is void after a change of what opens the account, and after a suspension', async () => {
    const id = await accountOf(app, CAMILLE);
    const principal = await findPrincipal(app.deps.knex, id, undefined);
    if (!principal) throw new Error('nobody');
    const { knex } = app.deps;
    for (const change of [
      () =>
        changeSecurity(
          knex,
          app.deps,
          { principal, kept: { session: Buffer.from('none'), grants: [] }, lang: 'fr', source: '192.0.2.1' },
          { change: 'recovery-codes-created' },
          async () => undefined,
        ),
      async () => {
        await transition(knex, app.deps, {
          accountId: id,
          to: 'suspended',
          by: { role: 'administrator' },
          reason: 'x',
        });
        await transition(knex, app.deps, { accountId: id, to: 'active', by: { role: 'administrator' } });
      },
    ]) {
      const visitor = await trusting();
      await change();
      await expectAsked(visitor);
    }
  });

  it('is replaced when the box is ticked again in the same browser', async () => {
    const visitor = await trusting();
    const again = await client.authorize({ prompt: 'login' });
    const { result: page, code } = await app.codeSentBy(CAMILLE, () => typePassword(visitor, again.url));
    await visitor.submit(page, { code, trust: 'yes' }, '/code');
    expect(await app.deps.knex('trusted_devices')).to.have.length(1);
    await expectSkipped(await leave(visitor));
  });

  describe('is asked the second step', () => {
    const essential = (value: string) => ({
      claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
    });
    for (const [what, parameters] of [
      ['by prompt=login', { prompt: 'login' }],
      ['by max_age', { max_age: '86400' }],
      ['by a class in acr_values', { acr_values: ACR.twoSteps }],
      ['by a class that the account cannot reach', { acr_values: ACR.twoFactors }],
      ['by an essential class', essential(ACR.twoSteps)],
    ] as const)
      it(what, async () => {
        const visitor = await trusting();
        const { words, ...rest } = await signIn(visitor, { parameters });
        expect(rest).to.deep.equal({});
        expect(words).to.include(CODE_PAGE);
        await expectSkipped(await leave(visitor));
      });

    it("by an application's minimum", async () => {
      const visitor = await trusting();
      const { knex } = app.deps;
      try {
        await knex('applications').where({ client_id: 'messagerie' }).update({ minimum_acr: ACR.twoSteps });
        const { words } = await signIn(visitor);
        expect(words).to.include(CODE_PAGE);
      } finally {
        await knex('applications').where({ client_id: 'messagerie' }).update({ minimum_acr: null });
      }
    });

    it('for an administrator, to whom trust is not offered, and whose device of before is no more use', async () => {
      const visitor = new Visitor(app.issuer);
      const { result: page, code } = await app.codeSentBy(ADMIN.codeTo, () =>
        typePassword(visitor, '/connexion', ADMIN.email),
      );
      expect(wordsOf(page)).to.include(CODE_PAGE).and.not.include(BOX);
      await visitor.submit(page, { code, trust: 'yes' }, '/code');
      expect(await app.deps.knex('trusted_devices')).to.have.length(0);

      const id = await accountOf(app, DOMINIQUE);
      const promoted = await trusting(DOMINIQUE, { codeTo: DOMINIQUE_PHONE });
      await app.deps.knex('account_roles').insert({ account_id: id, role: 'administrator' });
      try {
        await expectAsked(promoted, DOMINIQUE);
      } finally {
        await app.deps.knex('account_roles').where({ account_id: id }).delete();
      }
    });

    it('and only that, by an application that asks for more of a session', async () => {
      const visitor = await trusting();
      await expectSkipped(visitor);
      const authorization = await client.authorize(essential(ACR.twoSteps));
      const channels = await visitor.get(authorization.url);
      expect(wordsOf(channels)).to.include('Vous êtes déjà connecté').and.not.include('Mot de passe');
      const { result: page, code } = await app.codeSentBy(CAMILLE, () =>
        visitor.submit(channels, { channel: 'email' }, '/canal'),
      );
      expect(wordsOf(page), 'trust is for a whole sign-in').not.to.include(BOX);
      const before = await tokenOf(visitor);
      const back = await visitor.submit(page, { code, trust: 'yes' }, '/code');
      const claims = (await client.exchange(authorization, back.headers.get('location') as string)).claims();
      expect(claims).to.deep.include({ acr: ACR.twoSteps, amr: ['pwd', 'device', 'email'] });
      expect(await tokenOf(visitor)).to.equal(before);
    });

    it('by a page that changes what opens the account', async () => {
      const visitor = await trusting();
      await typePassword(visitor, '/connexion');
      const devices = await visitor.get(DEVICES);
      expect(wordsOf(devices), 'the session is enough to remove trust').to.include('cet appareil');
      const form = await visitor.get('/mon-compte/authentification-forte/codes-de-secours');
      expect(form.url).to.include('/connexion/');
      const { result: page, code } = await app.codeSentBy(CAMILLE, () =>
        visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }),
      );
      const back = await visitor.submit(page, { code }, '/code');
      expect(wordsOf(back)).to.include('Créer mes codes de secours');
    });
  });

  it('is of one member of a shared account', async () => {
    // A second person of the same account: trust of one says nothing of the other.
    const { knex, keyring, clock } = app.deps;
    const visitor = await trusting();
    const token = (await tokenOf(visitor)) as string;
    const id = await accountOf(app, CAMILLE);
    const other = await accountOf(app, DOMINIQUE);
    expect((await findTrustedDevice(knex, { keyring, clock }, id, token)).verdict).to.equal('trusted');
    expect((await findTrustedDevice(knex, { keyring, clock }, other, token)).verdict).to.equal('unknown');
  });
});
