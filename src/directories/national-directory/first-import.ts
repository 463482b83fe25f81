/**
 * The first national directory: what was staged becomes the directory itself. People and keys are written once, and
 * nobody reads them before the transaction that puts their tables in the place of the empty ones.
 */
import type { Db } from '../../lib/database.ts';
import { indexesOf, withoutIndexes } from '../import/bulk.ts';
import type { ApplyContext, ImportCounts } from '../import/types.ts';
import { STRUCTURE_COLUMNS } from './structures.ts';
import { DIRECT, KEYS_STAGE, LINES_STAGE, PEOPLE_STAGE, STAGED_STRUCTURES, WORDS_STAGE } from './tables.ts';

/** Index builds at a time; the transaction writes workplaces meanwhile. */
const BUILDS_AT_ONCE = 2;

const nextOf = (name: string): string => `${name}_next`;

/** Gives the staged tables the indexes of those whose place they will take. */
export async function indexFirst(db: Db): Promise<void> {
  const builds: string[] = [];
  for (const [stage, table] of Object.entries(DIRECT)) {
    for (const { name, constraint, index } of await indexesOf(db, [table])) {
      builds.push(
        constraint
          ? `ALTER TABLE ${stage} ADD CONSTRAINT ${nextOf(name)} ${constraint}`
          : index.replace(/ INDEX \S+ ON \S+ /, ` INDEX ${nextOf(name)} ON ${stage} `),
      );
    }
  }
  const build = async () => {
    for (let next = builds.shift(); next !== undefined; next = builds.shift()) await db.raw(next);
  };
  await Promise.all(Array.from({ length: BUILDS_AT_ONCE }, build));
  await db.raw(`ANALYZE ${PEOPLE_STAGE}, ${KEYS_STAGE}`);
}

/** Structures and words. */
export async function fillFirst(db: Db, { beside }: ApplyContext): Promise<ImportCounts> {
  const tables = ['directory_structures', 'directory_words'];
  await withoutIndexes(db, tables, async () => {
    // Left by a directory whose last person went.
    for (const table of tables) await db.raw(`DELETE FROM ${table}`);
    await db.raw(`INSERT INTO directory_words (word) SELECT DISTINCT word FROM ${WORDS_STAGE}`);
    await db.raw(`INSERT INTO directory_structures (${STRUCTURE_COLUMNS.join(', ')}) ${STAGED_STRUCTURES}`);
  });
  await db.raw(`ANALYZE ${tables.join(', ')}`);
  // Not in the transaction: whoever indexes the table would wait for its end, and it for them.
  const { rows } = await beside.raw(`SELECT count(*) AS count FROM ${LINES_STAGE}`);
  return { added: rows[0].count, changed: 0, gone: 0, unchanged: 0 };
}

/** Puts the staged tables, with their indexes, in the place of the empty ones. */
export async function keepFirst(db: Db): Promise<void> {
  for (const [stage, table] of Object.entries(DIRECT)) {
    const indexes = await indexesOf(db, [table]);
    const { rows: grants } = await db.raw(
      `SELECT format('GRANT %s ON ${stage} TO %s', a.privilege_type,
                     CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS sql
         FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = '${table}'::regclass AND a.grantee <> c.relowner`,
    );
    for (const { sql } of grants) await db.raw(sql);
    await db.raw(`DROP TABLE ${table}`);
    await db.raw(`ALTER TABLE ${stage} RENAME TO ${table}`);
    await db.raw(`ALTER TABLE ${table} RESET (autovacuum_enabled)`);
    for (const { name } of indexes) await db.raw(`ALTER INDEX ${nextOf(name)} RENAME TO ${name}`);
  }
}
