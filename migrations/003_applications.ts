import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE TABLE applications (
      client_id text PRIMARY KEY,
      name text NOT NULL,
      description text NOT NULL DEFAULT '',
      icon text NOT NULL DEFAULT 'layout-grid',
      -- Consent is ours to give for a first-party application; the person is asked for any other.
      first_party boolean NOT NULL DEFAULT false,
      on_portal boolean NOT NULL DEFAULT false,
      start_url text,
      -- Client metadata by their registered names (OpenID Connect Dynamic Registration §2), never a secret.
      metadata jsonb NOT NULL,
      secret_hash text,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL
    );

    -- The address under which an application knows a person.
    CREATE TABLE application_emails (
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      client_id text NOT NULL REFERENCES applications ON DELETE CASCADE,
      email_id uuid NOT NULL REFERENCES email_addresses ON DELETE CASCADE,
      PRIMARY KEY (account_id, client_id)
    );
    CREATE INDEX application_emails_email ON application_emails (email_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE application_emails, applications');
}
