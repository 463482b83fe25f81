import { expect } from 'chai';
import fc from 'fast-check';
import { createAccount } from '../../src/accounts/accounts.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import {
  chooseEmail,
  findEmailLink,
  linkOnlyEmail,
  listEmailLinks,
  removeEmailLink,
  setEmailLink,
} from '../../src/applications/email-links.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { findClaims } from '../../src/openid/claims.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const APPLICATIONS = ['agenda', 'imagerie'] as const;
const deps = { clock };

describe('the address under which an application knows an account', () => {
  let database: TestDatabase;
  let made = 0;
  before(async () => {
    database = await createTestDatabase();
    for (const clientId of APPLICATIONS) {
      const application = { clientId, name: clientId, description: '', icon: 'mail', startUrl: undefined };
      await saveApplication(
        database.knex,
        clock,
        { ...application, firstParty: true, onPortal: true, metadata: {} },
        undefined,
      );
    }
  });
  after(() => database.drop());

  async function account({ emails = 2 } = {}): Promise<{ id: string; emails: string[] }> {
    made += 1;
    const addresses = Array.from({ length: emails }, (_, index) => `p${made}-${index}@example.test`);
    const id = await createAccount(database.knex, clock, {
      kind: 'professional',
      state: 'active',
      familyName: 'DOC0091000',
      givenName: 'Ange',
      identityProof: 'declared',
      passwordHash: 'hash',
      termsVersion: 'test',
      emails: addresses.map((address) => ({ address, canonical: address })),
      phones: [],
    });
    const rows = await database.knex('email_addresses').where({ account_id: id }).orderBy('address');
    return { id, emails: rows.map((row) => row.id) };
  }

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
      for (const column of ['is_sign_in', 'is_notification']) {
        await database.knex('email_addresses').where({ id: first }).update(column, false);
        await database.knex('email_addresses').where({ id: second }).update(column, true);
      }
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

  describe('over any sequence of what people do', () => {
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
          const people = [await account(), await account()];
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
              await knex('email_addresses').where({ id: emailId }).delete();
              mine.emails = mine.emails.filter((other) => other !== emailId);
              unlink(one.person, emailId);
            } else if (one.do === 'rename') {
              const emailId = at(one.person, one.email);
              const address = `${newId()}@example.test`;
              if (!emailId) continue;
              await knex('email_addresses').where({ id: emailId }).update({ address, canonical: address });
              unlink(one.person, emailId);
            } else if (one.do === 'star') {
              await knex('email_addresses').where({ account_id: id }).update({ is_notification: false });
              const emailId = at(one.person, one.email);
              if (emailId)
                await knex('email_addresses').where({ id: emailId }).update({ is_notification: true });
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
});
