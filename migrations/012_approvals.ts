import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- What a person asks and an administrator decides.
    CREATE TABLE approvals (
      id uuid PRIMARY KEY,
      kind text NOT NULL CHECK (kind IN ('sign-up', 'profile-change')),
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      -- Of the person, for the mails that follow.
      lang text NOT NULL CHECK (lang IN ('fr', 'en')),
      -- What the person declared.
      proposed jsonb NOT NULL,
      -- SHA-256 of the account data that it was made from.
      original_hash bytea NOT NULL,
      identity_proof text NOT NULL,
      created_at timestamptz NOT NULL,
      alarmed_at timestamptz,
      decided_at timestamptz,
      decided_by uuid REFERENCES accounts ON DELETE SET NULL,
      decision text CHECK (decision IN ('approved', 'refused', 'withdrawn')),
      -- For the person.
      reason text,
      -- For colleagues.
      note text,
      CHECK ((decided_at IS NULL) = (decision IS NULL)),
      CHECK (decision <> 'refused' OR reason IS NOT NULL)
    );
    CREATE UNIQUE INDEX approvals_one_pending ON approvals (account_id, kind) WHERE decided_at IS NULL;
    CREATE INDEX approvals_pending ON approvals (created_at, id) WHERE decided_at IS NULL;
    CREATE INDEX approvals_account ON approvals (account_id);
    CREATE INDEX approvals_decided_by ON approvals (decided_by) WHERE decided_by IS NOT NULL;

    -- Days whose digest is settled: whoever writes the row sends it.
    CREATE TABLE administrator_digests (
      day date PRIMARY KEY,
      settled_at timestamptz NOT NULL
    );

    -- An account that ended gives its addresses back, and still says which they were.
    ALTER TABLE email_addresses ADD COLUMN released_at timestamptz;
    ALTER TABLE email_addresses DROP CONSTRAINT email_addresses_canonical_unique;
    CREATE UNIQUE INDEX email_addresses_canonical_unique ON email_addresses (canonical) WHERE released_at IS NULL;
    CREATE INDEX email_addresses_canonical ON email_addresses (canonical);

    -- Case, accents, ligatures and punctuation do not tell two names apart.
    CREATE FUNCTION folded_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT btrim(regexp_replace(
        lower(regexp_replace(
          replace(replace(replace(replace(normalize(name, NFKD), 'œ', 'oe'), 'Œ', 'oe'), 'æ', 'ae'), 'Æ', 'ae'),
          '[\\u0300-\\u036f]', '', 'g')),
        '[^a-z0-9]+', ' ', 'g'))
    $$;
    -- Those of ended accounts too.
    CREATE INDEX accounts_rpps ON accounts (rpps) WHERE rpps IS NOT NULL;
    CREATE INDEX accounts_folded_name ON accounts (folded_name(family_name), folded_name(given_name));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP INDEX accounts_folded_name, accounts_rpps;
    DROP FUNCTION folded_name;
    -- Two rows of one address cannot both stay: the account that ended loses its own.
    DELETE FROM email_addresses WHERE released_at IS NOT NULL;
    DROP INDEX email_addresses_canonical, email_addresses_canonical_unique;
    ALTER TABLE email_addresses
      ADD CONSTRAINT email_addresses_canonical_unique UNIQUE (canonical),
      DROP COLUMN released_at;
    DROP TABLE administrator_digests, approvals;
  `);
}
