import type { Knex } from 'knex';

/** A row belongs to whoever signs in: the person of an account, or one member of a shared one. */
const HOLDER = `
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      member_id uuid REFERENCES account_members ON DELETE CASCADE,
      holder_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(member_id, account_id)) STORED`;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE TABLE totp_credentials (
      id uuid PRIMARY KEY,${HOLDER} UNIQUE,
      secret bytea NOT NULL,
      -- Time step of the last accepted code (RFC 6238 §5.2): neither it nor an older one is accepted again.
      last_step bigint NOT NULL,
      created_at timestamptz NOT NULL,
      last_used_at timestamptz
    );

    CREATE TABLE passkeys (
      id uuid PRIMARY KEY,${HOLDER},
      credential_id bytea NOT NULL CONSTRAINT passkeys_credential_unique UNIQUE,
      public_key bytea NOT NULL,
      sign_count bigint NOT NULL,
      transports text[] NOT NULL,
      aaguid uuid NOT NULL,
      is_backup_eligible boolean NOT NULL,
      is_backed_up boolean NOT NULL,
      name text NOT NULL,
      created_at timestamptz NOT NULL,
      last_used_at timestamptz
    );
    CREATE INDEX passkeys_holder ON passkeys (holder_id);

    CREATE TABLE recovery_codes (
      id uuid PRIMARY KEY,${HOLDER},
      code_hash bytea NOT NULL,
      created_at timestamptz NOT NULL,
      used_at timestamptz
    );
    CREATE UNIQUE INDEX recovery_codes_holder ON recovery_codes (holder_id, code_hash);

    CREATE TABLE trusted_devices (
      id uuid PRIMARY KEY,${HOLDER},
      token_hash bytea NOT NULL UNIQUE,
      -- What the person recognizes it by: browser and system.
      name text NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      last_used_at timestamptz NOT NULL
    );
    CREATE INDEX trusted_devices_holder ON trusted_devices (holder_id);

    ALTER TABLE accounts ADD COLUMN preferred_factor text
      CHECK (preferred_factor IN ('email', 'sms', 'totp', 'passkey'));
    ALTER TABLE account_members ADD COLUMN preferred_factor text
      CHECK (preferred_factor IN ('email', 'sms', 'totp', 'passkey'));
    UPDATE accounts SET preferred_factor = 'sms' WHERE EXISTS (
      SELECT FROM phone_numbers WHERE account_id = accounts.id AND member_id IS NULL AND is_second_factor);
    UPDATE account_members SET preferred_factor = 'sms' WHERE EXISTS (
      SELECT FROM phone_numbers WHERE member_id = account_members.id AND is_second_factor);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    ALTER TABLE account_members DROP COLUMN preferred_factor;
    ALTER TABLE accounts DROP COLUMN preferred_factor;
    DROP TABLE trusted_devices, recovery_codes, passkeys, totp_credentials;
  `);
}
