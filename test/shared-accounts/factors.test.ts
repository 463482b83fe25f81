import { expect } from 'chai';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Authenticator, passkeyOptionsOf } from '../support/authenticator.ts';
import { totpAt } from '../support/totp.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'sept girafes sous la pluie';
const BASE = '/mon-compte/authentification-forte';
const ANNE = 'anne@example.test';
const BASILE = 'basile@example.test';
const TABLES = ['passkeys', 'totp_credentials', 'recovery_codes', 'phone_numbers'] as const;

describe('second factors of the members of a shared account', () => {
  let app: TestApp;
  let anne: string;
  let basile: string;
  beforeEach(async () => {
    app = await startTestApp();
    const { knex } = app.database;
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    const member = (givenName: string, email: string) => ({
      familyName: 'SECRETAIRE',
      givenName,
      email: { address: email, canonical: email },
      passwordHash,
      termsVersion: 'test',
    });
    const shared = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du 3e étage',
      state: 'active',
      firstMember: member('Anne', ANNE),
    });
    anne = shared.memberId;
    basile = await addMember(knex, app.deps, shared.accountId, member('Basile', BASILE), { invitedBy: anne });
  });
  afterEach(() => app.close());

  async function enter(email: string): Promise<Visitor> {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', { email, password: PASSWORD });
    return visitor;
  }

  /** One of each kind. */
  async function setUp(visitor: Visitor, number: string): Promise<void> {
    const passkeys = await visitor.get(`${BASE}/cles-d-acces`);
    const passkey = new Authenticator(app.issuer).create(passkeyOptionsOf(passkeys));
    await visitor.send(passkeys, { name: 'Clé', passkey });
    const phones = await visitor.get(`${BASE}/telephones`);
    const { result: codePage, code } = await app.codeSentBy(number, () =>
      visitor.submit(phones, { number }, '/telephones'),
    );
    await visitor.submit(codePage, { code });
    await visitor.submit(await visitor.get(`${BASE}/codes-de-secours`), {});
    const seedPage = await visitor.submit(await visitor.get(`${BASE}/application`), {}, '/application');
    const seed = /secret=([A-Z2-7]+)/.exec(seedPage.text)?.[1] ?? '';
    await visitor.submit(seedPage, { code: totpAt(seed, app.clock.now().getTime() / 1000) });
  }

  const rowsOf = async (memberId: string) =>
    Promise.all(
      TABLES.map(async (table) =>
        Number((await app.database.knex(table).where({ member_id: memberId }).count())[0]?.count),
      ),
    );

  it('are neither seen nor changed by a colleague', async () => {
    const hers = await enter(ANNE);
    await setUp(hers, '+33639980071');
    expect(await rowsOf(anne)).to.deep.equal([1, 1, 10, 1]);

    const his = await enter(BASILE);
    const overview = await his.get(BASE);
    expect(wordsOf(overview)).not.to.include('71').and.not.to.include('En place');
    const form = await his.get(`${BASE}/codes-de-secours`);
    const idOf = async (table: string) => (await app.database.knex(table).first('id')).id;
    const passkey = `${BASE}/cles-d-acces/${await idOf('passkeys')}`;
    for (const url of [
      `${passkey}/retirer`,
      `${passkey}/renommer`,
      `${BASE}/telephones/${await idOf('phone_numbers')}/retirer`,
    ]) {
      expect((await his.get(url)).status, url).to.equal(404);
      expect((await his.send(form, { name: 'Mienne' }, url)).status, url).to.equal(404);
    }
    expect((await his.send(form, {}, `${BASE}/application/retirer`)).status).to.equal(404);
    expect((await his.send(form, {}, `${BASE}/codes-de-secours`)).status).to.equal(200);
    expect(await rowsOf(anne)).to.deep.equal([1, 1, 10, 1]);
    expect((await hers.request(BASE)).status, 'her session goes on').to.equal(200);
  });

  it('go with who is removed', async () => {
    const his = await enter(BASILE);
    await setUp(his, '+33639980072');
    expect(await rowsOf(basile)).to.deep.equal([1, 1, 10, 1]);
    const hers = await enter(ANNE);
    const members = await hers.get('/secretaires');
    const removal = new RegExp(`href="([^"]*${basile}[^"]*)"`).exec(members.text)?.[1] ?? '';
    const question: Page = await hers.get(removal);
    await hers.submit(question, {});
    expect((await his.request(BASE)).status).to.equal(303);
    expect(await rowsOf(basile)).to.deep.equal([0, 0, 0, 0]);
  });
});
