import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import * as sharedAccounts from '../../migrations/014_shared_accounts.ts';
import * as links from '../../migrations/015_links_and_invitations.ts';
import { createAccount, findAccount } from '../../src/accounts/accounts.ts';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { findSignInByEmail } from '../../src/accounts/principals.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const EMAILS = { person: 'person@example.test', anne: 'anne@example.test', basile: 'basile@example.test' };
/** The migrations whose number is above `number`, in order. */
async function migrationsAfter(number: string): Promise<(typeof links)[]> {
  const folder = new URL('../../migrations/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.slice(0, 3) > number);
  return Promise.all(names.sort().map((name) => import(new URL(name, folder).href)));
}

const emailOf = (address: string) => ({ address, canonical: address });

describe('the way back from shared accounts', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('keeps persons as they are, and leaves a shared account that signs nobody in', async () => {
    const { knex } = database;
    const person = await createAccount(knex, clock, {
      kind: 'professional',
      state: 'active',
      rpps: '99700900048',
      familyName: 'DOC0090004',
      givenName: 'Camille',
      identityProof: 'ordinal-register',
      passwordHash: 'hash',
      termsVersion: 'test',
      emails: [emailOf(EMAILS.person)],
      phones: ['+33639980004'],
    });
    const member = (givenName: string, email: string) => ({
      familyName: 'SECRETAIRE',
      givenName,
      email: emailOf(email),
      phones: ['+33639980005'],
      passwordHash: 'hash',
      termsVersion: 'test',
    });
    const { accountId, memberId } = await createSharedAccount(
      knex,
      { clock },
      { title: 'Secrétariat', state: 'active', firstMember: member('Anne', EMAILS.anne) },
    );
    await addMember(knex, { clock }, accountId, member('Basile', EMAILS.basile), { invitedBy: memberId });
    const before = await findAccount(knex, person);

    const later = await migrationsAfter('015');
    for (const { down } of later.toReversed()) await down(knex);
    await links.down(knex);
    await sharedAccounts.down(knex);
    const rows = await knex('accounts').where({ id: accountId });
    expect(rows[0]).to.include({ kind: 'shared', state: 'suspended', family_name: 'Secrétariat' });
    // What the release before signs in with.
    const signsIn = await knex('accounts')
      .join('email_addresses', 'email_addresses.account_id', 'accounts.id')
      .where({ is_sign_in: true })
      .pluck('canonical');
    expect(signsIn).to.deep.equal([EMAILS.person]);

    await sharedAccounts.up(knex);
    await links.up(knex);
    for (const { up } of later) await up(knex);
    expect(await findAccount(knex, person)).to.deep.equal(before);
    expect((await findSignInByEmail(knex, EMAILS.person))?.id).to.equal(person);
    expect((await findAccount(knex, accountId))?.displayName).to.equal('Secrétariat');
    for (const email of [EMAILS.anne, EMAILS.basile])
      expect(await findSignInByEmail(knex, email)).to.equal(undefined);
  });
});
