import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- An application knows a person under an address of the same account, proved, and not given back.
    DELETE FROM application_emails link USING email_addresses address
      WHERE address.id = link.email_id
        AND (address.account_id <> link.account_id OR address.released_at IS NOT NULL);
    ALTER TABLE email_addresses ADD CONSTRAINT email_addresses_of_account UNIQUE (id, account_id);
    ALTER TABLE application_emails
      DROP CONSTRAINT application_emails_email_id_fkey,
      ADD CONSTRAINT application_emails_own_address FOREIGN KEY (email_id, account_id)
        REFERENCES email_addresses (id, account_id) ON DELETE CASCADE;

    CREATE FUNCTION application_emails_proved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      -- The lock: an address that is given back at this moment is seen either here or by the trigger below.
      PERFORM FROM email_addresses
        WHERE id = NEW.email_id AND account_id = NEW.account_id AND released_at IS NULL FOR SHARE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'not a proved address of this account' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER application_emails_proved BEFORE INSERT OR UPDATE ON application_emails
      FOR EACH ROW EXECUTE FUNCTION application_emails_proved();

    -- Another address, or one that is nobody's any more: where it was used, the person is asked again.
    CREATE FUNCTION email_addresses_unlink() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      DELETE FROM application_emails WHERE email_id = NEW.id;
      RETURN NULL;
    END $$;
    CREATE TRIGGER email_addresses_unlink AFTER UPDATE OF address, canonical, released_at ON email_addresses
      FOR EACH ROW WHEN (
        OLD.address <> NEW.address OR OLD.canonical <> NEW.canonical OR NEW.released_at IS NOT NULL)
      EXECUTE FUNCTION email_addresses_unlink();

    -- When a person last opened an application, within an hour: the order of the portal.
    CREATE TABLE application_uses (
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      client_id text NOT NULL REFERENCES applications ON DELETE CASCADE,
      last_used_at timestamptz NOT NULL,
      PRIMARY KEY (account_id, client_id)
    );
    CREATE INDEX application_uses_client ON application_uses (client_id);

    ALTER TABLE applications
      -- OpenID Connect Core §4.
      ADD COLUMN initiate_login_uri text,
      -- Who may enter; NULL is everybody.
      ADD COLUMN allowed_professions text[],
      ADD COLUMN allowed_kinds text[] CHECK (allowed_kinds <@ ARRAY['professional', 'secretary', 'shared']),
      ADD COLUMN tile_when_refused text NOT NULL DEFAULT 'hidden'
        CHECK (tile_when_refused IN ('hidden', 'explained'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    ALTER TABLE applications
      DROP COLUMN tile_when_refused,
      DROP COLUMN allowed_kinds,
      DROP COLUMN allowed_professions,
      DROP COLUMN initiate_login_uri;
    DROP TABLE application_uses;
    DROP TRIGGER email_addresses_unlink ON email_addresses;
    DROP TRIGGER application_emails_proved ON application_emails;
    DROP FUNCTION email_addresses_unlink, application_emails_proved;
    ALTER TABLE application_emails
      DROP CONSTRAINT application_emails_own_address,
      ADD CONSTRAINT application_emails_email_id_fkey FOREIGN KEY (email_id)
        REFERENCES email_addresses ON DELETE CASCADE;
    ALTER TABLE email_addresses DROP CONSTRAINT email_addresses_of_account;
  `);
}
