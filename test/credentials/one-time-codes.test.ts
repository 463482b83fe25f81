import { expect } from 'chai';
import {
  CODE_TRIES,
  consumeCode,
  createCode,
  RESEND_AFTER_SECONDS,
  tryCode,
} from '../../src/credentials/one-time-codes.ts';
import { MINUTE, SECOND } from '../../src/lib/clock.ts';
import { randomToken } from '../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const AT_ONCE = 200;
const FORM = 'application/x-www-form-urlencoded';
const camille = { email: 'camille@example.test', password: 'demo-caducee-2026' };
const REGISTERED = { birthdate: '17/06/1980', rpps: '99700900014', terms: 'accept' };

/** Another code than this one, of the same form. */
const not = (code: string, step = 1): string => String((Number(code) + step) % 1_000_000).padStart(6, '0');

/** A code that stands alone, not six digits of a longer number or word. */
const standsIn = (code: string, text: string): boolean =>
  new RegExp(`(?<![\\w.-])${code}(?![\\w-])`).test(text);

/** A visitor who keeps everything that came back. */
class Recorder extends Visitor {
  readonly received: string[] = [];

  override async request(url: string, init: RequestInit = {}): Promise<Page> {
    const page = await super.request(url, init);
    this.received.push([url, ...[...page.headers].map((header) => header.join(': ')), page.text].join('\n'));
    return page;
  }
}

