import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- Who is to be written anew is told by the columns themselves, and by how they were made.
    ALTER TABLE directory_people DROP COLUMN digest, ADD COLUMN layout smallint NOT NULL DEFAULT 1;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- With no digest like theirs, everybody is written anew when their lines come again.
    ALTER TABLE directory_people DROP COLUMN layout, ADD COLUMN digest bytea NOT NULL DEFAULT '';
    ALTER TABLE directory_people ALTER COLUMN digest DROP DEFAULT;
  `);
}
