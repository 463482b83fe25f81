import { expect } from 'chai';
import { rememberLanguage } from '../../src/accounts/language.ts';
import { transition } from '../../src/accounts/transition.ts';
import { sendAlarms, sendDigest, sendNews, sweepDigests } from '../../src/approvals/deadlines.ts';
import { createApplicant, createTestAdministrator } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

const ADMIN = 'admin@example.test';
const LISE = 'lise@example.test';

describe('what administrators are told of the queue', function () {
  this.timeout(30_000);
  let app: TestApp;
  let people = 0;

  before(async () => {
    app = await startTestApp({ nodes: 2 });
    const { knex } = app.database;
    await createTestAdministrator(app.deps, { email: LISE, phone: '+33639980098', passwordHash: 'none' });
    const gone = await createTestAdministrator(app.deps, {
      email: 'partie@example.test',
      phone: '+33639980097',
      passwordHash: 'none',
    });
    await transition(knex, app.deps, { accountId: gone, to: 'suspended', by: { role: 'system' } });
  });
  after(() => app.close());
  beforeEach(async () => {
    await app.database.knex('approvals').delete();
    await app.database.knex('administrator_digests').delete();
  });

  const moveTo = (instant: string) => app.clock.advance(Date.parse(instant) - app.clock.now().getTime());

  async function applyAt(instant: string): Promise<string> {
    people += 1;
    const { knex } = app.database;
    const email = `attente-${people}@example.test`;
    const { approvalId } = await createApplicant(app.deps, { email, passwordHash: 'none' });
    await knex('approvals')
      .where({ id: approvalId })
      .update({ created_at: new Date(instant) });
    return approvalId;
  }

  /** The job on both nodes, several times at once, as their workers take it. */
  async function runJobs(instant: string): Promise<void> {
    moveTo(instant);
    const { knex } = app.database;
    await knex.raw(`SELECT graphile_worker.add_job('approval-deadlines') FROM generate_series(1, 6)`);
    for (let waited = 0; waited < 500; waited += 1) {
      const { rows } = await knex.raw(
        `SELECT count(*) AS left FROM graphile_worker.jobs WHERE task_identifier = 'approval-deadlines'`,
      );
      if (rows[0].left === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the jobs did not end');
  }

  const sent = (subject: string) => app.mailbox.messages().filter((message) => message.subject === subject);
  const digests = () => sent('Des demandes de compte attendent');
  const news = () => sent('De nouvelles demandes de compte');
  const alarms = () => app.mailbox.messages().filter(({ subject }) => subject?.endsWith('être en retard'));

  /** Does `act`, lets every mail leave, and gives what came of it, newest first. */
  async function newMails(list: typeof digests, act: () => Promise<unknown>) {
    const before = list().length;
    await act();
    const { knex } = app.database;
    for (let waited = 0; waited < 500; waited += 1) {
      const unsent = await knex('messages')
        .whereNull('sent_at')
        .whereNull('given_up_at')
        .whereLike('template', 'admin%');
      if (unsent.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return list().slice(0, list().length - before);
  }

  it('a digest to each active administrator at 8:00 of a working day, once for all nodes', async () => {
    await applyAt('2031-02-26T10:00+01:00');
    await applyAt('2031-03-03T10:00+01:00');
    expect(await newMails(digests, () => runJobs('2031-03-04T07:59+01:00'))).to.deep.equal([]);
    const mails = await newMails(digests, () => runJobs('2031-03-04T08:00+01:00'));
    expect(mails.map(({ to }) => to).sort()).to.deep.equal([ADMIN, LISE]);
    expect(mails[0]?.text)
      .to.contain('2 demandes attendent')
      .and.to.contain('94 h ouvrées sur 48. 1 est en retard.')
      .and.to.contain(`${app.issuer}/administration/demandes\n`);
    expect(await newMails(digests, () => runJobs('2031-03-04T18:00+01:00'))).to.deep.equal([]);
    expect(await newMails(digests, () => runJobs('2031-03-05T08:00+01:00'))).to.have.length(2);
  });

  it('each in the language in which they last signed in', async () => {
    const { knex } = app.database;
    const { id: accountId } = await knex('accounts')
      .join('email_addresses', 'email_addresses.account_id', 'accounts.id')
      .where({ address: LISE })
      .first('accounts.id');
    await rememberLanguage(knex, { accountId }, 'en');
    await applyAt('2031-02-18T10:00+01:00');
    const english = await newMails(
      () => sent('Account requests are waiting'),
      () => runJobs('2031-02-19T08:00+01:00'),
    );
    expect(english.map(({ to }) => to)).to.deep.equal([LISE]);
    await rememberLanguage(knex, { accountId }, 'fr');
  });

  it('the digest of a morning when every node was down comes later that day', async () => {
    await applyAt('2031-03-10T10:00+01:00');
    expect(await newMails(digests, () => runJobs('2031-03-11T11:30+01:00'))).to.have.length(2);
  });

  it('no digest on a Saturday, a Sunday or a public holiday', async () => {
    await applyAt('2031-04-10T10:00+02:00');
    for (const day of ['2031-04-12', '2031-04-13', '2031-04-14'])
      expect(await newMails(digests, () => runJobs(`${day}T09:00+02:00`)), day).to.deep.equal([]);
    expect(await newMails(digests, () => runJobs('2031-04-15T09:00+02:00'))).to.have.length(2);
  });

  it('no digest when nothing waited at 8:00, whatever comes later in the day', async () => {
    expect(await newMails(digests, () => runJobs('2031-03-18T08:00+01:00'))).to.deep.equal([]);
    await applyAt('2031-03-18T08:30+01:00');
    expect(await newMails(digests, () => runJobs('2031-03-18T09:00+01:00'))).to.deep.equal([]);
    expect(await newMails(digests, () => runJobs('2031-03-19T08:00+01:00'))).to.have.length(2);
  });

  it('one alarm for the requests that used 36 of their 48 hours, each told once', async () => {
    const first = await applyAt('2031-05-05T11:59+02:00');
    const second = await applyAt('2031-05-05T12:00+02:00');
    const third = await applyAt('2031-05-05T18:00+02:00');
    expect(await newMails(alarms, () => runJobs('2031-05-06T23:58+02:00'))).to.deep.equal([]);
    const mails = await newMails(alarms, () => runJobs('2031-05-07T00:00+02:00'));
    expect(mails.map(({ to }) => to).sort()).to.deep.equal([ADMIN, LISE]);
    expect(mails[0]?.text)
      .to.contain('2 demandes de compte ont utilisé au moins 36 des 48 h ouvrées promises')
      .and.to.match(/le 5 mai 2031 à 11:59\s: 36 h sur 48\n[\s\S]*le 5 mai 2031 à 12:00\s: 36 h sur 48\n/)
      .and.to.contain(`${app.issuer}/administration/demandes/${first}\n`)
      .and.to.contain(`${app.issuer}/administration/demandes/${second}\n`)
      .and.to.contain(`${app.issuer}/administration/demandes\n`)
      .and.not.to.contain(third);
    const later = await newMails(alarms, () => runJobs('2031-05-07T09:00+02:00'));
    expect(later.map(({ to }) => to).sort()).to.deep.equal([ADMIN, LISE]);
    expect(later[0]?.text).to.contain(third).and.not.to.contain(second);
    expect(await newMails(alarms, () => runJobs('2031-05-12T09:00+02:00'))).to.deep.equal([]);
  });

  it('no alarm over a weekend, nor for what is decided or has no object', async () => {
    const { knex } = app.database;
    await applyAt('2031-06-06T18:00+02:00');
    expect(await newMails(alarms, () => runJobs('2031-06-09T12:00+02:00'))).to.deep.equal([]);
    await knex('approvals').update({ decision: 'approved', decided_at: app.clock.now() });
    const closed = await applyAt('2031-06-06T18:00+02:00');
    const { account_id: accountId } = await knex('approvals').where({ id: closed }).first();
    await transition(knex, app.deps, { accountId, to: 'closed', by: { role: 'system' } });
    expect(await newMails(alarms, () => runJobs('2031-06-20T12:00+02:00'))).to.deep.equal([]);
  });

  it('one mail for the requests that came, a quarter of an hour after the last at the soonest', async () => {
    const { knex } = app.database;
    await knex('administrator_news').update({ sent_at: null });
    expect(await newMails(news, () => runJobs('2031-07-01T10:00+02:00'))).to.deep.equal([]);
    await applyAt('2031-07-01T10:01+02:00');
    const first = await newMails(news, () => runJobs('2031-07-01T10:02+02:00'));
    expect(first.map(({ to }) => to).sort()).to.deep.equal([ADMIN, LISE]);
    expect(first[0]?.text)
      .to.contain("1 nouvelle demande attend la décision d'un administrateur.")
      .and.to.contain(`${app.issuer}/administration/demandes\n`);

    await applyAt('2031-07-01T10:03+02:00');
    await applyAt('2031-07-01T10:04+02:00');
    const decided = await applyAt('2031-07-01T10:05+02:00');
    await knex('approvals')
      .where({ id: decided })
      .update({ decision: 'approved', decided_at: app.clock.now() });
    expect(await newMails(news, () => runJobs('2031-07-01T10:16+02:00'))).to.deep.equal([]);
    const second = await newMails(news, () => runJobs('2031-07-01T10:18+02:00'));
    expect(second.map(({ to }) => to).sort()).to.deep.equal([ADMIN, LISE]);
    expect(second[0]?.text).to.contain('2 nouvelles demandes attendent');
    expect(await newMails(news, () => runJobs('2031-07-01T11:00+02:00'))).to.deep.equal([]);
  });

  it('each thing by one call, of many on several connections', async () => {
    await applyAt('2031-03-24T00:00+01:00');
    moveTo('2031-03-26T08:00+01:00');
    const { knex } = app.database;
    const each = [knex, app.deps.knex, knex, app.deps.knex, knex, app.deps.knex];
    const digested = await Promise.all(each.map((db) => sendDigest(db, app.deps)));
    expect(digested.filter(Boolean)).to.have.length(1);
    await knex('administrator_news').update({ sent_at: null });
    const announced = await Promise.all(each.map((db) => sendNews(db, app.deps)));
    expect(announced.reduce((sum, count) => sum + count)).to.equal(1);
    const alarmed = await Promise.all(each.map((db) => sendAlarms(db, app.deps)));
    expect(alarmed.reduce((sum, count) => sum + count)).to.equal(1);
    await sweepDigests(knex, app.clock);
    expect(await knex('administrator_digests').pluck('day')).to.deep.equal(['2031-03-26']);
    moveTo('2031-05-26T09:00+02:00');
    await sweepDigests(knex, app.clock);
    expect(await knex('administrator_digests')).to.deep.equal([]);
  });
});
