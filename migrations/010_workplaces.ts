import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE EXTENSION IF NOT EXISTS pg_trgm;

    CREATE TABLE workplaces (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      -- Number of the site (établissement géographique): what FINESS and the national directory both know it by.
      finess text COLLATE "C" CONSTRAINT workplaces_finess_unique UNIQUE CHECK (finess ~ '^[0-9][0-9A-Z][0-9]{7}$'),
      -- Number of the legal entity (entité juridique) that the site belongs to.
      legal_finess text CHECK (legal_finess ~ '^[0-9][0-9A-Z][0-9]{7}$'),
      -- directory_structures.id, for a place without a FINESS number.
      directory_key text COLLATE "C" CONSTRAINT workplaces_directory_key_unique UNIQUE,
      name text NOT NULL,
      -- Short or trade name: found by it too.
      other_name text,
      address text,
      postal_code text,
      town text,
      category_code text,
      category_label text,
      in_finess boolean NOT NULL DEFAULT false,
      in_directory boolean NOT NULL DEFAULT false,
      -- Neither knows it any more. Accounts may refer to it, so the row stays.
      gone boolean GENERATED ALWAYS AS (NOT in_finess AND NOT in_directory) STORED,
      -- Words of the search, see search-text.ts.
      search_text text COLLATE "C" NOT NULL,
      CHECK ((finess IS NULL) <> (directory_key IS NULL))
    );
    CREATE INDEX workplaces_search ON workplaces USING gin (search_text gin_trgm_ops) WHERE NOT gone;
    -- The "C" order gives the names that start so, the shortest match first.
    CREATE INDEX workplaces_start ON workplaces (search_text) WHERE NOT gone;

    CREATE TABLE laboratory_centres (
      id uuid PRIMARY KEY,
      name text NOT NULL CHECK (name <> ''),
      created_at timestamptz NOT NULL,
      closed_at timestamptz
    );
    CREATE UNIQUE INDEX laboratory_centres_open_name ON laboratory_centres (lower(name)) WHERE closed_at IS NULL;

    CREATE TABLE account_workplaces (
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      position smallint NOT NULL CHECK (position > 0),
      workplace_id uuid NOT NULL REFERENCES workplaces,
      centre_id uuid REFERENCES laboratory_centres,
      PRIMARY KEY (account_id, position),
      UNIQUE (account_id, workplace_id)
    );
    CREATE INDEX account_workplaces_workplace ON account_workplaces (workplace_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE account_workplaces, laboratory_centres, workplaces');
}
