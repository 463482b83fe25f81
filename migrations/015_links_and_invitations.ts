import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- The token is in the mail only: a keyed digest finds the row, a MAC binds it to the row's purpose and subject.
    CREATE TABLE one_time_links (
      id uuid PRIMARY KEY,
      purpose text NOT NULL,
      subject text NOT NULL,
      token_hash bytea NOT NULL CONSTRAINT one_time_links_token_unique UNIQUE,
      token_mac text NOT NULL,
      context bytea,
      opened integer NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      consumed_at timestamptz
    );
    -- A new link takes the place of the one before it.
    CREATE UNIQUE INDEX one_time_links_current ON one_time_links (purpose, subject);
    CREATE INDEX one_time_links_expiry ON one_time_links (expires_at);

    CREATE TABLE member_invitations (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      address text NOT NULL,
      canonical text NOT NULL,
      invited_by uuid NOT NULL REFERENCES account_members ON DELETE CASCADE,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      revoked_at timestamptz,
      accepted_at timestamptz,
      CHECK (revoked_at IS NULL OR accepted_at IS NULL)
    );
    CREATE UNIQUE INDEX member_invitations_one_open ON member_invitations (account_id, canonical)
      WHERE revoked_at IS NULL AND accepted_at IS NULL;
    CREATE INDEX member_invitations_inviter ON member_invitations (invited_by);
    CREATE INDEX member_invitations_expiry ON member_invitations (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE member_invitations, one_time_links');
}
