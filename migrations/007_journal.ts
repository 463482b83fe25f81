import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    -- hash = SHA-256(previous hash || seq in decimal || newline || entry). The columns after it are read out of the entry,
    -- so they cannot be made to say something else.
    CREATE TABLE journal (
      seq bigint PRIMARY KEY,
      entry text NOT NULL,
      previous_hash bytea NOT NULL,
      hash bytea NOT NULL,
      at text GENERATED ALWAYS AS (entry::jsonb ->> 'at') STORED NOT NULL,
      event text GENERATED ALWAYS AS (entry::jsonb ->> 'event') STORED NOT NULL,
      actor text GENERATED ALWAYS AS (entry::jsonb ->> 'actor') STORED,
      subject text GENERATED ALWAYS AS (entry::jsonb ->> 'subject') STORED,
      outcome text GENERATED ALWAYS AS (entry::jsonb ->> 'outcome') STORED
    );
    CREATE INDEX journal_subject ON journal (subject, seq) WHERE subject IS NOT NULL;
    CREATE INDEX journal_event ON journal (event, seq);

    CREATE FUNCTION journal_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      last journal%ROWTYPE;
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('caducee/journal'));
      SELECT * INTO last FROM journal ORDER BY seq DESC LIMIT 1;
      NEW.seq := coalesce(last.seq, 0) + 1;
      NEW.previous_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
      NEW.hash := sha256(NEW.previous_hash || convert_to(NEW.seq::text || E'\\n' || NEW.entry, 'UTF8'));
      RETURN NEW;
    END $$;
    CREATE TRIGGER journal_chain BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION journal_chain();

    CREATE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'the journal is append-only';
    END $$;
    CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
      FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    DROP TABLE journal;
    DROP FUNCTION journal_chain, journal_refuse;
  `);
}
