import { expect } from 'chai';
import fc from 'fast-check';
import { DuplicateAccountError } from '../../src/accounts/accounts.ts';
import {
  addEmailAddress,
  chooseSignInAddress,
  listEmailAddresses,
  MAX_EMAILS,
  removeEmailAddress,
  starEmailAddress,
} from '../../src/accounts/email-addresses.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Db } from '../../src/lib/database.ts';
import { newId } from '../../src/lib/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAccountWithEmails } from '../support/links.ts';

const fresh = () => {
  const address = `${newId()}@example.test`;
  return { address, canonical: address };
};

describe('the addresses of an account', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  const inTransaction = <T>(act: (trx: Db) => Promise<T>): Promise<T> => database.knex.transaction(act);
  const remove = (accountId: string, id: string) =>
    inTransaction((trx) => removeEmailAddress(trx, accountId, id));
  const star = (accountId: string, id: string) =>
    inTransaction((trx) => starEmailAddress(trx, accountId, id));
  const choose = (accountId: string, id: string) =>
    inTransaction((trx) => chooseSignInAddress(trx, accountId, id));

  const person = fc.nat({ max: 1 });
  const email = fc.nat({ max: 5 });
  const step = fc.oneof(
    // A known address is one of somebody's already.
    fc.record({ do: fc.constant('add' as const), person, owner: person, email, isKnown: fc.boolean() }),
    // Of any person: also of somebody else.
    fc.record({ do: fc.constant('remove' as const), person, owner: person, email }),
    fc.record({ do: fc.constant('star' as const), person, owner: person, email }),
    fc.record({ do: fc.constant('sign-in' as const), person, owner: person, email }),
  );

  it('are one at least, one starred, one that signs in, all proved, whatever people do', async function () {
    this.timeout(60_000);
    const { knex } = database;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const model = [];
        for (const { id, emails } of [
          await createAccountWithEmails(knex, 1),
          await createAccountWithEmails(knex, 2),
        ]) {
          const [first] = emails as [string];
          model.push({ id, emails, star: first, signIn: first });
        }
        for (const one of steps) {
          const mine = model[one.person] as (typeof model)[number];
          const theirs = model[one.owner] as (typeof model)[number];
          const id = theirs.emails[one.email % theirs.emails.length] as string;
          const isMine = mine === theirs;
          if (one.do === 'add' && one.isKnown) {
            const { address, canonical } = await knex('email_addresses').where({ id }).first();
            const adding = inTransaction((trx) =>
              addEmailAddress(trx, clock, mine.id, { address, canonical }),
            );
            const outcome = await adding.catch((error) => error);
            // A full account is told so before anything else.
            if (mine.emails.length >= MAX_EMAILS) expect(outcome).to.equal(undefined);
            else expect(outcome).to.be.instanceOf(DuplicateAccountError);
          } else if (one.do === 'add') {
            const added = await inTransaction((trx) => addEmailAddress(trx, clock, mine.id, fresh()));
            expect(added !== undefined).to.equal(mine.emails.length < MAX_EMAILS);
            if (added) mine.emails.push(added);
          } else if (one.do === 'remove') {
            const expected = !isMine ? 'unknown' : id === mine.signIn ? 'signs-in' : 'removed';
            expect(await remove(mine.id, id)).to.equal(expected);
            if (expected !== 'removed') continue;
            mine.emails = mine.emails.filter((other) => other !== id);
            if (mine.star === id) mine.star = mine.signIn;
          } else if (one.do === 'star') {
            expect(await star(mine.id, id)).to.equal(isMine && mine.star !== id);
            if (isMine) mine.star = id;
          } else {
            expect(await choose(mine.id, id)).to.equal(isMine && mine.signIn !== id);
            if (isMine) mine.signIn = id;
          }
          for (const { id: accountId, ...expected } of model) {
            const rows = await knex('email_addresses').where({ account_id: accountId });
            expect(rows.length).to.be.at.least(1);
            expect(rows.map((row) => row.id)).to.have.members(expected.emails);
            expect(rows.filter((row) => row.is_notification).map((row) => row.id)).to.deep.equal([
              expected.star,
            ]);
            expect(rows.filter((row) => row.is_sign_in).map((row) => row.id)).to.deep.equal([
              expected.signIn,
            ]);
            for (const row of rows) expect(row.verified_at).to.be.instanceOf(Date);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('keep one when all are removed at once, and when the one that signs in changes at that moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id, emails } = await createAccountWithEmails(database.knex, 3);
      const [first, second, third] = emails as [string, string, string];
      const outcomes = await Promise.all([
        remove(id, second),
        choose(id, second),
        remove(id, first),
        star(id, third),
        remove(id, third),
      ]);
      const left = await listEmailAddresses(database.knex, id);
      expect(left.length, String(outcomes)).to.be.at.least(1);
      expect(left.filter(({ isNotification }) => isNotification)).to.have.length(1);
      expect(left.filter(({ isSignIn }) => isSignIn)).to.have.length(1);
    }
  });

  it('are added once when two accounts add the same at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const chosen = fresh();
      const people = await Promise.all([1, 2].map(() => createAccountWithEmails(database.knex, 1)));
      const outcomes = await Promise.allSettled(
        people.map(({ id }) => inTransaction((trx) => addEmailAddress(trx, clock, id, chosen))),
      );
      expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
      const owners = await database.knex('email_addresses').where({ canonical: chosen.canonical });
      expect(owners).to.have.length(1);
    }
  });

  describe('are not left without', () => {
    const refused = async (act: (trx: Db, accountId: string, emails: string[]) => Promise<unknown>) => {
      const { id, emails } = await createAccountWithEmails(database.knex, 2);
      const outcome = await inTransaction((trx) => act(trx, id, emails)).catch((error) => error);
      expect(outcome).to.have.property('code').that.is.oneOf(['23514', '23505']);
      const left = await listEmailAddresses(database.knex, id);
      expect(left.map(({ isNotification, isSignIn }) => [isNotification, isSignIn])).to.deep.equal([
        [true, true],
        [false, false],
      ]);
    };
    const rows = (trx: Db, account_id: string) => trx('email_addresses').where({ account_id });
    const cases: [string, (trx: Db, accountId: string, emails: string[]) => Promise<unknown>][] = [
      ['any', (trx, id) => rows(trx, id).delete()],
      ['a star', (trx, id) => rows(trx, id).update({ is_notification: false })],
      ['the one that signs in', (trx, id) => rows(trx, id).where({ is_sign_in: true }).delete()],
      ['one star only', (trx, id) => rows(trx, id).update({ is_notification: true })],
      ['one that signs in only', (trx, id) => rows(trx, id).update({ is_sign_in: true })],
    ];
    for (const [what, act] of cases) it(`${what}, by the database's own rule`, () => refused(act));

    it('unless the account itself goes, or is closed', async () => {
      const gone = await createAccountWithEmails(database.knex, 2);
      await database.knex('accounts').where({ id: gone.id }).delete();
      const closed = await createAccountWithEmails(database.knex, 2);
      await database.knex('accounts').where({ id: closed.id }).update({ state: 'closed' });
      await database.knex('email_addresses').where({ account_id: closed.id }).delete();
      expect(await listEmailAddresses(database.knex, closed.id)).to.deep.equal([]);
    });
  });
});
