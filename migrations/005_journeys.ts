import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE TABLE journeys (
      id_hash bytea PRIMARY KEY,
      kind text NOT NULL,
      browser_hash bytea NOT NULL,
      state bytea NOT NULL,
      version integer NOT NULL DEFAULT 1,
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX journeys_expiry ON journeys (expires_at);

    CREATE TABLE one_time_codes (
      id uuid PRIMARY KEY,
      journey_hash bytea NOT NULL,
      purpose text NOT NULL,
      channel text NOT NULL CHECK (channel IN ('email', 'sms')),
      code_mac text NOT NULL,
      attempts integer NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      consumed_at timestamptz
    );
    -- A new code takes the place of the one before it.
    CREATE UNIQUE INDEX one_time_codes_current ON one_time_codes (journey_hash, purpose);
    CREATE INDEX one_time_codes_expiry ON one_time_codes (expires_at);

    CREATE TABLE throttle_counters (
      key varchar(255) PRIMARY KEY,
      points integer NOT NULL DEFAULT 0,
      expire bigint
    );
    CREATE INDEX throttle_counters_expiry ON throttle_counters (expire);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE throttle_counters, one_time_codes, journeys');
}
