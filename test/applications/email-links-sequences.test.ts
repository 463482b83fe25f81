import { expect } from 'chai';
import fc from 'fast-check';
import { removeEmailAddress, starEmailAddress } from '../../src/accounts/email-addresses.ts';
import {
  chooseEmail,
  linkOnlyEmail,
  listEmailLinks,
  removeEmailLink,
  setEmailLink,
} from '../../src/applications/email-links.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { findClaims } from '../../src/openid/claims.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAccountWithEmails, saveTestApplication } from '../support/links.ts';

const APPLICATIONS = ['agenda', 'imagerie'] as const;
const deps = { clock };

describe('the address under which an application knows an account, over any sequence of what people do', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    for (const clientId of APPLICATIONS) await saveTestApplication(database.knex, clientId);
  });
  after(() => database.drop());

  const linkTo = (accountId: string, emailId: string, clientId: string) => ({
    accountId,
    clientId,
    emailId,
    actor: accountId,
  });

  const person = fc.nat({ max: 1 });
  const email = fc.nat({ max: 3 });
  const application = fc.constantFrom(...APPLICATIONS);
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), person }),
    fc.record({ do: fc.constant('remove' as const), person, email }),
    fc.record({ do: fc.constant('rename' as const), person, email }),
    fc.record({ do: fc.constant('star' as const), person, email }),
    // Of any person: also of somebody else.
    fc.record({ do: fc.constant('set' as const), person, owner: person, email, application }),
    fc.record({ do: fc.constant('answer' as const), person, owner: person, email, application }),
    fc.record({ do: fc.constant('open' as const), person, application }),
    fc.record({ do: fc.constant('unlink' as const), person, application }),
    fc.record({ do: fc.constant('suspend' as const), person }),
    fc.record({ do: fc.constant('restore' as const), person }),
    fc.record({ do: fc.constant('close' as const), person }),
  );

  it('is a proved one of the same account, and the one that tokens tell at that moment', async function () {
    this.timeout(60_000);
    const { knex, pool } = database;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const people = [await createAccountWithEmails(knex, 2), await createAccountWithEmails(knex, 2)];
        const model = people.map(({ emails }) => ({
          emails: [...emails],
          links: new Map<string, string>(),
          state: 'active',
        }));
        const unlink = (owner: number, emailId: string) => {
          const { links } = model[owner] as (typeof model)[number];
          for (const [clientId, of] of links) if (of === emailId) links.delete(clientId);
        };

        for (const one of steps) {
          const { id } = people[one.person] as (typeof people)[number];
          const mine = model[one.person] as (typeof model)[number];
          const at = (owner: number, index: number) => {
            const { emails } = model[owner] as (typeof model)[number];
            return emails[index % Math.max(1, emails.length)];
          };
          if (one.do === 'add' && mine.state !== 'closed') {
            const emailId = newId();
            const address = `${emailId}@example.test`;
            await knex('email_addresses').insert({
              id: emailId,
              account_id: id,
              address,
              canonical: address,
              verified_at: clock.now(),
            });
            mine.emails.push(emailId);
          } else if (one.do === 'remove' && mine.emails.length > 1) {
            const emailId = mine.emails[1 + (one.email % (mine.emails.length - 1))] as string;
            expect(await knex.transaction((trx) => removeEmailAddress(trx, id, emailId))).to.equal('removed');
            mine.emails = mine.emails.filter((other) => other !== emailId);
            unlink(one.person, emailId);
          } else if (one.do === 'rename') {
            const emailId = at(one.person, one.email);
            const address = `${newId()}@example.test`;
            if (!emailId) continue;
            await knex('email_addresses').where({ id: emailId }).update({ address, canonical: address });
            unlink(one.person, emailId);
          } else if (one.do === 'star') {
            const emailId = at(one.person, one.email);
            if (emailId) await knex.transaction((trx) => starEmailAddress(trx, id, emailId));
          } else if (one.do === 'set' || one.do === 'answer') {
            const emailId = at(one.owner, one.email) ?? newId();
            const isMine = mine.emails.includes(emailId);
            const change = linkTo(id, emailId, one.application);
            if (one.do === 'set') {
              expect(await setEmailLink(knex, deps, change)).to.equal(isMine);
              if (isMine) mine.links.set(one.application, emailId);
            } else {
              const link = await chooseEmail(knex, deps, change);
              if (isMine && !mine.links.has(one.application)) mine.links.set(one.application, emailId);
              expect(link?.emailId).to.equal(isMine ? mine.links.get(one.application) : undefined);
            }
          } else if (one.do === 'open') {
            const stands = await linkOnlyEmail(knex, deps, linkTo(id, '', one.application));
            const [only, ...others] = mine.emails;
            if (only && others.length === 0 && !mine.links.has(one.application))
              mine.links.set(one.application, only);
            expect(stands).to.equal(mine.links.has(one.application));
          } else if (one.do === 'unlink') {
            const change = { accountId: id, clientId: one.application, actor: id };
            expect(await removeEmailLink(knex, deps, change)).to.equal(mine.links.delete(one.application));
          } else if (one.do === 'suspend' || one.do === 'restore') {
            if (mine.state === 'closed') continue;
            mine.state = one.do === 'suspend' ? 'suspended' : 'active';
            await knex('accounts').where({ id }).update({ state: mine.state });
          } else if (one.do === 'close') {
            await knex('accounts').where({ id }).update({ state: 'closed' });
            await knex('email_addresses').where({ account_id: id }).update({ released_at: clock.now() });
            Object.assign(mine, { state: 'closed', emails: [] });
            mine.links.clear();
          }

          for (const [index, { id: accountId }] of people.entries()) {
            const { links, emails, state } = model[index] as (typeof model)[number];
            const rows = await listEmailLinks(knex, accountId);
            expect(new Map(rows.map((row) => [row.clientId, row.emailId]))).to.deep.equal(links);
            for (const row of rows) expect(emails).to.include(row.emailId);
            for (const clientId of APPLICATIONS) {
              const seen = await findClaims(pool, accountId, clientId);
              const told = rows.find((row) => row.clientId === clientId)?.address;
              expect(seen?.claims.email).to.equal(state === 'active' ? told : undefined);
              expect(seen?.claims.email_verified).to.equal(state === 'active' && told ? true : undefined);
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
