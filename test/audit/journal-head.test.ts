import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { findHead, hasHead, record, verifyChain } from '../../src/audit/journal.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

const run = promisify(execFile);
const CLI = new URL('../../src/cli.ts', import.meta.url).pathname;

describe('the head of the journal', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
    for (let count = 0; count < 6; count += 1) await note(count);
  });
  after(() => app.close());

  const note = (count: number) =>
    record(app.database.knex, app.clock, {
      event: 'sign-in.refused',
      outcome: 'failure',
      source: '192.0.2.1',
      details: { count },
    });

  /** Takes the last entries away, as the owner of the database can. */
  async function cut(count: number): Promise<void> {
    const { knex } = app.database;
    const head = await findHead(knex);
    await knex.raw('ALTER TABLE journal DISABLE TRIGGER USER');
    await knex('journal')
      .where('seq', '>', Number(head?.seq) - count)
      .delete();
    await knex.raw('ALTER TABLE journal ENABLE TRIGGER USER');
  }

  const verify = (...args: string[]) =>
    run(process.execPath, [CLI, 'journal', 'verify', ...args], {
      env: { ...app.environment, PATH: process.env.PATH },
    }).then(
      ({ stdout }) => ({ status: 0, stdout, stderr: '' }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        status: code,
        stdout,
        stderr,
      }),
    );

  const loggedHeads = () =>
    app.logLines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'journal head');

  it('is named by the log every hour', async () => {
    const { knex } = app.database;
    const hourly = await knex.raw(`SELECT identifier FROM graphile_worker._private_known_crontabs`);
    expect(hourly.rows.map(({ identifier }: { identifier: string }) => identifier)).to.include(
      'journal-head',
    );
    await knex.raw(`SELECT graphile_worker.add_job('journal-head')`);
    const deadline = Date.now() + 8_000;
    while (loggedHeads().length === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { entries, head } = await verifyChain(knex);
    expect(loggedHeads()).to.have.length(1);
    expect(loggedHeads()[0]).to.include({ seq: entries, hash: head });
  });

  it('is asked of an entry by its number and its digest', async () => {
    const { knex } = app.database;
    const last = await findHead(knex);
    if (!last) throw new Error('the journal is empty');
    expect(await hasHead(knex, last)).to.equal(true);
    expect(await hasHead(knex, { ...last, seq: last.seq - 1 })).to.equal(false);
    expect(await hasHead(knex, { ...last, hash: 'ab'.repeat(32) })).to.equal(false);
  });

  it('must still be there when the operator expects it', async () => {
    const kept = await findHead(app.database.knex);
    if (!kept) throw new Error('the journal is empty');
    const expected = `${kept.seq}:${kept.hash}`;
    await note(6);
    const malformed = [kept.hash, `${kept.seq}:${kept.hash.slice(2)}`, `${expected}0`, ''];
    const [whole, ...refused] = await Promise.all([
      verify('--expect', expected),
      ...malformed.map((value) => verify('--expect', value)),
    ]);
    expect(whole).to.include({ status: 0 });
    expect(whole?.stdout).to.match(
      new RegExp(`^${kept.seq + 1} entries, whole; head ${kept.seq + 1}:[0-9a-f]{64}\n$`),
    );
    for (const answer of refused)
      expect(answer).to.deep.equal({
        status: 1,
        stdout: '',
        stderr: '--expect takes a number, a colon, 64 hex digits\n',
      });

    await cut(2);
    const [alone, missing] = await Promise.all([verify(), verify('--expect', expected)]);
    expect(alone, 'a chain without its end is whole').to.include({ status: 0 });
    expect(missing).to.deep.equal({
      status: 1,
      stdout: '',
      stderr: `entry ${kept.seq} with this digest is not there: the journal was cut or rewritten\n`,
    });
    await note(7);
    expect(await verify('--expect', expected), 'written over').to.include({ status: 1 });
  });
});
