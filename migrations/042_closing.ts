import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    ALTER TABLE accounts
      -- Of a closed account: when what it holds of a person is erased.
      ADD COLUMN erase_after timestamptz,
      -- Closed by its own person, who may open it again until then.
      ADD COLUMN may_reopen boolean NOT NULL DEFAULT false;
    UPDATE accounts SET erase_after = updated_at + interval '30 days' WHERE state = 'closed';
    ALTER TABLE accounts
      ADD CONSTRAINT accounts_erasure CHECK (erase_after IS NULL OR state = 'closed'),
      ADD CONSTRAINT accounts_reopening CHECK (NOT may_reopen OR erase_after IS NOT NULL);
    CREATE INDEX accounts_erase_after ON accounts (erase_after) WHERE erase_after IS NOT NULL;
  `);
}

/** Whoever might have come back can no more: their addresses are given back, as those of any other closed account. */
export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    UPDATE email_addresses SET released_at = now() WHERE released_at IS NULL
      AND account_id IN (SELECT id FROM accounts WHERE may_reopen);
    ALTER TABLE accounts DROP COLUMN may_reopen, DROP COLUMN erase_after;
  `);
}
