import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE TABLE directory_imports (
      id uuid PRIMARY KEY,
      kind text NOT NULL,
      file_name text NOT NULL,
      -- Of the file as it is stored; unknown when it was not read to its end.
      sha256 text,
      started_at timestamptz NOT NULL,
      finished_at timestamptz,
      outcome text NOT NULL CHECK (outcome IN ('running', 'imported', 'refused', 'failed', 'interrupted')),
      rows_read bigint,
      added bigint,
      changed bigint,
      gone bigint,
      unchanged bigint,
      rejected bigint,
      -- The first rejected lines: [{ "line", "reason" }].
      rejections jsonb,
      -- Why it was refused or failed, in one line.
      detail text
    );
    CREATE INDEX directory_imports_kind ON directory_imports (kind, started_at);

    -- Who is gone from the file is gone from here: nothing refers to these tables. The "C" order serves prefixes.
    CREATE TABLE directory_people (
      -- IDNPS (TRE_G08).
      national_id text COLLATE "C" NOT NULL CONSTRAINT directory_people_pkey PRIMARY KEY,
      identifier_type text NOT NULL,
      identifier text COLLATE "C" NOT NULL,
      civilite_code text,
      -- One element per profession and category, with its skills and activities; read whole, never searched.
      exercises json NOT NULL,
      -- Of everything above, so that an import writes only who changed.
      digest bytea NOT NULL
    );

    CREATE TABLE directory_structures (
      -- IDNST, or a digest of the content where the file gives none.
      id text COLLATE "C" NOT NULL CONSTRAINT directory_structures_pkey PRIMARY KEY,
      finess_site text,
      finess_legal_entity text,
      siret text,
      name text,
      trade_name text,
      address_lines text,
      postal_code text,
      commune_code text,
      commune text,
      department_code text,
      country_code text
    );
    CREATE INDEX directory_structures_finess ON directory_structures (finess_site) WHERE finess_site IS NOT NULL;

    -- Folded words: a row per form of the family name and town of the person.
    CREATE TABLE directory_search_keys (
      national_id text COLLATE "C" NOT NULL,
      family text COLLATE "C" NOT NULL,
      given text COLLATE "C" NOT NULL,
      town text COLLATE "C" NOT NULL
    );
    CREATE INDEX directory_search_family ON directory_search_keys ((family || ' ' || given));
    CREATE INDEX directory_search_given ON directory_search_keys ((given || ' ' || family));
    CREATE INDEX directory_search_town ON directory_search_keys ((town || ' ' || family || ' ' || given))
      WHERE town <> '';

    -- Every word of the keys, for typing errors; may hold words that nobody bears any more.
    CREATE TABLE directory_words (
      word text COLLATE "C" NOT NULL CONSTRAINT directory_words_pkey PRIMARY KEY
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP TABLE directory_words, directory_search_keys, directory_structures, directory_people, directory_imports
  `);
}
