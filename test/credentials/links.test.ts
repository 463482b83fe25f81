import { expect } from 'chai';
import {
  consumeLink,
  createLink,
  deleteLink,
  isLinkConsumed,
  type LinkPurpose,
  peekLink,
  sweepLinks,
} from '../../src/credentials/one-time-links.ts';
import { isRpps } from '../../src/directories/rpps.ts';
import { MINUTE, SECOND } from '../../src/lib/clock.ts';
import { randomToken } from '../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const AT_ONCE = 20;
const PASSWORD = 'sept girafes sous la pluie';

describe('one-time links', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  let made = 0;
  const newKey = (purpose: LinkPurpose = 'invitation') => {
    made += 1;
    return { purpose, subject: `subject-${made}` };
  };
  const create = (
    key: ReturnType<typeof newKey>,
    more: { context?: unknown; lifetimeMinutes?: number } = {},
  ) => createLink(app.database.knex, app.deps, { lifetimeMinutes: 10, ...key, ...more });
  const peek = (token: string, purpose: LinkPurpose = 'invitation') =>
    peekLink(app.database.knex, app.deps, { purpose, token });
  const idOf = async (token: string) => {
    const link = await peek(token);
    if (link.verdict !== 'open') throw new Error(link.verdict);
    return link.id;
  };
  const consume = (id: string) => consumeLink(app.database.knex, app.clock, id);
  const rowOf = ({ purpose, subject }: ReturnType<typeof newKey>) =>
    app.database.knex('one_time_links').where({ purpose, subject }).first();

  it('carry 256 random bits, of which the database knows a keyed digest alone', async () => {
    const key = newKey();
    const token = await create(key, { context: { address: 'chloe@example.test' } });
    expect(Buffer.from(token, 'base64url')).to.have.length(32);
    const text = JSON.stringify(
      (await app.database.pool.query('SELECT to_jsonb(t) FROM one_time_links t')).rows,
    );
    const bytes = Buffer.from(token, 'base64url');
    for (const form of [token, bytes.toString('hex'), 'chloe@example.test'])
      expect(text).not.to.include(form);
    expect(await create(newKey())).not.to.equal(token);
  });

  it('are opened without being used, and each opening is counted', async () => {
    const key = newKey();
    const token = await create(key, { context: { a: [1] } });
    for (let time = 0; time < 3; time += 1) {
      expect(await peek(token)).to.deep.include({
        verdict: 'open',
        subject: key.subject,
        context: { a: [1] },
      });
    }
    expect((await rowOf(key)).opened).to.equal(3);
    expect(await isLinkConsumed(app.database.knex, key)).to.equal(false);
  });

  it(`are used once, of ${AT_ONCE} presses at once`, async () => {
    const key = newKey();
    const token = await create(key);
    const ids = await Promise.all(Array.from({ length: AT_ONCE }, () => idOf(token)));
    const used = await Promise.all(ids.map(consume));
    expect(used.filter(Boolean)).to.have.length(1);
    expect(await isLinkConsumed(app.database.knex, key)).to.equal(true);
    expect(await peek(token)).to.deep.equal({ verdict: 'used' });
  });

  it('stay whole when what they were used for did not happen', async () => {
    const key = newKey();
    const token = await create(key);
    const id = await idOf(token);
    await app.database.knex
      .transaction(async (trx) => {
        expect(await consumeLink(trx, app.clock, id)).to.equal(true);
        throw new Error('undone');
      })
      .catch(() => undefined);
    expect(await consume(id)).to.equal(true);
  });

  it('serve one purpose, and one row', async () => {
    const key = newKey();
    const token = await create(key);
    expect(await peek(token, 'address')).to.deep.equal({ verdict: 'none' });
    await app.database.knex('one_time_links').where(key).update({ subject: 'another' });
    expect(await peek(token)).to.deep.equal({ verdict: 'none' });
    await app.database.knex('one_time_links').where({ subject: 'another' }).update(key);
    expect(await peek(token)).to.include({ verdict: 'open' });
  });

  it('are unknown when they were never made, or are no token at all', async () => {
    for (const token of [randomToken(), '', '../..', 'a'.repeat(10_000), '\u0000'.repeat(43)])
      expect(await peek(token)).to.deep.equal({ verdict: 'none' });
  });

  it('are voided by the next one, and when they are taken back', async () => {
    const key = newKey();
    const first = await create(key);
    const id = await idOf(first);
    const second = await create(key);
    expect(await peek(first)).to.deep.equal({ verdict: 'none' });
    expect(await consume(id)).to.equal(false);
    const secondId = await idOf(second);
    await deleteLink(app.database.knex, key);
    expect(await peek(second)).to.deep.equal({ verdict: 'none' });
    expect(await consume(secondId)).to.equal(false);
  });

  describe('beside the code of a sign-up', () => {
    /** From the register to the page that waits for the proof of a chosen address. */
    async function untilAddress(email: string, visitor = new Visitor(app.issuer)) {
      made += 1;
      const rank = String(made).padStart(3, '0');
      const rpps = await inventDoctor(rank);
      const contacts = await visitor.submit(
        await visitor.get('/inscription/ordre'),
        { rpps, birthdate: '03/04/1977', terms: 'yes' },
        '/inscription/ordre',
      );
      const { result: codePage, code } = await app.codeSentBy(`+33639981${rank}`, () =>
        visitor.submit(contacts, { contact: 'sms' }, '/contact'),
      );
      const credentials = await visitor.submit(codePage, { code }, '/code');
      const page = await choose(visitor, credentials, email);
      return { visitor, rpps, credentials, page };
    }

    async function inventDoctor(rank: string): Promise<string> {
      const rpps = [...'0123456789'].map((key) => `9970091${rank}${key}`).find(isRpps) as string;
      await app.database.knex('ordinal_register').insert({
        rpps,
        family_name: `DOC0091${rank}`,
        given_name: 'Noa',
        profession_code: '10',
        birthdate: '1977-04-03',
        phone: `+33639981${rank}`,
      });
      return rpps;
    }

    async function choose(visitor: Visitor, credentials: Page, email: string) {
      const fields = {
        email,
        emailConfirmation: email,
        password: PASSWORD,
        passwordConfirmation: PASSWORD,
      };
      const { result, code } = await app.codeSentBy(email, () =>
        visitor.submit(credentials, fields, '/identifiants'),
      );
      const mail = app.mailbox.messages().find(({ to }) => to === email);
      const link = /https?:\S+\/confirmer-mon-adresse\/[\w-]+/.exec(mail?.text ?? '')?.[0];
      if (!link) throw new Error('no link in the mail');
      return { result, code, link };
    }

    const accountsWith = (canonical: string) => app.database.knex('email_addresses').where({ canonical });

    it('prove the address in the browser that asked, which goes on by itself', async () => {
      const email = 'noa.un@example.test';
      const { visitor, page } = await untilAddress(email);
      const opened = await visitor.get(page.link);
      expect(opened.status).to.equal(200);
      expect(await accountsWith(email)).to.have.length(0);
      const after = await visitor.submit(opened, {});
      expect(after.url).to.equal(page.result.url);
      expect(wordsOf(after)).to.include('Votre adresse est vérifiée');
      expect(await accountsWith(email), 'a GET creates nothing').to.have.length(0);
      const done = await visitor.submit(after, {}, '/activer');
      expect(wordsOf(done)).to.include('Votre espace est créé');
      expect(await accountsWith(email)).to.have.length(1);
      expect(wordsOf(await visitor.get(page.link))).to.include('Ce lien ne sert plus');
    });

    it('prove it from another browser, to which nothing of the sign-up comes', async () => {
      const email = 'noa.deux@example.test';
      const { visitor, page } = await untilAddress(email);
      const phone = new Visitor(app.issuer);
      const pressed = await phone.submit(await phone.get(page.link), {});
      expect(wordsOf(pressed)).to.include('Revenez à la fenêtre de votre inscription');
      expect((await phone.get(page.result.url)).status).to.equal(410);
      const again = await phone.get(page.link);
      expect(again.status).to.equal(410);
      expect(wordsOf(again)).to.include('Cette adresse est déjà confirmée');

      const reloaded = await visitor.get(page.result.url);
      const done = await visitor.submit(reloaded, {}, '/activer');
      expect(wordsOf(done)).to.include('Votre espace est créé');
      expect(wordsOf(await phone.get('/')), 'nobody is signed in').to.include('Connectez-vous');
    });

    it('leave the code as good as before, and end with it', async () => {
      const email = 'noa.trois@example.test';
      const { visitor, page } = await untilAddress(email);
      await new Visitor(app.issuer).get(page.link);
      const done = await visitor.submit(page.result, { code: page.code }, '/adresse');
      expect(wordsOf(done)).to.include('Votre espace est créé');
      expect((await visitor.get(page.link)).status).to.equal(410);
    });

    it('prove the address they were sent to, not the one that was chosen after', async () => {
      const { visitor, credentials, page } = await untilAddress('noa.quatre@example.test');
      await visitor.get(`${page.result.url}/retour`);
      const other = await choose(visitor, credentials, 'noa.cinq@example.test');
      const stranger = new Visitor(app.issuer);
      const old = await stranger.get(page.link);
      if (old.status === 200) await stranger.submit(old, {});
      expect(wordsOf(await visitor.get(other.result.url))).to.include('Vérifier votre adresse');
      const forced = await visitor.send(other.result, {}, `${other.result.url}/activer`);
      expect(forced.headers.get('location')).to.equal(new URL(other.result.url).pathname);
      expect(await accountsWith('noa.cinq@example.test')).to.have.length(0);
    });

    it('send none to an address that has an owner', async () => {
      const visitor = new Visitor(app.issuer);
      const { credentials, page } = await untilAddress('noa.six@example.test', visitor);
      await visitor.get(`${page.result.url}/retour`);
      const count = app.mailbox.messages().length;
      const email = 'camille@example.test';
      const fields = { email, emailConfirmation: email, password: PASSWORD, passwordConfirmation: PASSWORD };
      const same = await visitor.submit(credentials, fields, '/identifiants');
      expect(wordsOf(same)).to.include('Vérifier votre adresse');
      const mail = await app.waitForMessage(email, { after: 0 });
      expect(app.mailbox.messages().length).to.be.greaterThan(count);
      expect(mail.text).not.to.include('confirmer-mon-adresse');
    });

    it('need the token of the form', async () => {
      const { page } = await untilAddress('noa.sept@example.test');
      const visitor = new Visitor(app.issuer);
      const opened = await visitor.get(page.link);
      expect((await visitor.send({ ...opened, text: '' }, {})).status).to.equal(403);
      expect(await visitor.get(page.link)).to.include({ status: 200 });
    });

    it('are in no log', async () => {
      const { visitor, page } = await untilAddress('noa.huit@example.test');
      await visitor.submit(await visitor.get(page.link), {});
      const token = page.link.split('/').at(-1) as string;
      expect(app.logLines.join('')).not.to.include(token);
    });
  });

  // Last, because it moves the time.
  it('serve as long as they were made for, and are erased a while after', async () => {
    const key = newKey();
    const token = await create(key, { lifetimeMinutes: 3 });
    const id = await idOf(token);
    app.clock.advance(3 * MINUTE - 5 * SECOND);
    expect(await peek(token)).to.include({ verdict: 'open' });
    app.clock.advance(10 * SECOND);
    expect(await peek(token)).to.deep.equal({ verdict: 'expired' });
    expect(await consume(id)).to.equal(false);
    await sweepLinks(app.database.knex, app.clock);
    expect(await rowOf(key)).to.not.equal(undefined);
    app.clock.advance(61 * MINUTE);
    await sweepLinks(app.database.knex, app.clock);
    expect(await rowOf(key)).to.equal(undefined);
  });
});
