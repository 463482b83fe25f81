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

    -- Types of their own: a function that answers rows of a table waits for the locks of that table.
    CREATE TYPE directory_key AS (national_id text, family text, given text, town text);
    CREATE TYPE directory_person AS (
      national_id text, identifier_type text, identifier text, civilite_code text, exercises json
    );

    -- Who is found under the first words of each of prefixes, in the order of names. In functions, so that the plans are
    -- made once for each connection.
    CREATE FUNCTION directory_candidates(prefixes text[], wanted integer)
      RETURNS SETOF directory_key LANGUAGE plpgsql STABLE
      SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    DECLARE
      first text;
      past text;
    BEGIN
      -- Until the first import is over, it holds a lock on every other table.
      IF NOT EXISTS (SELECT FROM directory_imports WHERE kind = 'rpps' AND outcome = 'imported') THEN
        RETURN;
      END IF;
      FOREACH first IN ARRAY prefixes LOOP
        past := first || chr(1114111);
        RETURN QUERY SELECT k.* FROM directory_search_keys k
          WHERE k.family || ' ' || k.given >= first AND k.family || ' ' || k.given < past
          ORDER BY k.family || ' ' || k.given LIMIT wanted;
        RETURN QUERY SELECT k.* FROM directory_search_keys k
          WHERE k.given || ' ' || k.family >= first AND k.given || ' ' || k.family < past
          ORDER BY k.given || ' ' || k.family LIMIT wanted;
        RETURN QUERY SELECT k.* FROM directory_search_keys k
          WHERE k.town || ' ' || k.family || ' ' || k.given >= first
            AND k.town || ' ' || k.family || ' ' || k.given < past AND k.town <> ''
          ORDER BY k.town || ' ' || k.family || ' ' || k.given LIMIT wanted;
      END LOOP;
    END $$;

    CREATE FUNCTION directory_people_among(ids text[]) RETURNS SETOF directory_person LANGUAGE plpgsql STABLE
      SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
    BEGIN
      RETURN QUERY SELECT p.national_id, p.identifier_type, p.identifier, p.civilite_code, p.exercises FROM directory_people p WHERE p.national_id = ANY (ids);
    END $$;

    -- RPPS numbers that begin with digits: the national identifier is 8 and the number (TRE_G08).
    CREATE FUNCTION directory_people_numbered(digits text, wanted integer)
      RETURNS SETOF directory_person LANGUAGE plpgsql STABLE
      SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM directory_imports WHERE kind = 'rpps' AND outcome = 'imported') THEN
        RETURN;
      END IF;
      RETURN QUERY SELECT p.national_id, p.identifier_type, p.identifier, p.civilite_code, p.exercises FROM directory_people p
        WHERE p.national_id >= '8' || digits AND p.national_id < '8' || digits || ':' AND p.identifier_type = '8'
        ORDER BY p.national_id LIMIT wanted;
    END $$;

    -- Who is found under a word beginning with part, then rest: the same, for two words that are both unfinished.
    CREATE FUNCTION directory_completions(part text, rest text, tried integer, wanted integer)
      RETURNS SETOF directory_key LANGUAGE plpgsql STABLE
      SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
      SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
      RETURN QUERY SELECT k.* FROM (
          SELECT w.word || ' ' || rest AS first FROM directory_words w
           WHERE w.word >= part AND w.word < part || chr(1114111) ORDER BY w.word LIMIT tried) w,
        LATERAL (
          SELECT k.* FROM directory_search_keys k
           WHERE k.family || ' ' || k.given >= w.first AND k.family || ' ' || k.given < w.first || chr(1114111)
           ORDER BY k.family || ' ' || k.given LIMIT wanted) k
        LIMIT wanted;
      RETURN QUERY SELECT k.* FROM (
          SELECT w.word || ' ' || rest AS first FROM directory_words w
           WHERE w.word >= part AND w.word < part || chr(1114111) ORDER BY w.word LIMIT tried) w,
        LATERAL (
          SELECT k.* FROM directory_search_keys k
           WHERE k.given || ' ' || k.family >= w.first AND k.given || ' ' || k.family < w.first || chr(1114111)
           ORDER BY k.given || ' ' || k.family LIMIT wanted) k
        LIMIT wanted;
      RETURN QUERY SELECT k.* FROM (
          SELECT w.word || ' ' || rest AS first FROM directory_words w
           WHERE w.word >= part AND w.word < part || chr(1114111) ORDER BY w.word LIMIT tried) w,
        LATERAL (
          SELECT k.* FROM directory_search_keys k
           WHERE k.town || ' ' || k.family || ' ' || k.given >= w.first AND k.town || ' ' || k.family || ' ' || k.given < w.first || chr(1114111) AND k.town <> ''
           ORDER BY k.town || ' ' || k.family || ' ' || k.given LIMIT wanted) k
        LIMIT wanted;
    END $$;

    -- Among the first read people of a town, those with a given name beginning so.
    CREATE FUNCTION directory_in_town(place text, first_name text, read integer, wanted integer)
      RETURNS SETOF directory_key LANGUAGE plpgsql STABLE
      SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    BEGIN
      RETURN QUERY SELECT r.* FROM (
          SELECT k.* FROM directory_search_keys k
           WHERE k.town || ' ' || k.family || ' ' || k.given >= place
             AND k.town || ' ' || k.family || ' ' || k.given < place || chr(1114111) AND k.town <> ''
           ORDER BY k.town || ' ' || k.family || ' ' || k.given LIMIT read) r
        WHERE starts_with(r.given, first_name) LIMIT wanted;
    END $$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP FUNCTION directory_candidates, directory_people_among, directory_people_numbered, directory_completions,
      directory_in_town;
    DROP TYPE directory_key, directory_person;
    DROP TABLE directory_words, directory_search_keys, directory_structures, directory_people, directory_imports
  `);
}
