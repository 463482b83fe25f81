/** A thread that reads blocks of a file and writes to staging tables, over connections of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { openKnex } from '../../lib/database.ts';
import { type BlockTally, createBlockReader } from './block-reader.ts';
import type { Header } from './header.ts';
import type { DelimitedFormat, RowWriter, Stager, StagerMemory } from './types.ts';
import { withWriters } from './writers.ts';

export interface ThreadData {
  readonly databaseUrl: string;
  readonly session: Readonly<Record<string, string>>;
  readonly stagerModule: string;
  readonly tables: readonly string[];
  readonly format: DelimitedFormat;
  readonly header: Header;
  readonly memory: StagerMemory;
  readonly seen: Int32Array<SharedArrayBuffer> | undefined;
}

/** The bytes of a block; nothing after the last. */
export type ToThread = Uint8Array<ArrayBuffer> | undefined;

/** One for each block, in their order, then `over`; or what broke. */
export type FromThread =
  | { tally: BlockTally }
  | { over: true }
  | { failure: { message: string; code?: string } };

interface StagerModule {
  createStager(writers: Readonly<Record<string, RowWriter>>, memory: StagerMemory): Stager;
}

const port = parentPort as NonNullable<typeof parentPort>;
const tell = (message: FromThread) => port.postMessage(message);

async function* received(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const queue: ToThread[] = [];
  let wake = () => {};
  port.on('message', (message: ToThread) => {
    queue.push(message);
    wake();
  });
  for (;;) {
    while (queue.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const message = queue.shift();
    if (message === undefined) return;
    yield message;
  }
}

async function run(data: ThreadData): Promise<void> {
  const blocks = received();
  const { createStager } = (await import(data.stagerModule)) as StagerModule;
  const knex = openKnex({
    url: data.databaseUrl,
    poolMax: data.tables.length,
    statementTimeoutMs: 0,
    session: data.session,
  });
  const connections = {
    acquire: () => knex.client.acquireConnection(),
    release: (connection: unknown) => knex.client.releaseConnection(connection),
  };
  try {
    await withWriters(connections, data.tables, async (writers, ready) => {
      const stager = createStager(writers, data.memory);
      const read = createBlockReader(data.format, data.header, stager, data.seen);
      for await (const bytes of blocks) {
        const tally = read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        await ready();
        tell({ tally });
      }
      stager.end();
    });
    tell({ over: true });
  } finally {
    await knex.destroy();
  }
}

run(workerData).then(
  () => port.close(),
  (error: { message: string; code?: string }) => {
    const { message, code } = error;
    tell({ failure: code === undefined ? { message } : { message, code } });
    port.close();
  },
);