describe('one-time codes', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const messagesTo = (to: string) => app.mailbox.messages().filter((message) => message.to === to).length;
  const clearThrottle = () => app.database.knex('throttle_counters').delete();

  async function newest(to: string, act: () => Promise<Page>): Promise<{ page: Page; code: string }> {
    const { result: page, code } = await app.codeSentBy(to, act);
    return { page, code };
  }

  /** At the code page of a sign-in, with the code that was sent. */
  async function atSignInCode<V extends Visitor>(
    visitor: V,
  ): Promise<{ visitor: V; page: Page; code: string }> {
    const form = await visitor.get('/connexion');
    return { visitor, ...(await newest(camille.email, () => visitor.submit(form, camille))) };
  }

  /** At the code page of a sign-up. */
  async function atSignUpCode(contact: 'email' | 'sms', visitor = new Visitor(app.issuer)) {
    const to = contact === 'email' ? 'alix@example.test' : '+33639980001';
    const choice = await visitor.submit(await visitor.get('/inscription/ordre'), REGISTERED);
    return { visitor, ...(await newest(to, () => visitor.submit(choice, { contact }))) };
  }

  /** Sends a code once, without following: each on a connection of its own, so both nodes work. */
  async function sendOnce({ visitor, page }: { visitor: Visitor; page: Page }, action: string, code: string) {
    const _csrf = /name="_csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const response = await fetch(action, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': FORM,
        cookie: await visitor.jar.getCookieString(action),
        connection: 'close',
        accept: 'text/html',
      },
      body: new URLSearchParams({ _csrf, code }),
    });
    return {
      status: response.status,
      location: response.headers.get('location'),
      text: await response.text(),
    };
  }

  const isSignedIn = async (visitor: Visitor): Promise<boolean> =>
    wordsOf(await visitor.get('/')).includes('Camille DOC');
  const signInsInJournal = async (): Promise<number> =>
    Number((await app.database.knex('journal').where({ event: 'sign-in.completed' }).count())[0]?.count);
  const attempts = async (): Promise<number> =>
    (await app.database.knex('one_time_codes').orderBy('created_at', 'desc').first('attempts')).attempts;

  describe('under many guesses at once, on two nodes', () => {
    it(`evaluate ${CODE_TRIES} of ${AT_ONCE} at a sign-in, and not the right one after that`, async () => {
      const room = await atSignInCode(new Visitor(app.issuer));
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          sendOnce(room, room.page.url, not(room.code, index + 1)),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([422]));
      const evaluated = answers.filter(({ text }) => /Il vous reste \d essai/.test(text));
      expect(evaluated.length).to.equal(CODE_TRIES - 1);
      expect(await attempts()).to.equal(CODE_TRIES);

      for (const forget of [async () => undefined, clearThrottle]) {
        await forget();
        const late = await sendOnce(room, room.page.url, room.code);
        expect(late.status).to.equal(422);
      }
      expect(await attempts()).to.equal(CODE_TRIES);
      expect(await isSignedIn(room.visitor)).to.equal(false);
    });

    it(`evaluate ${CODE_TRIES} of ${AT_ONCE} at a sign-up, where no account counts with them`, async () => {
      const room = await atSignUpCode('email');
      const action = `${room.page.url}/code`;
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) => sendOnce(room, action, not(room.code, index + 1))),
      );
      const told = (pattern: RegExp) => answers.filter(({ text }) => pattern.test(text)).length;
      expect(told(/Il vous reste \d essai/)).to.equal(CODE_TRIES - 1);
      expect(told(/ce code ne sert plus|en peu de temps/)).to.equal(AT_ONCE - CODE_TRIES + 1);
      expect(await attempts()).to.equal(CODE_TRIES);

      await clearThrottle();
      const late = await sendOnce(room, action, room.code);
      expect(late.text).to.match(/ce code ne sert plus/);
      expect(wordsOf(await room.visitor.get(room.page.url))).not.to.contain('mot de passe');
    });

    it('count a try before they compare: the right guess among wrong ones is one of the five', async () => {
      const room = await atSignUpCode('email');
      const action = `${room.page.url}/code`;
      for (let index = 1; index < CODE_TRIES; index += 1) await sendOnce(room, action, not(room.code, index));
      expect((await sendOnce(room, action, room.code)).status).to.equal(303);
      expect(await attempts()).to.equal(CODE_TRIES);
    });
  });

  it('sign in once when the right one is sent many times at once', async () => {
    const room = await atSignInCode(new Visitor(app.issuer));
    const before = await signInsInJournal();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => sendOnce(room, room.page.url, room.code)),
    );
    const won = answers.filter(({ location }) => location?.includes('/authorize/'));
    expect(won).to.have.length(1);
    expect(answers.every(({ status }) => status < 500)).to.equal(true);
    expect((await signInsInJournal()) - before).to.equal(1);
  });

  it('are used up by one of the requests that all found them right', async () => {
    const { knex } = app.database;
    const key = { journeyHash: Buffer.alloc(32, 4), purpose: 'sign-up' as const };
    const code = await createCode(knex, app.deps, { ...key, channel: 'email' });
    const tried = await Promise.all(
      Array.from({ length: CODE_TRIES }, () => tryCode(knex, app.deps, key, code)),
    );
    const ids = tried.flatMap((answer) => (answer.verdict === 'accepted' ? [answer.id] : []));
    expect(ids).to.have.length(CODE_TRIES);
    const used = await Promise.all(ids.map((id) => consumeCode(knex, app.clock, id)));
    expect(used.filter(Boolean)).to.have.length(1);
    expect(await tryCode(knex, app.deps, key, code)).to.include({ verdict: 'used' });
  });

  it('are used up by a sign-in: the same code does not sign in again', async () => {
    const room = await atSignInCode(new Visitor(app.issuer));
    const first = await sendOnce(room, room.page.url, room.code);
    expect(first.location).to.contain('/authorize/');
    const before = await signInsInJournal();
    const again = await sendOnce(room, room.page.url, room.code);
    expect(again.location ?? '').not.to.contain('/authorize/');
    expect(await signInsInJournal()).to.equal(before);
  });

  it('serve the journey they were sent for, not another one of the same person', async () => {
    const visitor = new Visitor(app.issuer);
    const one = await atSignInCode(visitor);
    const two = await atSignInCode(visitor);
    if (one.code === two.code) return;
    const crossed = await sendOnce(two, two.page.url, one.code);
    expect(crossed.status).to.equal(422);
    expect(await isSignedIn(visitor)).to.equal(false);
  });

  it('serve the browser they were sent for', async () => {
    const room = await atSignInCode(new Visitor(app.issuer));
    const stranger = await atSignInCode(new Visitor(app.issuer));
    const stolen = await sendOnce(
      { visitor: stranger.visitor, page: stranger.page },
      room.page.url,
      room.code,
    );
    expect(stolen.status).to.equal(400);
    expect(await isSignedIn(stranger.visitor)).to.equal(false);

    const signUp = await atSignUpCode('email');
    const onlooker = new Visitor(app.issuer);
    const page = await onlooker.get('/inscription/ordre');
    expect((await onlooker.get(signUp.page.url)).status).to.equal(410);
    expect(
      (await sendOnce({ visitor: onlooker, page }, `${signUp.page.url}/code`, signUp.code)).status,
    ).to.equal(410);
    expect((await sendOnce(signUp, `${signUp.page.url}/code`, signUp.code)).status).to.equal(303);
  });

  it('serve the purpose they were sent for', async () => {
    const room = await atSignUpCode('sms');
    const credentials = await room.visitor.submit(room.page, { code: room.code }, '/code');
    const email = 'alix.essai@example.test';
    const password = 'cheval batterie agrafe';
    const fields = { email, emailConfirmation: email, password, passwordConfirmation: password };
    const address = await newest(email, () => room.visitor.submit(credentials, fields));
    if (address.code === room.code) return;
    const crossed = await room.visitor.submit(address.page, { code: room.code }, '/adresse');
    expect(crossed.status).to.equal(422);
    expect(await app.database.knex('email_addresses').where({ canonical: email })).to.deep.equal([]);
  });

  it('do not open another row of the database than the one they were made for', async () => {
    const { knex } = app.database;
    const { deps } = app;
    const key = { journeyHash: Buffer.alloc(32, 1), purpose: 'sign-up' as const };
    const code = await createCode(knex, deps, { ...key, channel: 'email' });
    expect(await tryCode(knex, deps, { ...key, purpose: 'address' }, code)).to.include({
      verdict: 'none',
    });
    expect(await tryCode(knex, deps, { ...key, journeyHash: Buffer.alloc(32, 2) }, code)).to.include({
      verdict: 'none',
    });
    await knex('one_time_codes').where({ journey_hash: key.journeyHash }).update({ purpose: 'address' });
    expect(await tryCode(knex, deps, { ...key, purpose: 'address' }, code)).to.include({ verdict: 'wrong' });
    await knex('one_time_codes').where({ journey_hash: key.journeyHash }).update({ purpose: 'sign-up' });
    expect(await tryCode(knex, deps, key, code)).to.include({ verdict: 'accepted' });
  });

  it('are six digits, drawn evenly, leading zeros kept', async () => {
    const drawn = await Promise.all(
      Array.from({ length: 200 }, () =>
        createCode(app.database.knex, app.deps, {
          journeyHash: Buffer.from(randomToken(), 'base64url'),
          purpose: 'sign-up',
          channel: 'sms',
        }),
      ),
    );
    for (const code of drawn) expect(code).to.match(/^[0-9]{6}$/);
    expect(new Set(drawn.map((code) => code[0])).size, 'first digits').to.equal(10);
    expect(new Set(drawn).size).to.be.greaterThan(190);
  });

  it('are voided by the next one', async () => {
    const room = await atSignInCode(new Visitor(app.issuer));
    app.clock.advance(RESEND_AFTER_SECONDS * SECOND);
    const { page, code } = await newest(camille.email, () => room.visitor.submit(room.page, {}, '/renvoyer'));
    expect(wordsOf(page)).to.contain('c***e@e***.test');
    if (code === room.code) return;
    expect((await sendOnce(room, room.page.url, room.code)).status).to.equal(422);
    expect((await sendOnce(room, room.page.url, code)).location).to.contain('/authorize/');
  });

  it('start with five tries again when a new one was sent', async () => {
    const room = await atSignInCode(new Visitor(app.issuer));
    for (let index = 1; index <= CODE_TRIES; index += 1)
      await sendOnce(room, room.page.url, not(room.code, index));
    const { code } = await newest(camille.email, () => room.visitor.submit(room.page, {}, '/renvoyer'));
    expect((await sendOnce(room, room.page.url, code)).location).to.contain('/authorize/');
  });

  it('are not sent without end to one contact, whatever the journey or the page', async () => {
    const start = messagesTo(camille.email);
    const room = await atSignInCode(new Visitor(app.issuer));
    let sent = 1;
    for (; sent < 10; sent += 1) {
      app.clock.advance(RESEND_AFTER_SECONDS * SECOND);
      const again = await room.visitor.submit(room.page, {}, '/renvoyer');
      if (wordsOf(again).includes('Vous avez demandé 5 codes. Le dernier reçu reste valable')) break;
    }
    expect(sent).to.equal(5);
    const before = start + sent;
    await app.waitForMessage(camille.email, { after: before - 1 });
    const other = new Visitor(app.issuer);
    const refused = await other.submit(await other.get('/connexion'), {
      ...camille,
      email: 'Camille@Example.TEST',
    });
    expect(refused.status).to.equal(422);
    expect(wordsOf(refused)).to.contain("Trop d'essais en peu de temps");
    expect((await sendOnce(room, room.page.url, '000000')).status, 'the last code still serves').to.equal(
      422,
    );
    expect(messagesTo(camille.email)).to.equal(before);
    expect(await app.database.knex('throttle_counters').where('key', 'like', '%camille%')).to.deep.equal([]);
  });

  it('stay within a limit per account that new codes do not reset', async () => {
    const room = await atSignInCode(new Visitor(app.issuer));
    let evaluated = 0;
    for (let round = 0; round < 5; round += 1) {
      for (let index = 1; index <= CODE_TRIES; index += 1) {
        const { text } = await sendOnce(room, room.page.url, '12345');
        expect(text).to.contain('Le code compte 6 chiffres');
        const answer = await sendOnce(room, room.page.url, not(room.code, 1_000 + round * 10 + index));
        if (!answer.text.includes('en peu de temps')) evaluated += 1;
      }
      await app.database.knex('throttle_counters').where('key', 'like', 'codeSend%').delete();
      await room.visitor.submit(room.page, {}, '/renvoyer');
    }
    expect(evaluated).to.equal(20);
  });

  it('are nowhere but in the message', async () => {
    const visitor = new Recorder(app.issuer);
    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const after = app.codesTo(camille.email);
    const signUp = await atSignUpCode('sms', visitor);
    const firstLine = app.logLines.length;
    const back = await signIn(app, visitor, authorization.url, camille);
    expect(back.headers.get('location')).to.contain('code=');
    const code = await app.waitForCode(camille.email, after);

    for (const secret of [code, signUp.code]) {
      for (const received of visitor.received) {
        const where = received.split('\n')[0];
        // The person's own form may come back with what was typed; nothing typed it here before it was sent.
        expect(standsIn(secret, received), where).to.equal(false);
      }
      expect(app.logLines.length).to.be.greaterThan(firstLine);
      for (const line of app.logLines) expect(standsIn(secret, line), line).to.equal(false);

      const { rows: tables } = await app.database.pool.query(
        `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
      );
      expect(tables.length).to.be.greaterThan(15);
      for (const { name } of tables) {
        const { rows } = await app.database.pool.query(`SELECT * FROM ${name}`);
        for (const row of rows) {
          for (const [column, value] of Object.entries(row)) {
            const text = Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value);
            expect(standsIn(secret, text ?? ''), `${name}.${column}`).to.equal(false);
            if (Buffer.isBuffer(value)) expect(value.includes(secret), `${name}.${column}`).to.equal(false);
          }
        }
      }
    }
  });

  // Last, because it moves the time.
  it('serve for ten minutes', async () => {
    const { knex } = app.database;
    const key = { journeyHash: Buffer.alloc(32, 3), purpose: 'address' as const };
    const code = await createCode(knex, app.deps, { ...key, channel: 'email' });
    const first = await atSignInCode(new Visitor(app.issuer));
    const second = await atSignInCode(new Visitor(app.issuer));
    app.clock.advance(9.9 * MINUTE);
    expect((await sendOnce(first, first.page.url, first.code)).location).to.contain('/authorize/');
    app.clock.advance(0.2 * MINUTE);
    expect(await tryCode(knex, app.deps, key, code)).to.include({ verdict: 'expired' });
    const late = await sendOnce(second, second.page.url, second.code);
    expect(late.location ?? '').not.to.contain('/authorize/');
    expect(await isSignedIn(second.visitor)).to.equal(false);
  });
});
