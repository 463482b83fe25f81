/** COPY into staging tables, each on a connection of its own. */
import type pg from 'pg';
import { CopyWriter } from './copy-writer.ts';
import type { RowWriter } from './types.ts';

export interface Connections {
  acquire(): Promise<pg.ClientBase>;
  release(connection: pg.ClientBase): Promise<void>;
}

/** Writers by the names of the tables; ends them all, or aborts them when `work` fails. */
export async function withWriters<T>(
  { acquire, release }: Connections,
  tables: readonly string[],
  work: (writers: Readonly<Record<string, RowWriter>>, ready: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const connections: pg.ClientBase[] = [];
  const writers: CopyWriter[] = [];
  try {
    for (const table of tables) {
      const connection = await acquire();
      connections.push(connection);
      writers.push(new CopyWriter(connection, table));
    }
    const result = await work(
      Object.fromEntries(tables.map((table, rank) => [table, writers[rank] as RowWriter])),
      async () => {
        for (const writer of writers) await writer.ready();
      },
    );
    for (const writer of writers) await writer.end();
    return result;
  } catch (error) {
    for (const writer of writers) writer.abort();
    throw error;
  } finally {
    for (const connection of connections) await release(connection);
  }
}
