import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- Anybody may declare a number that is not theirs: it is one person's only once it was proved or approved.
    DROP INDEX accounts_rpps_unique;
    CREATE UNIQUE INDEX accounts_rpps_unique ON accounts (rpps)
      WHERE rpps IS NOT NULL AND state IN ('active', 'suspended');

    -- Of a shared account: the professional who is said to answer for it, who may have no account.
    ALTER TABLE accounts ADD COLUMN responsible_rpps text CHECK (responsible_rpps ~ '^[0-9]{11}$'),
      ADD CONSTRAINT accounts_responsible_rpps_shared CHECK (responsible_rpps IS NULL OR kind = 'shared');

    -- Typed at sign-up and proved by nothing: no code ever goes there.
    CREATE TABLE declared_phone_numbers (
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      number text NOT NULL,
      PRIMARY KEY (account_id, number)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP TABLE declared_phone_numbers;
    ALTER TABLE accounts DROP COLUMN responsible_rpps;
    -- Of several that declared one number, the one that may keep it.
    UPDATE accounts SET state = 'refused' WHERE state = 'pending' AND id NOT IN (
      SELECT DISTINCT ON (rpps) id FROM accounts
      WHERE rpps IS NOT NULL AND state NOT IN ('refused', 'closed')
      ORDER BY rpps, state = 'pending', created_at, id) AND rpps IS NOT NULL;
    DROP INDEX accounts_rpps_unique;
    CREATE UNIQUE INDEX accounts_rpps_unique ON accounts (rpps)
      WHERE rpps IS NOT NULL AND state NOT IN ('refused', 'closed');
  `);
}
