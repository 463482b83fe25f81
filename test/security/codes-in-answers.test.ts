import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { addRecoveryCodes, addTotp, forgetFactors } from '../support/factors.ts';
import { totpAt } from '../support/totp.ts';
import { type Page, Visitor } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const PHONE = '+33639980007';
const PASSWORD = 'demo-caducee-2026';

/** A browser that keeps every answer, redirects and headers included. */
class Listener extends Visitor {
  readonly heard: string[] = [];

  override async request(url: string, init: RequestInit = {}): Promise<Page> {
    const page = await super.request(url, init);
    this.heard.push([...page.headers].map((line) => line.join(': ')).join('\n'), page.text);
    return page;
  }
}

/** Digits that stand by themselves: six may occur by chance in an identifier. */
const says = (text: string, code: string): boolean =>
  new RegExp(`(?<![0-9A-Za-z_-])${code}(?![0-9A-Za-z_-])`).test(text);

describe('what opens the second step is told by no answer and no log', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => forgetFactors(app));

  async function untilChoices(email: string): Promise<{ visitor: Listener; uid: string; page: Page }> {
    const visitor = new Listener(app.issuer);
    const form = await visitor.get((await client.authorize()).url);
    const page = await visitor.submit(form, { email, password: PASSWORD });
    return { visitor, uid: new URL(form.url).pathname, page };
  }

  function expectUntold(visitor: Listener, secrets: readonly string[]): void {
    const said = [...visitor.heard, ...app.logLines];
    expect(visitor.heard.length).to.be.greaterThan(8);
    for (const secret of secrets) expect(said.filter((text) => says(text, secret))).to.deep.equal([]);
  }

  for (const [channel, email, to] of [
    ['email', CAMILLE, CAMILLE],
    ['sms-1', DOMINIQUE, PHONE],
  ] as const)
    it(`a code by ${channel}: sent, sent again, mistyped, entered, entered twice`, async () => {
      const { visitor, uid, page: first } = await untilChoices(email);
      const codes = [await app.waitForCode(email)];
      let page = first;
      if (channel === 'sms-1') {
        const channels = await visitor.get(`${uid}/canal`);
        page = await visitor.submit(channels, { channel }, '/canal');
        codes.push(await app.waitForCode(to));
      }
      app.clock.advance(31_000);
      const sent = app.codesTo(to);
      page = await visitor.submit(page, {}, '/renvoyer');
      const code = await app.waitForCode(to, sent);
      await visitor.submit(page, { code: code === '000000' ? '000001' : '000000' }, '/code');
      const back = await visitor.submit(page, { code }, '/code');
      expect(back.headers.get('location')).to.include('/callback');
      await visitor.send(page, { code }, `${uid}/code`);
      expectUntold(visitor, [...codes, code]);
    });

  it('a code of an application, its seed, and recovery codes', async () => {
    const seed = await addTotp(app, CAMILLE);
    const [recovery = '', ...others] = await addRecoveryCodes(app, CAMILLE);
    const { visitor, uid, page } = await untilChoices(CAMILLE);
    const code = totpAt(seed, app.clock.now().getTime() / 1000);
    await visitor.submit(page, { code: code === '000000' ? '000001' : '000000' });
    const channels = await visitor.get(`${uid}/canal`);
    const form = await visitor.submit(channels, { channel: 'recovery-code' }, '/canal');
    await visitor.submit(form, { code: recovery.replace(/.$/, 'z') });
    expect((await visitor.submit(form, { code: recovery })).status).to.equal(303);
    const plain = [recovery, ...others].map((one) => one.replaceAll('-', ''));
    expectUntold(visitor, [code, seed, recovery, ...others, ...plain]);
    const sealed = JSON.stringify(await app.deps.knex('messages'));
    expect([recovery, ...plain].filter((one) => sealed.includes(one))).to.deep.equal([]);
  });
});
