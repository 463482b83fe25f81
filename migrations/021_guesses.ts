import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- When the next attempt may be looked at, in milliseconds since 1970, for a rule whose waits grow.
    ALTER TABLE throttle_counters ADD COLUMN not_before bigint;

    -- Browsers in which somebody signed in to an account, or as a member of a shared one.
    CREATE TABLE known_devices (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      member_id uuid REFERENCES account_members ON DELETE CASCADE,
      principal_id uuid GENERATED ALWAYS AS (coalesce(member_id, account_id)) STORED NOT NULL,
      device_hash bytea NOT NULL,
      created_at timestamptz NOT NULL,
      last_used_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CONSTRAINT known_devices_once UNIQUE (device_hash, principal_id)
    );
    CREATE INDEX known_devices_account ON known_devices (account_id);
    CREATE INDEX known_devices_member ON known_devices (member_id) WHERE member_id IS NOT NULL;
    CREATE INDEX known_devices_expiry ON known_devices (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP TABLE known_devices;
    ALTER TABLE throttle_counters DROP COLUMN not_before;
  `);
}
