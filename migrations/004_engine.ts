import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- One row per token, code, grant, interaction... of the engine. Identifiers are bearer values: only their digest is here.
    CREATE TABLE oidc_payloads (
      id_hash bytea PRIMARY KEY,
      model text NOT NULL,
      payload bytea NOT NULL,
      grant_hash bytea,
      account_id uuid,
      client_id text,
      user_code_hash bytea,
      expires_at timestamptz NOT NULL,
      consumed_at timestamptz
    );
    CREATE INDEX oidc_payloads_grant ON oidc_payloads (grant_hash) WHERE grant_hash IS NOT NULL;
    CREATE INDEX oidc_payloads_account ON oidc_payloads (account_id, model) WHERE account_id IS NOT NULL;
    CREATE UNIQUE INDEX oidc_payloads_user_code ON oidc_payloads (user_code_hash) WHERE user_code_hash IS NOT NULL;
    CREATE INDEX oidc_payloads_expiry ON oidc_payloads (expires_at);

    -- A browser's session. Its identifier changes at each sign-in, its uid does not; version makes a lost update visible.
    CREATE TABLE oidc_sessions (
      uid_hash bytea PRIMARY KEY,
      id_hash bytea NOT NULL CONSTRAINT oidc_sessions_id_unique UNIQUE,
      previous_id_hash bytea,
      previous_until timestamptz,
      account_id uuid,
      payload bytea NOT NULL,
      version integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX oidc_sessions_previous ON oidc_sessions (previous_id_hash) WHERE previous_id_hash IS NOT NULL;
    CREATE INDEX oidc_sessions_account ON oidc_sessions (account_id) WHERE account_id IS NOT NULL;
    CREATE INDEX oidc_sessions_expiry ON oidc_sessions (expires_at);

    CREATE TABLE signing_keys (
      kid text PRIMARY KEY,
      alg text NOT NULL,
      private_jwk bytea NOT NULL,
      created_at timestamptz NOT NULL
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE signing_keys, oidc_sessions, oidc_payloads');
}
