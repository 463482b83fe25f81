import { generateKeyPairSync, sign } from 'node:crypto';
import { expect } from 'chai';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Authenticator, type Cbor, type Lies, passkeyOptionsOf } from '../support/authenticator.ts';
import { createCertificate } from '../support/certificate.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { accountOf, forgetFactors } from '../support/factors.ts';
import { addPasskey, atPasskeys, atThePassword as begin, goesOn, sendAlone } from '../support/passkeys.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const ANGE = 'ange@example.test';

/** Other ways to write the text of a challenge, which is read leniently by whoever decodes it so. */
const REWRITINGS: [string, (challenge: string) => unknown][] = [
  ['padding', (challenge) => `${challenge}=`],
  ['a space', (challenge) => `${challenge} `],
  [
    'another part',
    (challenge) => Buffer.from(`${Buffer.from(challenge, 'base64url')}.0`).toString('base64url'),
  ],
  ['a list of bytes', (challenge) => [...Buffer.from(challenge, 'base64url')]],
  ['a list of texts', (challenge) => [challenge]],
];

describe('answers of a passkey that no browser gives', () => {
  let app: TestApp;
  let client: TestClient;
  let visitor: Visitor;
  let page: Page;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
    const camille = await app.deps
      .knex('accounts')
      .where({ id: await accountOf(app, CAMILLE) })
      .first();
    await createTestAccount(app.deps, { email: ANGE, passwordHash: camille.password_hash });
  });
  after(() => app.close());

  const atThePassword = () => begin({ client, visitor: new Visitor(app.issuer) });
  const countPasskeys = async (): Promise<number> =>
    Number((await app.deps.knex('passkeys').count({ count: '*' }).first())?.count);

  describe('at the registration', () => {
    beforeEach(async () => {
      await forgetFactors(app);
      ({ visitor, page } = await atPasskeys(app, { email: CAMILLE }));
    });

    const register = (lies: Lies, authenticator = new Authenticator(app.issuer)) =>
      visitor.send(page, { name: 'Clé', passkey: authenticator.create(passkeyOptionsOf(page), lies) });

    async function expectRefused(answer: Page): Promise<void> {
      expect(answer.status, wordsOf(answer).slice(0, 200)).to.equal(422);
      expect(wordsOf(answer)).to.include("Cette clé d'accès n'a pas pu être ajoutée");
      expect(await countPasskeys()).to.equal(0);
    }

    /** A statement with a chain that nothing is wrong with. */
    const chained =
      (fmt: string): NonNullable<Lies['attestation']> =>
      (signed) => {
        const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const attStmt = new Map<Cbor, Cbor>([
          ['alg', -7],
          ['sig', sign('sha256', signed, keys.privateKey)],
          ['x5c', [createCertificate(keys)]],
        ]);
        return { fmt, attStmt };
      };
    const lies: [string, () => Lies][] = [
      ['another origin', () => ({ origin: 'https://caducee.example.evil' })],
      ['another relying party', () => ({ rpId: 'example.evil' })],
      ['an authentication', () => ({ type: 'webauthn.get' })],
      ['nobody present', () => ({ isPresent: false })],
      ['a frame of another site', () => ({ crossOrigin: true })],
      ['a page framed by another site', () => ({ crossOrigin: true, topOrigin: 'https://example.evil' })],
      ['an algorithm that was not proposed', () => ({ algorithm: -7 - 28 })],
      ['certificates of its make, which nobody asked for', () => ({ attestation: chained('packed') })],
      ['certificates where there are none', () => ({ attestation: chained('none') })],
      ['a statement of a kind that does not exist', () => ({ attestation: chained('example') })],
      ['transports that are no list', () => ({ transports: 'usb' })],
    ];
    for (const [what, lie] of lies)
      it(`add nothing with ${what}`, async () => expectRefused(await register(lie())));

    it('add nothing with the challenge of another browser, or of another account in this one', async () => {
      const other = await atPasskeys(app, { email: CAMILLE });
      await expectRefused(await register({ challenge: passkeyOptionsOf(other.page).challenge }));
      const before = passkeyOptionsOf(page);
      ({ visitor, page } = await atPasskeys(app, { email: ANGE }));
      await expectRefused(await register({ challenge: before.challenge }));
    });

    it('add a passkey that signs for itself, as a browser may leave it', async () => {
      const authenticator = new Authenticator(app.issuer);
      const added = await register({ attestation: authenticator.selfAttestation }, authenticator);
      expect(wordsOf(added)).to.include('est en place');
    });

    for (const [what, rewrite] of REWRITINGS)
      it(`add nothing with a challenge written otherwise: ${what}`, async () =>
        expectRefused(await register({ challenge: rewrite(passkeyOptionsOf(page).challenge) })));

    it('are taken for five minutes', async () => {
      app.clock.advance(5 * 60_000 + 1_000);
      const { status, headers } = await register({});
      app.clock.advance(-5 * 60_000 - 1_000);
      // The sign-in is as old as the page.
      expect([status, headers.get('location')]).to.deep.equal([303, '/connexion?vers=cles-d-acces']);
      expect(await countPasskeys()).to.equal(0);
    });
  });

  describe('at a sign-in', () => {
    let key: Authenticator;
    beforeEach(async () => {
      await forgetFactors(app);
      key = await addPasskey(app, CAMILLE);
    });

    const lies: [string, Lies][] = [
      ['a frame of another site', { crossOrigin: true }],
      ['a page framed by another site', { crossOrigin: true, topOrigin: 'https://example.evil' }],
      ['a page above one that is not framed', { topOrigin: 'https://example.evil' }],
      // Level 3 §6.1.3: whether it may be backed up never changes.
      ['a passkey bound to its device that became a synced one', { isSynced: true }],
    ];
    for (const [what, lie] of lies)
      it(`open nothing with ${what}`, async () => {
        const { visitor, page } = await atThePassword();
        const refused = await sendAlone(visitor, page, key.get(passkeyOptionsOf(page), lie));
        expect(refused.status).to.equal(422);
      });

    for (const [what, rewrite] of REWRITINGS)
      it(`open nothing with a challenge written otherwise: ${what}`, async () => {
        const { visitor, page } = await atThePassword();
        const challenge = rewrite(passkeyOptionsOf(page).challenge);
        const refused = await sendAlone(visitor, page, key.get(passkeyOptionsOf(page), { challenge }));
        expect(refused.status).to.equal(422);
      });

    it('are taken for five minutes', async () => {
      for (const [minutes, opens] of [
        [4.9, true],
        [5.1, false],
      ] as const) {
        const { visitor, page } = await atThePassword();
        app.clock.advance(minutes * 60_000);
        const answer = await sendAlone(visitor, page, key.get(passkeyOptionsOf(page)));
        app.clock.advance(-minutes * 60_000);
        expect(goesOn(answer), `${minutes} minutes`).to.equal(opens);
      }
    });
  });

  it('open the account with each algorithm that is proposed, and with a synced passkey that counts nothing', async () => {
    for (const [kind, lie] of [
      ['ES256', {}],
      ['RS256', {}],
      ['EdDSA', {}],
      ['ES256', { isSynced: true, count: 0 }],
    ] as const) {
      await forgetFactors(app);
      const authenticator = new Authenticator(app.issuer, { kind });
      await addPasskey(app, CAMILLE, { authenticator, lies: lie });
      for (const time of ['first', 'second']) {
        const { visitor, page } = await atThePassword();
        const answer = await sendAlone(visitor, page, authenticator.get(passkeyOptionsOf(page), lie));
        expect(goesOn(answer), `${kind}, ${JSON.stringify(lie)}, the ${time} time`).to.equal(true);
      }
    }
  });
});
