import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE TABLE messages (
      id uuid PRIMARY KEY,
      channel text NOT NULL CHECK (channel IN ('email', 'sms')),
      template text NOT NULL,
      -- Recipient and content; erased once sent or given up.
      sealed bytea,
      created_at timestamptz NOT NULL,
      expires_at timestamptz,
      -- Until when a node that took the message may still be sending it.
      claimed_until timestamptz,
      -- When to queue it again if nothing was heard of it: the node that held its job may be dead.
      rescue_at timestamptz,
      attempts integer NOT NULL DEFAULT 0,
      sent_at timestamptz,
      given_up_at timestamptz,
      last_error text
    );
    CREATE INDEX messages_rescue ON messages (rescue_at) WHERE rescue_at IS NOT NULL;
    CREATE INDEX messages_created ON messages (created_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE messages');
}
