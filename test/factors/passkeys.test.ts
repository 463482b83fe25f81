import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Authenticator, type Lies, passkeyOptionsOf } from '../support/authenticator.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { accountOf, forgetFactors } from '../support/factors.ts';
import {
  addPasskey,
  atPasskeys,
  atThePassword as begin,
  goesOn,
  PASSKEYS,
  PASSWORD,
  sendAlone,
} from '../support/passkeys.ts';
import { Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const OTHER = 'ange@example.test';

describe('passkeys against whoever lies', () => {
  let app: TestApp;
  let client: TestClient;
  let key: Authenticator;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
    const { knex } = app.deps;
    const camille = await knex('accounts')
      .where({ id: await accountOf(app, CAMILLE) })
      .first();
    await createTestAccount(app.deps, { email: OTHER, passwordHash: camille.password_hash });
  });
  after(() => app.close());
  beforeEach(async () => {
    await forgetFactors(app);
    key = await addPasskey(app, CAMILLE);
  });

  const atThePassword = (visitor = new Visitor(app.issuer)) => begin({ client, visitor });

  /** After the password, before the passkey. */
  async function atThePasskey(email = CAMILLE) {
    const { visitor, authorization, page: form } = await atThePassword();
    const page = await visitor.submit(form, { email, password: PASSWORD });
    expect(wordsOf(page)).to.include("Confirmez avec votre clé d'accès");
    return { visitor, authorization, page };
  }

  it('that tell the truth open the account, alone and after a password', async () => {
    const first = await atThePassword();
    expect(
      goesOn(await sendAlone(first.visitor, first.page, key.get(passkeyOptionsOf(first.page)))),
    ).to.equal(true);
    const second = await atThePasskey();
    const passkey = key.get(passkeyOptionsOf(second.page), { isVerified: false, userHandle: undefined });
    expect(goesOn(await second.visitor.send(second.page, { passkey }))).to.equal(true);
  });

  const lies: [string, () => Lies][] = [
    ['another origin', () => ({ origin: 'https://caducee.example.evil' })],
    ['our host under another scheme', () => ({ origin: app.issuer.replace('http:', 'https:') })],
    ['another relying party', () => ({ rpId: 'example.evil' })],
    ['another challenge', () => ({ challenge: Buffer.from('chosen by the attacker').toString('base64url') })],
    ['no challenge', () => ({ challenge: '' })],
    ['a registration for an authentication', () => ({ type: 'webauthn.create' })],
    ['nobody present', () => ({ isPresent: false })],
    ['another key', () => ({ key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey })],
    ['a passkey that nobody has', () => ({ id: Buffer.alloc(32, 1) })],
    ['the handle of another', () => ({ userHandle: Buffer.alloc(32, 1).toString('base64url') })],
  ];
  for (const [what, lie] of lies) {
    it(`open nothing with ${what}`, async () => {
      const first = await atThePassword();
      const refused = await sendAlone(
        first.visitor,
        first.page,
        key.get(passkeyOptionsOf(first.page), lie()),
      );
      expect(refused.status).to.equal(422);
      const second = await atThePasskey();
      const passkey = key.get(passkeyOptionsOf(second.page), lie());
      expect((await second.visitor.send(second.page, { passkey })).status).to.equal(422);
    });
  }

  it('open nothing alone when their user was not verified, or is not named', async () => {
    for (const lie of [{ isVerified: false }, { userHandle: undefined }, { userHandle: '' }]) {
      const { visitor, page } = await atThePassword();
      expect((await sendAlone(visitor, page, key.get(passkeyOptionsOf(page), lie))).status).to.equal(422);
    }
  });

  for (const passkey of [
    '',
    '{}',
    'null',
    '[]',
    '{"id":1}',
    '{"id":"a","rawId":"a","type":"public-key"}',
    '\0',
  ]) {
    it(`answer words to « ${passkey} », not a failure`, async () => {
      const first = await atThePassword();
      expect((await sendAlone(first.visitor, first.page, passkey)).status).to.equal(422);
      const second = await atThePasskey();
      expect((await second.visitor.send(second.page, { passkey })).status).to.equal(422);
    });
  }

  it('answer a challenge once, at two nodes at once', async () => {
    const { visitor, page } = await atThePassword();
    const passkey = key.get(passkeyOptionsOf(page));
    const answers = await Promise.all(Array.from({ length: 6 }, () => sendAlone(visitor, page, passkey)));
    expect(answers.filter(goesOn)).to.have.length(1);
    expect(answers.every(({ status }) => status < 500)).to.equal(true);
    expect(goesOn(await sendAlone(visitor, page, passkey)), 'and not later').to.equal(false);
  });

  it('answer in time, in the same browser, for the same sign-in and the same step', async () => {
    const one = await atThePassword();
    const other = await atThePassword();
    const passkey = key.get(passkeyOptionsOf(one.page));
    expect((await sendAlone(other.visitor, other.page, passkey)).status, 'another browser').to.equal(422);
    const tab = await atThePassword(one.visitor);
    expect((await sendAlone(one.visitor, tab.page, passkey)).status, 'another sign-in').to.equal(422);

    const second = await atThePasskey();
    const forSecond = key.get(passkeyOptionsOf(second.page));
    expect((await sendAlone(second.visitor, second.page, forSecond)).status, 'another step').to.equal(422);

    app.clock.advance(5 * 60_000 + 1_000);
    expect((await sendAlone(one.visitor, one.page, passkey)).status, 'too late').to.equal(422);
  });

  it('stop when their counter goes back: somebody copied them', async () => {
    const first = await atThePassword();
    expect(
      goesOn(
        await sendAlone(first.visitor, first.page, key.get(passkeyOptionsOf(first.page), { count: 40 })),
      ),
    ).to.equal(true);
    for (const count of [40, 39, 0]) {
      const { visitor, page } = await atThePassword();
      expect(
        (await sendAlone(visitor, page, key.get(passkeyOptionsOf(page), { count }))).status,
        `${count}`,
      ).to.equal(422);
    }
  });

  it("are not another person's second factor", async () => {
    await addPasskey(app, OTHER);
    const { visitor, page } = await atThePasskey(OTHER);
    const passkey = key.get(passkeyOptionsOf(page));
    expect((await visitor.send(page, { passkey })).status).to.equal(422);
  });

  it('open no account that is not active, which reads why', async () => {
    const { knex } = app.deps;
    const id = await accountOf(app, CAMILLE);
    const { visitor, page } = await atThePassword();
    await knex('accounts').where({ id }).update({ state: 'suspended' });
    const refused = await sendAlone(visitor, page, key.get(passkeyOptionsOf(page)));
    await knex('accounts').where({ id }).update({ state: 'active' });
    expect(refused.status).to.equal(422);
    expect(wordsOf(refused)).to.include('suspendu');
  });

  it('put no address of a site into the mail that warns of them', async () => {
    const { visitor } = await atPasskeys(app, { email: OTHER });
    for (const [name, told] of [
      ['Clé du cabinet', true],
      ['Pas vous ? www.example.evil', false],
      ['Annulez : https://caducee.example.evil/', false],
      ['aide@example.evil répond', false],
    ] as const) {
      const page = await visitor.get(PASSKEYS);
      const after = app.mailbox.messages().filter(({ to }) => to === OTHER).length;
      const passkey = new Authenticator(app.issuer).create(passkeyOptionsOf(page));
      expect(wordsOf(await visitor.send(page, { name, passkey }))).to.include('est en place');
      const { subject, text } = await app.waitForMessage(OTHER, { after });
      expect(subject).to.include("Une clé d'accès a été ajoutée");
      expect(text.includes(name), name).to.equal(told);
      expect(text).not.to.include('example.evil');
    }
  });

  it('answer words to a registration that no store could keep', async () => {
    const { visitor, page } = await atPasskeys(app, { email: OTHER });
    const before = await app.deps.knex('passkeys').count();
    const made = (id?: Buffer) => new Authenticator(app.issuer, { id }).create(passkeyOptionsOf(page));
    const transports = JSON.parse(made());
    transports.response.transports = ['usb', '\u0000'];
    for (const [what, passkey] of [
      ['a transport that is no text', JSON.stringify(transports)],
      // WebAuthn Level 3 §7.1, step 25: 1023 bytes at most.
      ['a longer identifier than there is', made(randomBytes(1_024))],
      ['a far longer one', made(randomBytes(4_000))],
    ] as const)
      expect((await visitor.send(page, { name: 'Clé', passkey })).status, what).to.equal(422);
    expect(await app.deps.knex('passkeys').count()).to.deep.equal(before);
    const longest = await visitor.send(page, { name: 'Clé', passkey: made(randomBytes(1_023)) });
    expect(wordsOf(longest)).to.include('est en place');
  });

  it('are registered once, and not with the challenge of a sign-in', async () => {
    const { visitor, page } = await atPasskeys(app, { email: OTHER });
    const foreign = await visitor.get('/connexion?vers=cles-d-acces');
    const wrong = new Authenticator(app.issuer).create({
      ...passkeyOptionsOf(page),
      challenge: passkeyOptionsOf(foreign).challenge,
    });
    expect((await visitor.send(page, { name: 'Clé', passkey: wrong })).status).to.equal(422);

    const passkey = new Authenticator(app.issuer).create(passkeyOptionsOf(page));
    const twice = await Promise.all([1, 2, 3].map(() => visitor.send(page, { name: 'Clé', passkey })));
    expect(twice.filter(({ status }) => status === 200)).to.have.length(1);
    const again = key.create(passkeyOptionsOf(await visitor.get(PASSKEYS)));
    const stolen = await visitor.send(await visitor.get(PASSKEYS), { name: 'Clé', passkey: again });
    expect(stolen.status, "a passkey that is another's already").to.equal(422);
  });
});
