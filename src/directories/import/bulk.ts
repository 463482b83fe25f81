/** Loading an empty table: its indexes are built once it is full, which is many times faster. */
import type { Db } from '../../lib/database.ts';

interface Definition {
  readonly table: string;
  readonly name: string;
  /** Of the constraint behind the index, if any. */
  readonly constraint: string | null;
  readonly index: string;
}

/**
 * Takes the indexes of `tables` away, does `work`, makes them again. Until the transaction ends nobody reads the tables:
 * for tables that hold nothing yet.
 */
export async function withoutIndexes(
  db: Db,
  tables: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const { rows }: { rows: Definition[] } = await db.raw(
    `SELECT i.indrelid::regclass::text AS "table", c.relname AS name,
            pg_get_constraintdef(k.oid) AS "constraint", pg_get_indexdef(i.indexrelid) AS index
       FROM pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid
       LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
      WHERE i.indrelid = ANY (SELECT unnest(?::text[])::regclass)
      ORDER BY 1, 2`,
    [[...tables]],
  );
  for (const { table, name, constraint } of rows) {
    await db.raw(constraint ? `ALTER TABLE ${table} DROP CONSTRAINT ${name}` : `DROP INDEX ${name}`);
  }
  await work();
  for (const { table, name, constraint, index } of rows) {
    await db.raw(constraint ? `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${constraint}` : index);
  }
}
