import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- One row for each of directory_people. Small, and apart from them, so that reading or writing all of it costs little.
    CREATE TABLE directory_people_lines (
      national_id text COLLATE "C" NOT NULL,
      -- Digest of the lines that the person was read from, unless these stood apart: the same lines say nothing new.
      lines uuid
    );
    INSERT INTO directory_people_lines (national_id) SELECT national_id FROM directory_people;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE directory_people_lines');
}
