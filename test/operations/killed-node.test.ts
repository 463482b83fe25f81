import { expect } from 'chai';
import { rescueMessages } from '../../src/messages/outbox.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { type Running, run } from '../support/process.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const PEOPLE = 16;
const SIGNED_IN_BEFORE = 4;

describe('a node killed in the middle of sign-ins', function () {
  this.timeout(60_000);
  let app: TestApp;
  let survivor: number;
  let victim: Running;
  let victimPort: number;

  before(async () => {
    app = await startTestApp();
    survivor = app.nodePorts[0] as number;
    victim = run('src/main.ts', app.environment);
    victimPort = Number((await victim.waitFor(/"port":(\d+)[^\n]*"msg":"ready"/))[1]);
  });
  after(async () => {
    await victim.end('SIGKILL');
    await app.close();
  });

  it('loses no account, no message and no session', async () => {
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    const emails = Array.from({ length: PEOPLE }, (_, index) => `personne-${index}@example.test`);
    for (const email of emails) await createTestAccount(app.deps, { email, passwordHash });
    const client = await createTestClient(app.issuer, 'messagerie');

    app.balance([victimPort]);
    const early: { visitor: Visitor; email: string }[] = [];
    for (const email of emails.slice(0, SIGNED_IN_BEFORE)) {
      const visitor = new Visitor(app.issuer);
      const authorization = await client.authorize();
      const back = await signIn(app, visitor, authorization.url, { email });
      expect(back.headers.get('location')).to.contain('code=');
      early.push({ visitor, email });
    }

    // The mail server takes its time, so that the node dies with messages in its hands.
    app.mailbox.delay(150);
    const late = emails.slice(SIGNED_IN_BEFORE);
    const attempts = late.map(async (email) => {
      const visitor = new Visitor(app.issuer);
      const authorization = await client.authorize();
      const form = await visitor.get(authorization.url);
      const page = await visitor.submit(form, { email, password: PASSWORD }).catch(() => undefined);
      return { email, visitor, page: page && page.status === 200 ? page : undefined };
    });
    const { knex } = app.database;
    const enqueued = async () => Number((await knex('messages').count('* as n').first())?.n);
    while ((await enqueued()) < SIGNED_IN_BEFORE + late.length / 2) await new Promise(setImmediate);
    await victim.end('SIGKILL');
    app.balance([survivor]);
    app.mailbox.delay(0);
    const stopped = await Promise.all(attempts);

    expect(
      Number((await knex('accounts').count('* as n').whereLike('family_name', 'DOC0091000').first())?.n),
    ).to.equal(PEOPLE);

    // What the dead node held is queued again after its time is up.
    app.clock.advance(61_000);
    await rescueMessages(knex, app.clock);
    const rows: { id: string; sent_at: Date | null }[] = await knex('messages').select('id', 'sent_at');
    for (
      let waited = 0;
      (await knex('messages').whereNull('sent_at')).length > 0 && waited < 100;
      waited += 1
    ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await knex('messages').whereNull('sent_at'), 'messages still unsent').to.have.length(0);
    expect(
      rows.some((row) => row.sent_at === null),
      'the kill left nothing to rescue',
    ).to.equal(true);
    expect(app.mailbox.messages(), 'each message once').to.have.length(rows.length);

    for (const { visitor } of early) {
      const authorization = await client.authorize();
      const straight = await visitor.get(authorization.url);
      expect(straight.headers.get('location'), 'still signed in').to.contain('code=');
      await client.exchange(authorization, straight.headers.get('location') as string);
    }

    for (const { email, visitor, page } of stopped) {
      // Who had reached the code page goes on there; who saw a broken connection starts again.
      if (page) {
        const back = await visitor.submit(page, { code: await app.waitForCode(email) }, '/code');
        expect(back.headers.get('location'), wordsOf(back)).to.contain('code=');
      } else {
        const authorization = await client.authorize();
        const back = await signIn(app, new Visitor(app.issuer), authorization.url, { email });
        expect(back.headers.get('location'), wordsOf(back)).to.contain('code=');
      }
    }
  });
});
