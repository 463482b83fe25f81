import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- What a person reads of their sessions: the engine's own rows are sealed. A row without its oidc_sessions is of a
    -- session that ended.
    CREATE TABLE browser_sessions (
      uid_hash bytea PRIMARY KEY,
      -- What addresses and forms name it by.
      id uuid NOT NULL UNIQUE,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      member_id uuid REFERENCES account_members ON DELETE CASCADE,
      holder_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(member_id, account_id)) STORED,
      source text NOT NULL,
      device_name text NOT NULL,
      acr text,
      amr text[] NOT NULL,
      signed_in_at timestamptz NOT NULL,
      last_seen_at timestamptz NOT NULL
    );
    CREATE INDEX browser_sessions_holder ON browser_sessions (holder_id);

    -- Which applications were opened in a session, and by what each knows it. Two tabs that open one application at once
    -- may give it two names.
    CREATE TABLE session_applications (
      uid_hash bytea NOT NULL,
      client_id text NOT NULL,
      sid text NOT NULL,
      grant_hash bytea NOT NULL,
      account_id uuid NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (uid_hash, client_id, sid, grant_hash)
    );
    CREATE INDEX session_applications_grant ON session_applications (grant_hash);

    -- Logout tokens to send: application, and which of its sessions ended. A row goes when the application took it.
    CREATE TABLE logout_notices (
      client_id text NOT NULL,
      sid text NOT NULL,
      account_id uuid NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      attempts integer NOT NULL DEFAULT 0,
      next_attempt_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (client_id, sid)
    );
    CREATE INDEX logout_notices_due ON logout_notices (next_attempt_at);

    -- What a member of a shared account did, and what was done about them.
    CREATE INDEX journal_actor ON journal (actor, seq) WHERE actor IS NOT NULL;
    CREATE INDEX journal_member ON journal ((entry::jsonb -> 'details' ->> 'member'), seq)
      WHERE entry::jsonb -> 'details' ->> 'member' IS NOT NULL;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP INDEX journal_member, journal_actor;
    DROP TABLE logout_notices, session_applications, browser_sessions;
  `);
}
