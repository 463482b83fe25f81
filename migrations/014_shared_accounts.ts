import type { Knex } from 'knex';

/**
 * A node of the release before never finds a shared account, because no address of one is marked `is_sign_in`: while both
 * releases run, it signs nobody in to one and gives no claim of one.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    ALTER TABLE accounts
      ADD COLUMN title text,
      ADD COLUMN responsible_account_id uuid REFERENCES accounts ON DELETE SET NULL,
      ALTER COLUMN family_name DROP NOT NULL,
      ALTER COLUMN given_name DROP NOT NULL;
    UPDATE email_addresses SET is_sign_in = false
      WHERE account_id IN (SELECT id FROM accounts WHERE kind = 'shared');
    UPDATE accounts SET
        title = trim(given_name || ' ' || family_name), family_name = NULL, given_name = NULL, password_hash = NULL,
        rpps = NULL, profession_code = NULL, civilite_code = NULL, civilite_exercice_code = NULL,
        identity_proof = 'declared'
      WHERE kind = 'shared';
    DELETE FROM account_roles WHERE account_id IN (SELECT id FROM accounts WHERE kind = 'shared');
    ALTER TABLE accounts
      ADD CONSTRAINT accounts_person_or_title CHECK (
        CASE WHEN kind = 'shared'
          THEN title IS NOT NULL AND num_nonnulls(family_name, given_name, civilite_code, civilite_exercice_code) = 0
          ELSE title IS NULL AND responsible_account_id IS NULL
            AND family_name IS NOT NULL AND given_name IS NOT NULL
        END),
      -- No professional identity, and no secret of its own: its members sign in.
      ADD CONSTRAINT accounts_shared_is_nobody CHECK (
        kind <> 'shared' OR (num_nonnulls(rpps, profession_code, password_hash) = 0 AND identity_proof = 'declared'));
    CREATE INDEX accounts_responsible ON accounts (responsible_account_id) WHERE responsible_account_id IS NOT NULL;

    CREATE FUNCTION accounts_kind_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (OLD.kind = 'shared') <> (NEW.kind = 'shared') THEN
        RAISE EXCEPTION 'an account neither becomes shared nor stops being so' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER accounts_kind_stays BEFORE UPDATE OF kind ON accounts
      FOR EACH ROW EXECUTE FUNCTION accounts_kind_stays();

    CREATE FUNCTION accounts_responsible_is_professional() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM accounts WHERE id = NEW.responsible_account_id AND kind = 'professional') THEN
        RAISE EXCEPTION 'a professional answers for a shared account' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER accounts_responsible_is_professional BEFORE INSERT OR UPDATE OF responsible_account_id ON accounts
      FOR EACH ROW WHEN (NEW.responsible_account_id IS NOT NULL)
      EXECUTE FUNCTION accounts_responsible_is_professional();

    -- For every table whose rows a shared account must not have (roles, cards, linked identities): they name the account
    -- in a column account_id.
    CREATE FUNCTION refuse_shared_account() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM accounts WHERE id = NEW.account_id AND kind = 'shared') THEN
        RAISE EXCEPTION 'a shared account has no row in %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER account_roles_not_shared BEFORE INSERT OR UPDATE ON account_roles
      FOR EACH ROW EXECUTE FUNCTION refuse_shared_account();
    -- Nobody signs in as the account itself.
    CREATE TRIGGER email_addresses_sign_in_not_shared BEFORE INSERT OR UPDATE ON email_addresses
      FOR EACH ROW WHEN (NEW.is_sign_in) EXECUTE FUNCTION refuse_shared_account();

    CREATE TABLE account_members (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'ended')),
      civilite_code text,
      family_name text NOT NULL,
      given_name text NOT NULL,
      password_hash text,
      terms_version text NOT NULL,
      terms_accepted_at timestamptz NOT NULL,
      created_at timestamptz NOT NULL,
      ended_at timestamptz,
      UNIQUE (id, account_id),
      CONSTRAINT account_members_secret_while_active CHECK ((state = 'active') = (password_hash IS NOT NULL)),
      CONSTRAINT account_members_end CHECK ((state = 'ended') = (ended_at IS NOT NULL))
    );
    CREATE INDEX account_members_account ON account_members (account_id);

    CREATE FUNCTION account_members_of_shared() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM accounts WHERE id = NEW.account_id AND kind = 'shared') THEN
        RAISE EXCEPTION 'only a shared account has members' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER account_members_of_shared BEFORE INSERT OR UPDATE OF account_id ON account_members
      FOR EACH ROW EXECUTE FUNCTION account_members_of_shared();

    -- A member's own address, with which they sign in; the account's other addresses name no member.
    ALTER TABLE email_addresses
      ADD COLUMN member_id uuid,
      ADD FOREIGN KEY (member_id, account_id) REFERENCES account_members (id, account_id) ON DELETE CASCADE;
    CREATE UNIQUE INDEX email_addresses_one_per_member ON email_addresses (member_id) WHERE member_id IS NOT NULL;

    ALTER TABLE phone_numbers
      ADD COLUMN member_id uuid,
      ADD FOREIGN KEY (member_id, account_id) REFERENCES account_members (id, account_id) ON DELETE CASCADE,
      DROP CONSTRAINT phone_numbers_account_id_number_key,
      -- Two members may answer the same telephone.
      ADD CONSTRAINT phone_numbers_once UNIQUE NULLS NOT DISTINCT (account_id, member_id, number);
    CREATE INDEX phone_numbers_member ON phone_numbers (member_id) WHERE member_id IS NOT NULL;

    -- Which member stands behind a session or a grant of the engine, by the engine's own digest of it.
    CREATE TABLE acting_members (
      of_hash bytea PRIMARY KEY,
      member_id uuid NOT NULL REFERENCES account_members ON DELETE CASCADE,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX acting_members_member ON acting_members (member_id);
  `);
}

/** Shared accounts stay, suspended and without their members: they sign nobody in until this runs forward again. */
export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP TABLE acting_members;
    DELETE FROM phone_numbers WHERE member_id IS NOT NULL;
    ALTER TABLE phone_numbers
      DROP CONSTRAINT phone_numbers_once,
      DROP COLUMN member_id,
      ADD CONSTRAINT phone_numbers_account_id_number_key UNIQUE (account_id, number);
    ALTER TABLE email_addresses DROP COLUMN member_id;
    DROP TABLE account_members;
    DROP TRIGGER email_addresses_sign_in_not_shared ON email_addresses;
    DROP TRIGGER account_roles_not_shared ON account_roles;
    DROP TRIGGER accounts_responsible_is_professional ON accounts;
    DROP TRIGGER accounts_kind_stays ON accounts;
    DROP FUNCTION account_members_of_shared, refuse_shared_account, accounts_responsible_is_professional,
      accounts_kind_stays;
    ALTER TABLE accounts
      DROP CONSTRAINT accounts_person_or_title,
      DROP CONSTRAINT accounts_shared_is_nobody;
    UPDATE accounts SET family_name = title, given_name = '',
        state = CASE WHEN state = 'active' THEN 'suspended' ELSE state END
      WHERE kind = 'shared';
    ALTER TABLE accounts
      DROP COLUMN title,
      DROP COLUMN responsible_account_id,
      ALTER COLUMN family_name SET NOT NULL,
      ALTER COLUMN given_name SET NOT NULL;
  `);
}
