/** A server in a process of its own, which tells when it listens, what it used, and ends with us. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../suite.ts';

export interface Usage {
  /** Processor time since the start, all threads, in microseconds. */
  readonly cpuMicros: number;
  /** Resident memory, in bytes. */
  readonly rss: number;
}

export interface ServerProcess {
  readonly pid: number;
  usage(): Promise<Usage>;
  /** Asks for one of the server's own tasks. */
  ask<Answer>(task: string, argument?: unknown): Promise<Answer>;
}

interface Request {
  readonly id: number;
  readonly task: string;
  readonly argument?: unknown;
}

const END_MS = 8_000;

/** Starts `script` (from this folder's parent) and waits until it serves. */
export async function startServerProcess(
  { defer }: Bench,
  script: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const { PATH, HOME } = process.env;
  const child: ChildProcess = spawn(
    process.execPath,
    [fileURLToPath(new URL(`../${script}`, import.meta.url))],
    {
      env: { PATH, HOME, ...environment } as NodeJS.ProcessEnv,
      // The log is written, and read by nobody.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  const ended = once(child, 'exit');
  defer(async () => {
    if (child.connected) child.disconnect();
    const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await ended;
    clearTimeout(late);
  });

  let last = 0;
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  const ready = Promise.withResolvers<void>();
  child.on('message', (message: { ready?: true; id?: number; answer?: unknown; error?: string }) => {
    if (message.ready) return ready.resolve();
    const asked = waiting.get(message.id ?? -1);
    waiting.delete(message.id ?? -1);
    if (message.error === undefined) asked?.resolve(message.answer);
    else asked?.reject(new Error(`${script}: ${message.error}`));
  });
  void ended.then(() => {
    const error = new Error(`${script} ended`);
    ready.reject(error);
    for (const { reject } of waiting.values()) reject(error);
  });
  await ready.promise;

  const ask = <Answer>(task: string, argument?: unknown): Promise<Answer> => {
    last += 1;
    const request: Request = { id: last, task, argument };
    return new Promise((resolve, reject) => {
      waiting.set(request.id, { resolve: resolve as (answer: unknown) => void, reject });
      child.send(request);
    });
  };
  return { pid: child.pid as number, ask, usage: () => ask<Usage>('usage') };
}

/**
 * The other side, in the server: answers what is asked, and ends when the asker is gone.
 * @param stop closes everything; the process exits after it.
 */
export function serveAsker(
  tasks: Readonly<Record<string, (argument: never) => unknown>>,
  stop: () => Promise<unknown>,
): void {
  const all: Readonly<Record<string, (argument: never) => unknown>> = {
    usage: (): Usage => {
      const { user, system } = process.cpuUsage();
      return { cpuMicros: user + system, rss: process.memoryUsage.rss() };
    },
    ...tasks,
  };
  process.on('message', async ({ id, task, argument }: Request) => {
    try {
      process.send?.({ id, answer: await all[task]?.(argument as never) });
    } catch (error) {
      process.send?.({ id, error: (error as Error).stack ?? String(error) });
    }
  });
  process.on('disconnect', () => void stop().finally(() => process.exit(0)));
  // Ctrl-C reaches us too: the asker ends us in its own order.
  process.on('SIGINT', () => undefined);
  process.send?.({ ready: true });
}
