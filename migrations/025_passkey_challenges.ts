import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- Challenges that a passkey answered: each may be answered once.
    CREATE TABLE used_passkey_challenges (
      challenge_hash bytea PRIMARY KEY,
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX used_passkey_challenges_expiry ON used_passkey_challenges (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE used_passkey_challenges');
}
