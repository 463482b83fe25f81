import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- When administrators were told that the request had come.
    ALTER TABLE approvals ADD COLUMN announced_at timestamptz;
    UPDATE approvals SET announced_at = created_at;
    CREATE INDEX approvals_unannounced ON approvals (created_at)
      WHERE announced_at IS NULL AND decided_at IS NULL;

    -- One row: whoever moves it sends the mail.
    CREATE TABLE administrator_news (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      sent_at timestamptz
    );
    INSERT INTO administrator_news DEFAULT VALUES;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP TABLE administrator_news;
    ALTER TABLE approvals DROP COLUMN announced_at;
  `);
}
