import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    CREATE TABLE ordinal_register (
      rpps text PRIMARY KEY CHECK (rpps ~ '^[0-9]{11}$'),
      family_name text NOT NULL,
      given_name text NOT NULL,
      civilite_code text,
      civilite_exercice_code text,
      profession_code text NOT NULL,
      birthdate date NOT NULL,
      phone text,
      email text,
      ended_on date
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TABLE ordinal_register');
}
