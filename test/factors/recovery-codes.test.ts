import { expect } from 'chai';
import { parseRecoveryCode } from '../../src/factors/recovery-codes.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Authorization, createTestClient, type TestClient } from '../support/client.ts';
import { addRecoveryCodes, forgetFactors } from '../support/factors.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const DOMINIQUE = 'dominique@example.test';
const PHONE = '+33639980007';
const PASSWORD = 'demo-caducee-2026';

describe('recovery codes as they are typed', () => {
  const code = '0123456789abcdef';
  for (const [typed, expected] of [
    [code, code],
    ['0123-4567-89ab-cdef', code],
    [' 0123 4567 89AB CDEF ', code],
    ['O123–4567–89ab–cdef', code],
    ['oIl2-0000-0000-0000', '0112000000000000'],
    ['０１２３-4567-89ab-cdef', code],
    ['0123-4567-89ab-cde', undefined],
    ['0123-4567-89ab-cdeu', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    it(`${expected ? 'are read' : 'are none'}: « ${typed} »`, () => {
      expect(parseRecoveryCode(typed)).to.equal(expected);
    });
  }
});

describe('a recovery code at sign-in', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => forgetFactors(app));

  /** A browser that stands at the recovery code. */
  async function atTheCode(): Promise<{ visitor: Visitor; page: Page; authorization: Authorization }> {
    const visitor = new Visitor(app.issuer);
    const authorization = await client.authorize();
    const form = await visitor.get(authorization.url);
    await visitor.submit(form, { email: DOMINIQUE, password: PASSWORD });
    const channels = await visitor.get(`${form.url}/canal`);
    const page = await visitor.submit(channels, { channel: 'recovery-code' }, '/canal');
    expect(wordsOf(page)).to.include('Saisissez un code de secours');
    return { visitor, page, authorization };
  }

  it('are ten, each of 80 bits, kept as digests of their holder', async () => {
    const codes = await addRecoveryCodes(app, DOMINIQUE);
    expect(codes).to.have.length(10);
    for (const code of codes) expect(code).to.match(/^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
    const rows = await app.deps.knex('recovery_codes');
    for (const row of rows)
      for (const code of codes)
        expect(JSON.stringify(row)).not.to.include(code).and.not.to.include(code.replaceAll('-', ''));
  });

  it('opens the account once, and every contact is told how many are left', async () => {
    const [code = '', other = ''] = await addRecoveryCodes(app, DOMINIQUE);
    const { visitor, page, authorization } = await atTheCode();
    const back = await visitor.submit(page, { code: code.toUpperCase().replaceAll('-', ' ') });
    const claims = (await client.exchange(authorization, back.headers.get('location') as string)).claims();
    expect(claims?.acr).to.equal('urn:caducee:acr:2fa');
    expect(claims?.amr).to.deep.equal(['pwd', 'recovery', 'mfa']);
    const mail = await app.waitForMessage(DOMINIQUE, { after: 1 });
    expect(mail.subject).to.equal('Un code de secours a servi à vous connecter');
    expect(mail.text).to.include('Il vous en reste 9.').and.not.to.include(code);
    const told = app.mailbox
      .messages()
      .filter(({ to, text }) => to === PHONE && text.includes('il en reste 9'));
    expect(told).to.have.length(1);

    const again = await atTheCode();
    const refused = await again.visitor.submit(again.page, { code });
    expect(refused.status).to.equal(422);
    expect(wordsOf(refused)).to.include("Ce code n'est pas le bon, ou il a déjà servi");
    expect((await again.visitor.submit(refused, { code: other })).status).to.equal(303);
  });

  it('works once when it is used at two nodes at once', async () => {
    const [code = ''] = await addRecoveryCodes(app, DOMINIQUE);
    const browsers = [];
    for (let index = 0; index < 4; index += 1) browsers.push(await atTheCode());
    const answers = await Promise.all(browsers.map(({ visitor, page }) => visitor.send(page, { code })));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([303, 422, 422, 422]);
  });

  it("is not another's, and not one that new ones replaced", async () => {
    const [replaced = ''] = await addRecoveryCodes(app, DOMINIQUE);
    await addRecoveryCodes(app, DOMINIQUE);
    const [strange = ''] = await addRecoveryCodes(app, 'camille@example.test');
    const { visitor, page } = await atTheCode();
    for (const code of [replaced, strange]) {
      const refused = await visitor.submit(page, { code });
      expect(refused.status).to.equal(422);
    }
  });

  it('is looked at no more often than the limit, of 200 guesses made at once', async () => {
    await addRecoveryCodes(app, DOMINIQUE);
    const { visitor, page } = await atTheCode();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        visitor.send(page, { code: String(index).padStart(16, '0') }),
      ),
    );
    const compared = answers.filter((answer) => wordsOf(answer).includes('il a déjà servi')).length;
    expect(compared).to.be.within(1, 20);
    expect(answers.every(({ status }) => status === 422)).to.equal(true);
  });
});
