import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { record, verifyChain } from '../../src/audit/journal.ts';
import { openKnex } from '../../src/lib/database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { signIn, Visitor } from '../support/visitor.ts';

const run = promisify(execFile);
const CLI = new URL('../../src/cli.ts', import.meta.url).pathname;

describe('journal', () => {
  let app: TestApp;
  let knex: Knex;
  before(async () => {
    app = await startTestApp();
    knex = app.database.knex;
  });
  after(() => app.close());

  const note = (db: Knex, reason: string) =>
    record(db, app.clock, {
      event: 'sign-in.refused',
      outcome: 'failure',
      source: '192.0.2.1',
      details: { reason },
    });
  const entries = async () => Number((await knex('journal').count())[0]?.count);

  /** Runs as somebody who owns the table and is not held back by its triggers; everything is put back after. */
  async function tampering<T>(
    statement: string,
    values: readonly (string | number | Buffer)[],
    look: (trx: Knex) => Promise<T>,
  ): Promise<T> {
    const trx = await knex.transaction();
    try {
      await trx.raw('ALTER TABLE journal DISABLE TRIGGER USER');
      await trx.raw(statement, values);
      return await look(trx);
    } finally {
      await trx.rollback();
    }
  }

  it('refuses every change, from whatever statement', async () => {
    await note(knex, 'kept');
    const before = await verifyChain(knex);
    for (const statement of [
      `UPDATE journal SET entry = '{}'`,
      'UPDATE journal SET seq = seq + 1000 WHERE seq = 1',
      `UPDATE journal SET hash = '\\x00' WHERE false`,
      'DELETE FROM journal',
      'DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)',
      'TRUNCATE journal',
      `INSERT INTO journal (seq, entry, previous_hash, hash) SELECT seq, entry, previous_hash, hash FROM journal
       ON CONFLICT (seq) DO UPDATE SET entry = '{}'`,
      `MERGE INTO journal USING (SELECT 1) AS one ON seq = 1 WHEN MATCHED THEN DELETE`,
    ]) {
      const refusal = await knex.raw(statement).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
      expect(refusal, statement).to.contain('the journal is append-only');
    }
    expect(await verifyChain(knex)).to.deep.equal(before);
  });

  it('numbers and chains an entry itself, whatever the writer says', async () => {
    const before = await entries();
    const entry = JSON.stringify({ at: 'now', event: 'forged', outcome: 'success' });
    await knex('journal').insert({
      seq: 99_999,
      entry,
      previous_hash: Buffer.alloc(32, 9),
      hash: Buffer.alloc(32, 9),
    });
    const { brokenAt, entries: counted } = await verifyChain(knex);
    expect(brokenAt).to.equal(undefined);
    expect(counted).to.equal(before + 1);
  });

  it('stays one chain without a gap under many writers, on two pools', async () => {
    const pools = [knex, openKnex({ url: app.database.url, poolMax: 5 })];
    const before = await entries();
    try {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const db = pools[index % 2] as Knex;
          if (index % 5 > 0) return note(db, `writer ${index}`);
          // One of five takes its word back: its number goes to the next one.
          const trx = await db.transaction();
          await note(trx, `writer ${index}`);
          await trx.rollback();
        }),
      );
    } finally {
      await pools[1]?.destroy();
    }
    const report = await verifyChain(knex);
    expect(report).to.include({ entries: before + 40, brokenAt: undefined });
    const numbers = await knex('journal').orderBy('seq').pluck('seq');
    expect(numbers).to.deep.equal(Array.from({ length: before + 40 }, (_, index) => index + 1));
    expect((await knex('journal').orderBy('seq', 'desc').first('hash')).hash.toString('hex')).to.equal(
      report.head,
    );
  });

  it('is found broken where an entry was altered, taken out or put in', async () => {
    while ((await entries()) < 20) await note(knex, 'filler');
    const whole = await verifyChain(knex);
    const brokenAt = (statement: string, values: readonly (string | number | Buffer)[] = []) =>
      tampering(statement, values, async (trx) => (await verifyChain(trx)).brokenAt);

    const { seq: failure } = await knex('journal').where({ outcome: 'failure' }).first('seq');
    const softened = `UPDATE journal SET entry = replace(entry, '"failure"', '"success"') WHERE seq = ?`;
    expect(await brokenAt(softened, [failure])).to.equal(failure);
    expect(
      await brokenAt(
        `INSERT INTO journal (seq, entry, previous_hash, hash) SELECT -7, entry, previous_hash, hash FROM journal WHERE seq = 7`,
      ),
      'an entry put before the first',
    ).to.equal(-7);
    expect(
      await brokenAt(
        `UPDATE journal SET seq = ?, hash = sha256(previous_hash || convert_to(?::text || E'\n' || entry, 'UTF8')) WHERE seq = ?`,
        [whole.entries + 1, whole.entries + 1, whole.entries],
      ),
      'a number left out',
    ).to.equal(whole.entries + 1);
    expect(await brokenAt(`UPDATE journal SET entry = entry || ' ' WHERE seq = 7`)).to.equal(7);
    expect(await brokenAt(`UPDATE journal SET hash = sha256('x') WHERE seq = 7`)).to.equal(7);
    expect(await brokenAt(`UPDATE journal SET previous_hash = sha256('x') WHERE seq = 7`)).to.equal(7);
    expect(await brokenAt('DELETE FROM journal WHERE seq = 7')).to.equal(8);
    expect(await brokenAt('DELETE FROM journal WHERE seq = 1')).to.equal(2);
    expect(await brokenAt('UPDATE journal SET seq = -seq WHERE seq = 7')).to.equal(-7);
    expect(
      await brokenAt(
        `UPDATE journal SET seq = CASE seq WHEN 7 THEN 10008 ELSE 10007 END WHERE seq IN (7, 8);
         UPDATE journal SET seq = seq - 10000 WHERE seq > 10000`,
      ),
      'two entries in each other’s place',
    ).to.equal(7);
    expect(
      await brokenAt(
        `UPDATE journal SET seq = seq + 1000 WHERE seq > 7;
         INSERT INTO journal (seq, entry, previous_hash, hash) SELECT 8, entry, hash, sha256('x') FROM journal WHERE seq = 7;
         UPDATE journal SET seq = seq - 999 WHERE seq > 1000`,
      ),
      'an entry put in',
    ).to.equal(8);

    // Who rewrites everything after a change, or cuts the end off, leaves a whole chain with another head.
    const rewritten = await tampering(
      `UPDATE journal SET entry = '{"at": "never", "event": "forged"}',
         hash = sha256(previous_hash || convert_to(seq::text || E'\\n' || '{"at": "never", "event": "forged"}', 'UTF8'))
       WHERE seq = ?`,
      [whole.entries],
      verifyChain,
    );
    expect(rewritten.brokenAt).to.equal(undefined);
    expect(rewritten.head).not.to.equal(whole.head);
    const shortened = await tampering('DELETE FROM journal WHERE seq = ?', [whole.entries], verifyChain);
    expect(shortened).to.include({ entries: whole.entries - 1, brokenAt: undefined });
    expect(shortened.head).not.to.equal(whole.head);

    expect(await verifyChain(knex), 'everything was put back').to.deep.equal(whole);
  });

  it('is verified page after page', async () => {
    await knex.raw(
      `INSERT INTO journal (entry) SELECT '{"at": "now", "event": "filler", "outcome": "success", "n": ' || n || '}'
       FROM generate_series(1, 5100) n`,
    );
    const whole = await verifyChain(knex);
    expect(whole).to.include({ brokenAt: undefined });
    expect(whole.entries).to.be.greaterThan(5_100);
    const last = whole.entries - 3;
    const altered = await tampering(
      `UPDATE journal SET entry = entry || ' ' WHERE seq = ?`,
      [last],
      verifyChain,
    );
    expect(altered).to.include({ entries: last - 1, brokenAt: last });
  });

  it('keeps hostile text inside one entry', async () => {
    const before = await entries();
    const hostile = `x\r\n{"event":"sign-in.completed","outcome":"success"}\n\u2028\u0085\u001b[2J"}, {"event":"forged`;
    await record(knex, app.clock, {
      event: 'sign-in.refused',
      outcome: 'failure',
      source: hostile,
      details: { hostile, list: [hostile, 'b'] },
    });
    expect(await entries()).to.equal(before + 1);
    const row = await knex('journal').orderBy('seq', 'desc').first();
    expect(row.entry.split(/[\r\n]/)).to.have.length(1);
    expect(row).to.include({ event: 'sign-in.refused', outcome: 'failure' });
    expect(JSON.parse(row.entry)).to.deep.include({
      source: hostile,
      details: { hostile, list: [hostile, 'b'] },
    });
    expect((await verifyChain(knex)).brokenAt).to.equal(undefined);

    const visitor = new Visitor(app.issuer);
    const path = '/inscription/%0A%7B%22level%22:60,%22msg%22:%22forged%22%7D%0A';
    const lines = app.logLines.length;
    await visitor.get(path);
    const added = app.logLines.slice(lines);
    expect(added.length).to.be.greaterThan(0);
    for (const line of added) {
      expect(line.trimEnd()).not.to.contain('\n');
      expect(JSON.parse(line).msg).not.to.equal('forged');
    }
  });

  it('tells the whole of a sign-in and of its refusals, and no secret of it', async () => {
    const first = await entries();
    const visitor = new Visitor(app.issuer);
    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const form = await visitor.get(authorization.url);
    await visitor.submit(form, { email: 'camille@example.test', password: 'hush-wrong-password' });
    await visitor.submit(form, { email: 'hush-unknown@example.test', password: 'hush-wrong-password' });
    const back = await signIn(app, visitor, authorization.url, { email: 'camille@example.test' });
    const location = back.headers.get('location') as string;
    const tokens = await client.exchange(authorization, location);
    const code = await app.waitForCode('camille@example.test');
    const signOut = await visitor.get('/deconnexion');
    await visitor.submit(signOut, {
      logout: 'yes',
      xsrf: /name="xsrf" value="(\w+)"/.exec(signOut.text)?.[1] ?? '',
    });

    const rows = await knex('journal').where('seq', '>', first).orderBy('seq');
    expect(rows.map(({ event, outcome }) => `${event} ${outcome}`)).to.deep.equal([
      'sign-in.refused failure',
      'sign-in.refused failure',
      'code.sent success',
      'sign-in.completed success',
      'sign-out.completed success',
    ]);
    const account = await knex('email_addresses')
      .where({ canonical: 'camille@example.test' })
      .first('account_id');
    for (const row of rows) {
      const entry = JSON.parse(row.entry);
      expect(entry.source, row.event).to.equal('127.0.0.1');
      expect(Date.parse(entry.at), row.event).to.be.closeTo(Date.now(), 20_000);
      if (row !== rows[1]) expect(entry.subject, row.event).to.equal(account.account_id);
    }
    expect(rows[3]).to.include({ actor: account.account_id });

    const cookies = (await visitor.jar.getCookies(app.issuer)).map(({ value }) => value);
    const secrets = [
      'hush',
      'demo-caducee-2026',
      code,
      new URL(location).searchParams.get('code'),
      authorization.state,
      authorization.nonce,
      authorization.verifier,
      tokens.access_token,
      tokens.refresh_token,
      tokens.id_token,
      new URL(form.url).pathname.split('/').at(-1),
      'camille@',
      ...cookies,
    ];
    const journal = rows.map(({ entry }) => entry).join('\n');
    const log = app.logLines.join('');
    for (const secret of secrets) {
      if (!secret || secret === 'fr') continue;
      expect(journal, 'journal').not.to.contain(secret);
      if (secret !== code) expect(log, 'log').not.to.contain(secret);
    }
  });

  describe('verified by the operator’s command', () => {
    const verify = (args = ['journal', 'verify']) =>
      run(process.execPath, [CLI, ...args], { env: { ...app.environment, PATH: process.env.PATH } }).then(
        ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
        (error: { code: number; stdout: string; stderr: string }) => ({ status: error.code, ...error }),
      );

    it('ends with 0 and the head when it is whole', async () => {
      const { head, entries: count } = await verifyChain(knex);
      expect(await verify()).to.deep.equal({
        status: 0,
        stdout: `${count} entries, whole; head ${count}:${head}\n`,
        stderr: '',
      });
    });

    it('ends with 1 and the place when it is broken', async () => {
      const { entry } = await knex('journal').where({ seq: 3 }).first('entry');
      const forge = async (text: string) => {
        await knex.raw('ALTER TABLE journal DISABLE TRIGGER USER');
        await knex('journal').where({ seq: 3 }).update({ entry: text });
        await knex.raw('ALTER TABLE journal ENABLE TRIGGER USER');
      };
      await forge(`${entry} `);
      const { status, stdout, stderr } = await verify();
      await forge(entry);
      expect({ status, stdout, stderr }).to.deep.equal({
        status: 1,
        stdout: '',
        stderr: 'broken at entry 3; the 2 before it are whole\n',
      });
    });

    it('ends with 1 when it is asked for something else, or cannot look', async () => {
      expect(await verify(['journal', 'erase'])).to.include({ status: 1 });
      const lost = await run(process.execPath, [CLI, 'journal', 'verify'], {
        env: { PATH: process.env.PATH },
      }).then(
        () => 0,
        ({ code }: { code: number }) => code,
      );
      expect(lost).to.equal(1);
    });
  });
});
