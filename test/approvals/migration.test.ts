import { expect } from 'chai';
import { down, up } from '../../migrations/012_approvals.ts';
import * as applicationLinks from '../../migrations/040_application_links.ts';
import * as addressesStayWhole from '../../migrations/041_addresses_stay_whole.ts';
import { createTestAccount } from '../support/accounts.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the schema of the approvals', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('goes back with an address that two accounts had one after the other, and forward again', async () => {
    const { knex } = database;
    const deps = { knex, clock: { now: () => new Date() } } as Parameters<typeof createTestAccount>[0];
    const email = 'deux-fois@example.test';
    const first = await createTestAccount(deps, { email, passwordHash: 'none' });
    await knex('email_addresses').where({ account_id: first }).update({ released_at: new Date() });
    const second = await createTestAccount(deps, { email, passwordHash: 'none' });

    await addressesStayWhole.down(knex);
    await applicationLinks.down(knex);
    await down(knex);
    expect(await knex('email_addresses').where({ canonical: email }).pluck('account_id')).to.deep.equal([
      second,
    ]);
    const error = await createTestAccount(deps, { email, passwordHash: 'none' }).catch((caught) => caught);
    expect(error).to.include({ name: 'DuplicateAccountError', field: 'email' });
    expect(await knex.schema.hasTable('approvals')).to.equal(false);

    await up(knex);
    await applicationLinks.up(knex);
    await addressesStayWhole.up(knex);
    expect(await knex('accounts').whereIn('id', [first, second])).to.have.length(2);
    expect(await knex('approvals')).to.deep.equal([]);
  });

  it('holds one waiting request per account and kind', async () => {
    const { knex } = database;
    const deps = { knex, clock: { now: () => new Date() } } as Parameters<typeof createTestAccount>[0];
    const account = await createTestAccount(deps, { email: 'une@example.test', passwordHash: 'none' });
    const row = (id: string, more: object = {}) => ({
      id: `00000000-0000-4000-8000-00000000000${id}`,
      kind: 'sign-up',
      account_id: account,
      lang: 'fr',
      proposed: '{}',
      original_hash: Buffer.alloc(32),
      identity_proof: 'declared',
      created_at: new Date(),
      ...more,
    });
    const refused = async (values: object) =>
      (await knex('approvals')
        .insert(values)
        .catch((error) => error)) as { constraint?: string };
    await knex('approvals').insert(row('1', { decision: 'withdrawn', decided_at: new Date() }));
    await knex('approvals').insert(row('2'));
    await knex('approvals').insert(row('3', { kind: 'profile-change' }));
    expect((await refused(row('4'))).constraint).to.equal('approvals_one_pending');
    const decided = { decided_at: new Date(), decision: 'refused' };
    expect((await refused(row('5', decided))).constraint, 'a refusal without reason').to.match(
      /^approvals_check/,
    );
    expect((await refused(row('6', { decision: 'approved' }))).constraint, 'without time').to.match(
      /^approvals_check/,
    );
  });
});
