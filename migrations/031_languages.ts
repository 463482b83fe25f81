import type { Knex } from 'knex';

/** A node of the release before reads and writes `approvals.lang`, which says nothing any more to this one. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- Language in which the person last signed up or in: of the mails that no request of theirs brings about.
    ALTER TABLE accounts
      ADD COLUMN language text NOT NULL DEFAULT 'fr'
        CONSTRAINT accounts_language_known CHECK (language IN ('fr', 'en'));
    ALTER TABLE account_members
      ADD COLUMN language text NOT NULL DEFAULT 'fr'
        CONSTRAINT account_members_language_known CHECK (language IN ('fr', 'en'));
    UPDATE accounts SET language = 'en' FROM approvals
      WHERE approvals.account_id = accounts.id AND approvals.lang = 'en';
    -- Whoever asked for a shared account is its first member.
    UPDATE account_members SET language = 'en' FROM (
        SELECT DISTINCT ON (account_members.account_id) account_members.id
        FROM account_members JOIN accounts ON accounts.id = account_members.account_id
        WHERE accounts.language = 'en'
        ORDER BY account_members.account_id, account_members.created_at, account_members.id
      ) AS first
      WHERE account_members.id = first.id;
    ALTER TABLE approvals ALTER COLUMN lang SET DEFAULT 'fr';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    UPDATE approvals SET lang = accounts.language FROM accounts WHERE accounts.id = approvals.account_id;
    ALTER TABLE approvals ALTER COLUMN lang DROP DEFAULT;
    ALTER TABLE account_members DROP COLUMN language;
    ALTER TABLE accounts DROP COLUMN language;
  `);
}
