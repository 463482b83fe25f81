/** Suite `search`: searches in a full-size national directory, fifty at once, for each kind of search. */
import { join } from 'node:path';
import { runImport } from '../src/directories/import/run.ts';
import { NATIONAL_DIRECTORY } from '../src/directories/national-directory/definition.ts';
import { type DirectoryQuery, searchDirectory } from '../src/directories/national-directory.ts';
import { systemClock } from '../src/lib/clock.ts';
import { type DirectoryDatabase, openDirectoryDatabase } from './directory-database.ts';
import { writeDirectoryFile } from './national-directory.ts';
import { processorSeconds } from './processes.ts';
import type { Bench, Suite } from './suite.ts';

const FULL_ROWS = 2_300_000;
const QUICK_ROWS = 100_000;
const AT_ONCE = 50;
/** As `DATABASE_POOL_MAX`, of one node. */
const CONNECTIONS = 10;

interface Sample {
  readonly family: string;
  readonly given: string;
  readonly town: string;
  readonly national_id: string;
}

const pick = <T>(list: readonly T[], rank: number): T => list[rank % list.length] as T;
const COMMON = ['MARTIN', 'Bernard', 'thomas', 'PETIT', 'Robert'];
const COMMON_GIVEN = ['Marie', 'jean', 'CAMILLE', 'zoé', 'Jean-Pierre'];

/** What the rank-th search of each kind types. */
const KINDS: Readonly<Record<string, (person: Sample, rank: number) => DirectoryQuery>> = {
  'RPPS number': ({ national_id }) => national_id.slice(1),
  'common family name': (_, rank) => pick(COMMON, rank),
  'common given name': (_, rank) => pick(COMMON_GIVEN, rank),
  'three letters': ({ family }) => family.replaceAll(' ', '').slice(0, 3),
  'family name': ({ family }) => family,
  'family and given name': ({ family, given }) => `${family} ${given}`,
  'given and family name': ({ family, given }) => `${given} ${family}`,
  'common names, one box': (_, rank) => `${pick(COMMON_GIVEN, rank)} ${pick(COMMON, rank >> 2)}`,
  'both unfinished': ({ family, given }) => `${family.slice(0, 4)} ${given.slice(0, 3)}`,
  'fields, both unfinished': ({ family, given }) => ({
    familyName: family.slice(0, 4),
    givenName: given.slice(0, 3),
  }),
  'family name and town': ({ family, town }) => `${family} ${town}`,
  'town alone': ({ town }) => town,
  'a typing error': ({ family }) => family.slice(0, 3) + family.slice(4),
  'error in one of two': ({ family, given }) => `${family.slice(0, 2)}x${family.slice(3)} ${given}`,
  nobody: (_, rank) => `xqzw${rank}kjh`,
};

async function samples({ knex }: DirectoryDatabase): Promise<Sample[]> {
  const { rows } = await knex.raw(
    `SELECT * FROM directory_search_keys TABLESAMPLE SYSTEM (1) WHERE town <> '' ORDER BY md5(national_id) LIMIT 2000`,
  );
  return rows;
}

const ascending = (one: number, other: number): number => one - other;

/** Milliseconds of each statement in the database and of each search; fifty are under way at any moment. */
async function measure(
  { knex }: DirectoryDatabase,
  queries: readonly DirectoryQuery[],
): Promise<{ statements: number[]; searches: number[] }> {
  const statements: number[] = [];
  const searches: number[] = [];
  const sent = new Map<string, number>();
  const onQuery = ({ __knexQueryUid }: { __knexQueryUid: string }) => {
    sent.set(__knexQueryUid, performance.now());
  };
  const onResponse = (_: unknown, { __knexQueryUid }: { __knexQueryUid: string }) => {
    statements.push(performance.now() - (sent.get(__knexQueryUid) as number));
    sent.delete(__knexQueryUid);
  };
  knex.on('query', onQuery).on('query-response', onResponse);
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let query = queries[next++]; query !== undefined; query = queries[next++]) {
        const started = performance.now();
        await searchDirectory(knex, query);
        searches.push(performance.now() - started);
      }
    }),
  );
  knex.off('query', onQuery).off('query-response', onResponse);
  return { statements: statements.sort(ascending), searches: searches.sort(ascending) };
}

const quantile = (sorted: readonly number[], share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number).toFixed(1);

async function run(bench: Bench): Promise<void> {
  const database = await openDirectoryDatabase(bench);
  const file = join(database.folder, 'directory.txt');
  await writeDirectoryFile(file, { rows: bench.quick ? QUICK_ROWS : FULL_ROWS });
  const { added } = await runImport(
    { databaseUrl: database.url, clock: systemClock },
    NATIONAL_DIRECTORY,
    file,
  );
  await database.knex.raw('VACUUM ANALYZE directory_people, directory_search_keys, directory_words');
  await measureKinds(database, added, bench.quick ? 300 : 2_000, bench.print);
}

/** One line per kind of search, then one for all of them in turn. */
async function measureKinds(
  database: DirectoryDatabase,
  people: number,
  count: number,
  log: (line: string) => void,
): Promise<void> {
  log(`${people} people; ${AT_ONCE} searches at once over ${CONNECTIONS} connections; milliseconds`);
  log(`                           each statement     whole search                database`);
  log(`kind                          p50      p99      p50      p99   a second  processor`);
  const known = await samples(database);
  await measure(
    database,
    Array.from({ length: 500 }, (_, rank) => pick(known, rank).family),
  );
  const mixed: DirectoryQuery[] = [];
  const tell = async (name: string, queries: readonly DirectoryQuery[]) => {
    const before = processorSeconds(database.serverPid);
    const started = performance.now();
    const { statements, searches } = await measure(database, queries);
    const seconds = (performance.now() - started) / 1_000;
    const each = ((processorSeconds(database.serverPid) - before) * 1_000) / queries.length;
    const cells = [
      quantile(statements, 0.5).padStart(7),
      quantile(statements, 0.99).padStart(8),
      quantile(searches, 0.5).padStart(8),
      quantile(searches, 0.99).padStart(8),
      (queries.length / seconds).toFixed(0).padStart(10),
      each.toFixed(2).padStart(10),
    ];
    log([name.padEnd(25), ...cells].join(' '));
  };
  for (const [name, query] of Object.entries(KINDS)) {
    const queries = Array.from({ length: count }, (_, rank) => query(pick(known, rank * 7), rank));
    mixed.push(...queries.slice(0, count / 4));
    await tell(name, queries);
  }
  const turns = Object.keys(KINDS).length;
  const block = mixed.length / turns;
  await tell(
    'all kinds in turn',
    mixed.map((_, at) => mixed[(at % turns) * block + Math.floor(at / turns)] as DirectoryQuery),
  );
}

export const directorySearch: Suite = {
  name: 'search',
  description: 'searches in the national directory, fifty at once',
  run,
};
