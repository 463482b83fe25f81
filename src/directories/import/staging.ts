/** The staging tables of an import: made anew by each, dropped at its end, or by the sweep after one that was killed. */
import type pg from 'pg';
import type { Db } from '../../lib/database.ts';
import type { ImportDefinition, ImportKind } from './types.ts';

const tablesOf = ({ staging, prepared }: ImportDefinition) => ({ ...staging, ...prepared });

/** Held by the connection of an import of this kind as long as it runs, and by nobody after, however it ended. */
export async function lockImports(connection: pg.ClientBase, kind: ImportKind): Promise<boolean> {
  const { rows } = await connection.query(
    `SELECT pg_try_advisory_lock(hashtext('caducee/import'), hashtext($1)) AS locked`,
    [kind],
  );
  return rows[0].locked;
}

/** @param isFirst has the tables made to stay that the definition names so. */
export async function createStaging(
  connection: pg.ClientBase,
  definition: ImportDefinition,
  isFirst: boolean,
): Promise<void> {
  await dropStaging(connection, definition);
  for (const [table, columns] of Object.entries(tablesOf(definition))) {
    const kind = isFirst && definition.direct?.includes(table) ? '' : 'UNLOGGED';
    const content =
      typeof columns === 'string' ? columns : `LIKE ${columns.like} INCLUDING ALL EXCLUDING INDEXES`;
    await connection.query(`CREATE ${kind} TABLE ${table} (${content}) WITH (autovacuum_enabled = false)`);
  }
}

export async function dropStaging(connection: pg.ClientBase, definition: ImportDefinition): Promise<void> {
  await connection.query(dropping(definition));
}

/** All that an import may leave. */
const namesOf = (definition: ImportDefinition): string[] => [
  ...Object.keys(tablesOf(definition)),
  ...(definition.scratch ?? []),
];

const dropping = (definition: ImportDefinition): string =>
  `DROP TABLE IF EXISTS ${namesOf(definition).join(', ')}`;

/** Drops what killed imports of this kind left, which may be personal data, unless one is running. */
export async function sweepStaging(db: Db, definition: ImportDefinition): Promise<void> {
  const { rows } = await db.raw(
    'SELECT EXISTS (SELECT FROM unnest(?::text[]) AS name WHERE to_regclass(name) IS NOT NULL) AS some',
    [namesOf(definition)],
  );
  // An import that starts just now would take our lock for another's.
  if (!rows[0].some) return;
  await db.transaction(async (trx) => {
    const lock = await trx.raw(
      `SELECT pg_try_advisory_xact_lock(hashtext('caducee/import'), hashtext(?)) AS locked`,
      [definition.kind],
    );
    if (lock.rows[0].locked) await trx.raw(dropping(definition));
  });
}
