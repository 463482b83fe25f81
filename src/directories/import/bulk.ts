/** Loading an empty table: its indexes are built once it is full, which is many times faster. */
import type { Db } from '../../lib/database.ts';

export interface IndexDefinition {
  readonly table: string;
  readonly name: string;
  /** Of the constraint behind the index, if any. */
  readonly constraint: string | null;
  /** The statement that makes it. */
  readonly index: string;
}

export async function indexesOf(db: Db, tables: readonly string[]): Promise<IndexDefinition[]> {
  const { rows } = await db.raw(
    `SELECT i.indrelid::regclass::text AS "table", c.relname AS name,
            pg_get_constraintdef(k.oid) AS "constraint", pg_get_indexdef(i.indexrelid) AS index
       FROM pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid
       LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
      WHERE i.indrelid = ANY (SELECT unnest(?::text[])::regclass)
      ORDER BY 1, 2`,
    [[...tables]],
  );
  return rows;
}

/**
 * Takes the indexes of `tables` away, does `work`, makes them again. Until the transaction ends nobody reads the tables:
 * for tables that hold nothing yet.
 *
 * @param only names of the indexes to take away; all of them by default.
 */
export async function withoutIndexes<T>(
  db: Db,
  tables: readonly string[],
  work: () => Promise<T>,
  only?: readonly string[],
): Promise<T> {
  const indexes = (await indexesOf(db, tables)).filter(({ name }) => !only || only.includes(name));
  for (const { table, name, constraint } of indexes) {
    await db.raw(constraint ? `ALTER TABLE ${table} DROP CONSTRAINT ${name}` : `DROP INDEX ${name}`);
  }
  const result = await work();
  for (const { table, name, constraint, index } of indexes) {
    await db.raw(constraint ? `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${constraint}` : index);
  }
  return result;
}
