import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- Least authentication context class at which an application lets anybody in.
    ALTER TABLE applications ADD COLUMN minimum_acr text CHECK (
      minimum_acr IN ('urn:caducee:acr:2sv-email', 'urn:caducee:acr:2fa', 'urn:caducee:acr:2fa-phr'));
    -- The person takes no more codes by e-mail while they have a second factor.
    ALTER TABLE accounts ADD COLUMN refuses_email_code boolean NOT NULL DEFAULT false;
    ALTER TABLE account_members ADD COLUMN refuses_email_code boolean NOT NULL DEFAULT false;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    ALTER TABLE account_members DROP COLUMN refuses_email_code;
    ALTER TABLE accounts DROP COLUMN refuses_email_code;
    ALTER TABLE applications DROP COLUMN minimum_acr;
  `);
}
