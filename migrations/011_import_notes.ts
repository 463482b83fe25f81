import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- notes: counts and facts of one register, by name.
    ALTER TABLE directory_imports ADD COLUMN encoding text, ADD COLUMN notes jsonb;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('ALTER TABLE directory_imports DROP COLUMN encoding, DROP COLUMN notes');
}
