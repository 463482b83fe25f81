import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- The unique indexes say « at most one » starred address and one that signs in; this says « at least one », at the end
    -- of the transaction, so that a star may move.
    CREATE FUNCTION email_addresses_stay_whole() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      owner accounts%ROWTYPE;
      stars integer;
      sign_ins integer;
    BEGIN
      -- The lock: two transactions that each take another address away are seen one after the other.
      SELECT * INTO owner FROM accounts WHERE id = OLD.account_id FOR NO KEY UPDATE;
      IF NOT FOUND OR owner.state IN ('refused', 'closed') THEN
        RETURN NULL;
      END IF;
      SELECT count(*) FILTER (WHERE is_notification), count(*) FILTER (WHERE is_sign_in)
        INTO stars, sign_ins FROM email_addresses WHERE account_id = OLD.account_id;
      IF stars <> 1 OR sign_ins <> (CASE WHEN owner.kind = 'shared' THEN 0 ELSE 1 END) THEN
        RAISE EXCEPTION 'an account keeps one starred address, and one that signs in' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER email_addresses_stay_whole
      AFTER DELETE OR UPDATE OF account_id, is_notification, is_sign_in ON email_addresses
      DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION email_addresses_stay_whole();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP TRIGGER email_addresses_stay_whole ON email_addresses;
    DROP FUNCTION email_addresses_stay_whole;
  `);
}
