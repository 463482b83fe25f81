import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE TABLE accounts (
      id uuid PRIMARY KEY,
      kind text NOT NULL CHECK (kind IN ('professional', 'secretary', 'shared')),
      state text NOT NULL CHECK (state IN ('pending', 'active', 'suspended', 'refused', 'closed')),
      rpps text CHECK (rpps ~ '^[0-9]{11}$'),
      profession_code text,
      civilite_code text,
      civilite_exercice_code text,
      family_name text NOT NULL,
      given_name text NOT NULL,
      identity_proof text NOT NULL CHECK (identity_proof IN ('declared', 'ordinal-register')),
      password_hash text,
      terms_version text,
      terms_accepted_at timestamptz,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL
    );
    CREATE UNIQUE INDEX accounts_rpps_unique ON accounts (rpps)
      WHERE rpps IS NOT NULL AND state NOT IN ('refused', 'closed');

    CREATE TABLE account_roles (
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      role text NOT NULL CHECK (role IN ('administrator')),
      PRIMARY KEY (account_id, role)
    );

    CREATE TABLE email_addresses (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      address text NOT NULL,
      canonical text NOT NULL CONSTRAINT email_addresses_canonical_unique UNIQUE,
      verified_at timestamptz NOT NULL,
      is_sign_in boolean NOT NULL DEFAULT false,
      is_notification boolean NOT NULL DEFAULT false
    );
    CREATE INDEX email_addresses_account ON email_addresses (account_id);
    CREATE UNIQUE INDEX email_addresses_one_sign_in ON email_addresses (account_id) WHERE is_sign_in;
    CREATE UNIQUE INDEX email_addresses_one_notification ON email_addresses (account_id) WHERE is_notification;

    CREATE TABLE phone_numbers (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      number text NOT NULL,
      verified_at timestamptz NOT NULL,
      -- Chosen as the second factor proposed first.
      is_second_factor boolean NOT NULL DEFAULT false,
      UNIQUE (account_id, number)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE phone_numbers, email_addresses, account_roles, accounts');
}
