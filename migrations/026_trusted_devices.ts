import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- The value before the last use: seen again, it tells a second tab from a copy of the cookie.
    ALTER TABLE trusted_devices ADD COLUMN previous_hash bytea;
    CREATE INDEX trusted_devices_account ON trusted_devices (account_id);
    CREATE INDEX trusted_devices_member ON trusted_devices (member_id) WHERE member_id IS NOT NULL;
    CREATE INDEX trusted_devices_expiry ON trusted_devices (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP INDEX trusted_devices_expiry, trusted_devices_member, trusted_devices_account;
    ALTER TABLE trusted_devices DROP COLUMN previous_hash;
  `);
}
