/** Reads a large file in several threads, block by block. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { BlockTally } from './block-reader.ts';
import type { Reading } from './delimited.ts';
import type { FromThread, ThreadData, ToThread } from './thread.ts';

/** More would read faster than the database writes. */
const MAX_THREADS = 2;
const BLOCKS_PER_THREAD = 2;
/** Nearly everything a line leaves is garbage at once: the more fits, the less often it is collected. */
const YOUNG_MEBIBYTES = 192;

export const threadCount = (): number => Math.min(MAX_THREADS, availableParallelism());

export interface Threads extends Reading {
  /** Resolves when all that was read is in the staging tables. @throws what broke a thread. */
  end(): Promise<void>;
  /** Gives up. */
  stop(): Promise<void>;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

class Thread {
  readonly #worker: Worker;
  readonly #blocks: Waiting<BlockTally>[] = [];
  readonly #over: Promise<void>;
  #failure: Error | undefined;

  constructor(data: ThreadData) {
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEBIBYTES },
    });
    this.#over = new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        this.#failure ??= error;
        for (const { reject: rejectBlock } of this.#blocks.splice(0)) rejectBlock(error);
        reject(error);
      };
      this.#worker.on('message', (message: FromThread) => {
        if ('tally' in message) this.#blocks.shift()?.resolve(message.tally);
        else if ('over' in message) resolve();
        else fail(Object.assign(new Error(message.failure.message), { code: message.failure.code }));
      });
      this.#worker.on('error', fail);
      this.#worker.on('exit', () => fail(new Error('a thread of the import ended')));
    });
    this.#over.catch(() => undefined);
  }

  get load(): number {
    return this.#blocks.length;
  }

  read(bytes: Buffer<ArrayBuffer>): Promise<BlockTally> {
    if (this.#failure) return Promise.reject(this.#failure);
    const tally = new Promise<BlockTally>((resolve, reject) => {
      this.#blocks.push({ resolve, reject });
    });
    // Whoever reads the file comes to it in its turn.
    tally.catch(() => undefined);
    this.#send(bytes, [bytes.buffer]);
    return tally;
  }

  end(): Promise<void> {
    this.#send(undefined);
    return this.#over;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #send(message: ToThread, given: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, given);
  }
}

export function openThreads(count: number, data: ThreadData): Threads {
  const threads = Array.from({ length: count }, () => new Thread(data));
  return {
    blocksAtOnce: count * BLOCKS_PER_THREAD,
    read: (bytes) =>
      threads.reduce((least, thread) => (thread.load < least.load ? thread : least)).read(bytes),
    async end() {
      await Promise.all(threads.map((thread) => thread.end()));
    },
    async stop() {
      await Promise.all(threads.map((thread) => thread.stop()));
    },
  };
}
