import { expect } from 'chai';
import { chooseSignInAddress, starEmailAddress } from '../../src/accounts/email-addresses.ts';
import {
  chooseEmail,
  findEmailLink,
  linkOnlyEmail,
  listEmailLinks,
  removeEmailLink,
  setEmailLink,
} from '../../src/applications/email-links.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAccountWithEmails, saveTestApplication } from '../support/links.ts';

const APPLICATIONS = ['agenda', 'imagerie'] as const;
const deps = { clock };

describe('the address under which an application knows an account', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    for (const clientId of APPLICATIONS) await saveTestApplication(database.knex, clientId);
  });
  after(() => database.drop());

  const account = ({ emails = 2 } = {}) => createAccountWithEmails(database.knex, emails);

  const linkTo = (accountId: string, emailId: string, clientId: string = APPLICATIONS[0]) => ({
    accountId,
    clientId,
    emailId,
    actor: accountId,
  });
  const linked = async (accountId: string, clientId: string = APPLICATIONS[0]) =>
    (await findEmailLink(database.knex, accountId, clientId))?.emailId;
  const events = (subject: string) =>
    database.knex('journal').where({ subject }).whereLike('event', 'application-email.%').orderBy('seq');
  const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
    Promise.resolve(work).then(
      () => 'done',
      (error: { code?: string }) => error.code,
    );

  describe('is refused by the database', () => {
    const insert = (accountId: string, emailId: string) =>
      database
        .knex('application_emails')
        .insert({ account_id: accountId, client_id: APPLICATIONS[0], email_id: emailId })
        .then();

    it("when it is another account's, at once or by a change", async () => {
      const [one, other] = [await account(), await account()];
      expect(await codeOf(insert(one.id, other.emails[0] as string))).to.equal('23514');
      await insert(one.id, one.emails[0] as string);
      const moved = database
        .knex('application_emails')
        .where({ account_id: one.id })
        .update({ email_id: other.emails[0] });
      expect(await codeOf(moved)).to.equal('23514');
      const given = database
        .knex('email_addresses')
        .where({ id: one.emails[0] })
        .update({ account_id: other.id, is_sign_in: false, is_notification: false });
      expect(await codeOf(given)).to.equal('23503');
    });

    it('when it was given back', async () => {
      const { id, emails } = await account();
      await database.knex('email_addresses').where({ id: emails[1] }).update({ released_at: clock.now() });
      expect(await codeOf(insert(id, emails[1] as string))).to.equal('23514');
    });
  });

  describe('is asked again', () => {
    const endings: [string, (emailId: string) => Promise<unknown>][] = [
      ['removed', (id) => database.knex('email_addresses').where({ id }).delete().then()],
      [
        'given back',
        (id) => database.knex('email_addresses').where({ id }).update({ released_at: clock.now() }).then(),
      ],
      [
        'changed',
        (id) =>
          database
            .knex('email_addresses')
            .where({ id })
            .update({ address: `${id}@example.test`, canonical: `${id}@example.test` })
            .then(),
      ],
    ];
    for (const [what, end] of endings) {
      it(`once it is ${what}, everywhere it was used`, async () => {
        const { id, emails } = await account();
        const [kept, ended] = emails as [string, string];
        await setEmailLink(database.knex, deps, linkTo(id, kept));
        await setEmailLink(database.knex, deps, linkTo(id, ended, APPLICATIONS[1]));
        await end(ended);
        expect(await listEmailLinks(database.knex, id)).to.have.length(1);
        expect(await linked(id)).to.equal(kept);
      });
    }

    it('not when another address becomes the starred one or the one that signs in', async () => {
      const { id, emails } = await account();
      const [first, second] = emails as [string, string];
      await setEmailLink(database.knex, deps, linkTo(id, first));
      await database.knex.transaction(async (trx) => {
        expect(await starEmailAddress(trx, id, second)).to.equal(true);
        expect(await chooseSignInAddress(trx, id, second)).to.equal(true);
      });
      expect(await linked(id)).to.equal(first);
    });
  });

  it('is the first of many answers given at once, and the journal tells that one', async () => {
    const { id, emails } = await account({ emails: 4 });
    const answers = await Promise.all(
      [...emails, ...emails].map((emailId) => chooseEmail(database.knex, deps, linkTo(id, emailId))),
    );
    const standing = await linked(id);
    expect(emails).to.include(standing);
    expect(new Set(answers.map((link) => link?.emailId))).to.deep.equal(new Set([standing]));
    const told = await events(id);
    expect(told.map(({ entry }) => JSON.parse(entry).details)).to.deep.equal([
      { application: APPLICATIONS[0], email: standing, how: 'asked' },
    ]);
  });

  it('is no address that goes away at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id, emails } = await account();
      const emailId = emails[1] as string;
      const [link] = await Promise.all([
        chooseEmail(database.knex, deps, linkTo(id, emailId)),
        round % 2 === 0
          ? database.knex('email_addresses').where({ id: emailId }).delete()
          : database.knex('email_addresses').where({ id: emailId }).update({ released_at: clock.now() }),
      ]);
      expect([undefined, emailId]).to.include(link?.emailId);
      expect(await linked(id)).to.equal(undefined);
    }
  });

  it('follows from an only address, and never from one of two', async () => {
    const [single, double] = [await account({ emails: 1 }), await account()];
    const ask = ({ id }: { id: string }) =>
      linkOnlyEmail(database.knex, deps, { accountId: id, clientId: APPLICATIONS[0], actor: id });
    expect(await Promise.all(Array.from({ length: 6 }, () => ask(single)))).to.deep.equal(
      Array(6).fill(true),
    );
    expect(await linked(single.id)).to.equal(single.emails[0]);
    expect(await events(single.id)).to.have.length(1);
    expect(await ask(double)).to.equal(false);
    expect(await linked(double.id)).to.equal(undefined);
  });

  it('is set and removed by its owner, each time told once', async () => {
    const [one, other] = [await account(), await account()];
    const [first, second] = one.emails as [string, string];
    const { knex } = database;
    expect(await setEmailLink(knex, deps, linkTo(one.id, first))).to.equal(true);
    expect(await setEmailLink(knex, deps, linkTo(one.id, first)), 'again').to.equal(true);
    expect(await setEmailLink(knex, deps, linkTo(one.id, second))).to.equal(true);
    expect(await setEmailLink(knex, deps, linkTo(one.id, other.emails[0] as string))).to.equal(false);
    expect(await chooseEmail(knex, deps, linkTo(one.id, other.emails[0] as string))).to.equal(undefined);
    expect(await linked(one.id)).to.equal(second);
    const change = { accountId: one.id, clientId: APPLICATIONS[0], actor: one.id };
    expect(await removeEmailLink(knex, deps, change)).to.equal(true);
    expect(await removeEmailLink(knex, deps, change)).to.equal(false);
    expect((await events(one.id)).map(({ event }) => event)).to.deep.equal([
      'application-email.chosen',
      'application-email.chosen',
      'application-email.removed',
    ]);
  });
});
