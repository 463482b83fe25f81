import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { SECOND } from '../../src/lib/clock.ts';
import type { Db } from '../../src/lib/database.ts';
import { claimMessage, enqueueMessage, rescueMessages, sweepMessages } from '../../src/messages/outbox.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

const CODE = '482915';
const DAY = 24 * 3600 * SECOND;

interface Delivered {
  readonly to: string;
  readonly messageId: string | undefined;
  readonly text: string;
}

/** A mail server that tells every delivery on the wire, one that came twice included. */
async function startSmtpServer() {
  const delivered: Delivered[] = [];
  const busy = new Map<string, number>();
  const refusal = (responseCode: number, to: string) =>
    Object.assign(new Error(`<${to}>: not now, not ${CODE}`), { responseCode });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 200,
    onRcptTo: ({ address }, _session, done) =>
      address.startsWith('unknown') ? done(refusal(550, address)) : done(),
    async onData(stream, session, done) {
      const mail = await PostalMime.parse(Buffer.concat(await stream.toArray()));
      for (const { address: to } of session.envelope.rcptTo) {
        const left = busy.get(to) ?? 0;
        if (left > 0) {
          busy.set(to, left - 1);
          return done(refusal(451, to));
        }
        delivered.push({ to, messageId: mail.messageId, text: mail.text ?? '' });
      }
      done();
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    delivered,
    /** Refuses the next `count` mails to this address for now. */
    beBusy: (to: string, count: number) => busy.set(to, count),
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

describe('messages on their way out', () => {
  let app: TestApp;
  let smtp: Awaited<ReturnType<typeof startSmtpServer>>;
  before(async () => {
    smtp = await startSmtpServer();
    app = await startTestApp({ nodes: 2, settings: { SMTP_URL: smtp.url } });
  });
  after(async () => {
    await app.close();
    await smtp.close();
  });

  const deliveredTo = (to: string) => smtp.delivered.filter((one) => one.to === to);

  const codeMail = (to: string, more: { expiresAt?: Date } = {}) => ({
    channel: 'email' as const,
    template: 'code' as const,
    to,
    lang: 'fr' as const,
    params: { code: CODE, minutes: 10, purpose: 'sign-in' as const },
    ...more,
  });

  const enqueue = (
    to: string,
    more?: { expiresAt?: Date },
    also?: (trx: Db, id: string) => Promise<unknown>,
  ) =>
    app.deps.knex.transaction(async (trx) => {
      const id = await enqueueMessage(trx, app.deps, codeMail(to, more));
      await also?.(trx, id);
      return id;
    });

  const rowOf = (id: string, db: Db = app.database.knex) => db('messages').where({ id }).first();
  const jobsOf = async (id: string, db: Db = app.database.knex) =>
    (await db.raw(`SELECT * FROM graphile_worker._private_jobs WHERE payload ->> 'id' = ?`, [id])).rows;
  const dropJob = (trx: Db, id: string) =>
    trx.raw(`DELETE FROM graphile_worker._private_jobs WHERE payload ->> 'id' = ?`, [id]);

  async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    for (const deadline = Date.now() + 8_000; Date.now() < deadline; ) {
      const found = await look();
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`never: ${what}`);
  }

  const sent = (id: string) =>
    until(`${id} is sent`, async () => {
      const row = await rowOf(id);
      return row?.sent_at && row;
    });
  const givenUp = (id: string) =>
    until(`${id} is given up`, async () => {
      const row = await rowOf(id);
      return row?.given_up_at && row;
    });
  /** The queue has put the message's job back after `attempts` failures. */
  const putBack = (id: string, attempts: number) =>
    until(`attempt ${attempts} of ${id} is over`, async () => {
      const [job] = await jobsOf(id);
      return job?.attempts === attempts && !job.locked_at && job;
    });

  async function makeDue(id: string): Promise<void> {
    await app.database.knex.raw(
      `UPDATE graphile_worker._private_jobs SET run_at = now() WHERE payload ->> 'id' = ?`,
      [id],
    );
    await app.database.knex.raw(`SELECT pg_notify('jobs:insert', '{"r":0,"count":1}')`);
  }

  it('leave when what they tell is committed, and keep nothing behind', async () => {
    const id = await enqueue('ana@example.test');
    const row = await sent(id);
    expect(row).to.include({
      sealed: null,
      claimed_until: null,
      rescue_at: null,
      last_error: null,
      attempts: 1,
    });
    const [mail, ...more] = deliveredTo('ana@example.test');
    expect(more).to.have.length(0);
    expect(mail?.text).to.include(CODE);
    expect(mail?.messageId).to.equal(`<${id}@example.test>`);
    await until('its job is gone', async () => (await jobsOf(id)).length === 0);
  });

  it('do not leave when what they tell is rolled back', async () => {
    let id = '';
    await enqueue('never@example.test', {}, async (trx, enqueued) => {
      id = enqueued;
      expect(await rowOf(id, trx)).to.be.an('object');
      expect(await jobsOf(id, trx)).to.have.length(1);
      throw new Error('rolled back');
    }).catch((error: Error) => expect(error.message).to.equal('rolled back'));
    expect(await rowOf(id)).to.equal(undefined);
    expect(await jobsOf(id)).to.have.length(0);
    await sent(await enqueue('after@example.test'));
    expect(deliveredTo('never@example.test')).to.have.length(0);
  });

  it('rest sealed: neither the recipient nor the code is in the tables, nor in the log', async () => {
    const to = 'recipient.of.secrets@example.test';
    const id = await enqueue(to, {}, async (trx, enqueued) => {
      const { rows } = await trx.raw(`
        SELECT (SELECT string_agg(m::text, ' ') FROM messages m) AS messages,
               (SELECT string_agg(j::text, ' ') FROM graphile_worker._private_jobs j) AS jobs`);
      const rest = `${rows[0].messages} ${rows[0].jobs}`;
      expect(rest.split(enqueued), 'both rows are there').to.have.length.at.least(3);
      for (const secret of [to, 'recipient.of.secrets', CODE]) {
        for (const form of [
          secret,
          Buffer.from(secret).toString('hex'),
          Buffer.from(secret).toString('base64'),
        ]) {
          expect(rest).not.to.include(form);
        }
      }
    });
    await sent(id);
    const log = app.logLines.join('\n');
    expect(log).to.include('message sent');
    expect(log).not.to.include(to);
    expect(log).not.to.include(CODE);
  });

  it('wait longer after each refusal, and arrive once in the end', async () => {
    const to = 'busy@example.test';
    smtp.beBusy(to, 2);
    const id = await enqueue(to);
    const waits: number[] = [];
    for (const attempt of [1, 2]) {
      const job = await putBack(id, attempt);
      waits.push(job.run_at.getTime() - job.updated_at.getTime());
      const row = await rowOf(id);
      expect(row).to.include({ attempts: attempt, claimed_until: null, last_error: 'EMESSAGE 451' });
      expect(JSON.stringify(job), 'what the server said is not kept').not.to.match(/busy@|482915/);
      await makeDue(id);
    }
    expect(await sent(id)).to.include({ attempts: 3, sealed: null, last_error: null });
    expect(deliveredTo(to)).to.have.length(1);
    expect(waits[0]).to.be.above(SECOND);
    expect(waits[1]).to.be.above(2 * (waits[0] as number));
    expect(app.logLines.join('\n')).not.to.include(to);
  });

  it('are given up after twelve refusals', async () => {
    const to = 'always-busy@example.test';
    smtp.beBusy(to, 100);
    const id = await enqueue(to, {}, (trx, enqueued) =>
      trx('messages').where({ id: enqueued }).update({ attempts: 11 }),
    );
    expect(await givenUp(id)).to.include({ attempts: 12, sealed: null, sent_at: null });
    await until('its job is gone', async () => (await jobsOf(id)).length === 0);
  });

  it('are given up at once, and erased, when the recipient does not exist', async () => {
    const id = await enqueue('unknown@example.test');
    expect(await givenUp(id)).to.include({
      attempts: 1,
      sealed: null,
      sent_at: null,
      rescue_at: null,
      last_error: 'EENVELOPE 550',
    });
    await until('its job is gone', async () => (await jobsOf(id)).length === 0);
    expect(app.logLines.join('\n')).not.to.include('unknown@example.test');
  });

  it('go to one plain address, or nowhere', async () => {
    const id = await enqueue('a@example.test, b@example.test');
    expect(await givenUp(id)).to.include({ sealed: null, last_error: 'EADDRESS' });
    expect([...deliveredTo('a@example.test'), ...deliveredTo('b@example.test')]).to.have.length(0);
  });

  it('are not sent once they are of no use', async () => {
    const id = await enqueue('late@example.test', { expiresAt: app.clock.now() });
    expect(await givenUp(id)).to.include({ sealed: null, last_error: 'expired before it could be sent' });
    expect(deliveredTo('late@example.test')).to.have.length(0);
  });

  it('are each delivered once by two nodes that both hold a job for each', async () => {
    const recipients = Array.from({ length: 100 }, (_, rank) => `crowd-${rank}@example.test`);
    const ids = await app.deps.knex.transaction(async (trx) => {
      const all: string[] = [];
      for (const to of recipients) {
        const id = await enqueueMessage(trx, app.deps, codeMail(to));
        await trx.raw(`SELECT graphile_worker.add_job('send-message', json_build_object('id', ?::text))`, [
          id,
        ]);
        all.push(id);
      }
      return all;
    });
    for (const id of ids) await sent(id);
    await until('no job is left', async () => {
      const { rows } = await app.database.knex.raw(
        `SELECT count(*) FROM graphile_worker._private_jobs WHERE payload ->> 'id' = ANY (?)`,
        [ids],
      );
      return rows[0].count === 0;
    });
    const times = recipients.map((to) => deliveredTo(to).length);
    expect(times).to.deep.equal(Array(100).fill(1));
    const attempts = await app.database.knex('messages').whereIn('id', ids).pluck('attempts');
    expect(attempts).to.deep.equal(Array(100).fill(1));
  });

  describe('whose node died', () => {
    /** Enqueues a message that a node takes and never lets go: its job went down with it. */
    async function lose(to: string): Promise<string> {
      const id = await enqueue(to, {}, dropJob);
      expect(await claimMessage(app.deps.knex, app.deps, id)).to.be.an('object');
      return id;
    }

    it('are queued again after a minute, not before, and delivered', async () => {
      const id = await lose('bereft@example.test');
      expect(await claimMessage(app.deps.knex, app.deps, id), 'it is in hands').to.equal(undefined);
      await rescueMessages(app.deps.knex, app.clock);
      expect(await jobsOf(id)).to.have.length(0);

      app.clock.advance(61 * SECOND);
      await rescueMessages(app.deps.knex, app.clock);
      expect(await sent(id)).to.include({ attempts: 2, sealed: null });
      expect(deliveredTo('bereft@example.test')).to.have.length(1);
    });

    it('carry the same Message-ID when they had left already', async () => {
      const to = 'twice@example.test';
      const id = await lose(to);
      await app.deps.mail.send({ id, to, subject: 'Votre code', text: CODE, html: CODE });
      app.clock.advance(61 * SECOND);
      await rescueMessages(app.deps.knex, app.clock);
      await sent(id);
      const identifiers = deliveredTo(to).map(({ messageId }) => messageId);
      expect(identifiers).to.deep.equal(Array(2).fill(`<${id}@example.test>`));
    });

    it('are given up when every node that takes them dies', async () => {
      const id = await lose('deadly@example.test');
      await app.database.knex('messages').where({ id }).update({ attempts: 12 });
      app.clock.advance(61 * SECOND);
      await rescueMessages(app.deps.knex, app.clock);
      expect(await givenUp(id)).to.include({ sealed: null, rescue_at: null });
      expect(deliveredTo('deadly@example.test')).to.have.length(0);
    });

    it('are rescued once by two nodes that look at the same moment', async () => {
      const ids = [];
      for (let rank = 0; rank < 10; rank += 1) ids.push(await lose(`orphan-${rank}@example.test`));
      app.clock.advance(61 * SECOND);
      await Promise.all([1, 2, 3].map(() => rescueMessages(app.deps.knex, app.clock)));
      for (const id of ids) await sent(id);
      const times = ids.map((_, rank) => deliveredTo(`orphan-${rank}@example.test`).length);
      expect(times).to.deep.equal(Array(10).fill(1));
    });
  });

  it('are forgotten after thirty days', async () => {
    const [old, recent] = [await enqueue('old@example.test'), await enqueue('recent@example.test')];
    await Promise.all([sent(old), sent(recent)]);
    const now = app.clock.now().getTime();
    await app.database
      .knex('messages')
      .where({ id: old })
      .update({ created_at: new Date(now - 31 * DAY) });
    await app.database
      .knex('messages')
      .where({ id: recent })
      .update({ created_at: new Date(now - 29 * DAY) });
    await sweepMessages(app.deps.knex, app.clock);
    expect(await rowOf(old)).to.equal(undefined);
    expect(await rowOf(recent)).to.be.an('object');
  });
});
