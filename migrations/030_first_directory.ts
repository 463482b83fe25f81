import type { Knex } from 'knex';

const functions = (exercises: string) => `
    CREATE OR REPLACE FUNCTION directory_people_among(ids text[]) RETURNS SETOF directory_person LANGUAGE plpgsql STABLE
      SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
    BEGIN
      RETURN QUERY SELECT p.national_id, p.identifier_type, p.identifier, p.civilite_code, ${exercises}
        FROM directory_people p WHERE p.national_id = ANY (ids);
    END $$;

    CREATE OR REPLACE FUNCTION directory_people_numbered(digits text, wanted integer)
      RETURNS SETOF directory_person LANGUAGE plpgsql STABLE
      SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM directory_imports WHERE kind = 'rpps' AND outcome = 'imported') THEN
        RETURN;
      END IF;
      RETURN QUERY SELECT p.national_id, p.identifier_type, p.identifier, p.civilite_code, ${exercises}
        FROM directory_people p
        WHERE p.national_id >= '8' || digits AND p.national_id < '8' || digits || ':' AND p.identifier_type = '8'
        ORDER BY p.national_id LIMIT wanted;
    END $$;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- JSON, as text: an import writes a million of them, and each is checked when it is read.
    ALTER TABLE directory_people ALTER COLUMN exercises TYPE text;
    -- Who is to be written anew is told by the columns themselves, and by how they were made.
    ALTER TABLE directory_people DROP COLUMN digest, ADD COLUMN layout smallint NOT NULL DEFAULT 1;
    ${functions('p.exercises::json')}
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    ALTER TABLE directory_people ALTER COLUMN exercises TYPE json USING exercises::json;
    -- With no digest like theirs, everybody is written anew when other lines of theirs come.
    ALTER TABLE directory_people DROP COLUMN layout, ADD COLUMN digest bytea NOT NULL DEFAULT '';
    ALTER TABLE directory_people ALTER COLUMN digest DROP DEFAULT;
    ${functions('p.exercises')}
  `);
}
