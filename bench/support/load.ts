/** Load in closed loops: each connection sends its next request when the last one is answered. */
import autocannon from 'autocannon';

export interface Load {
  readonly operations: number;
  readonly seconds: number;
  /** Milliseconds, one for each operation. */
  readonly latencies: readonly number[];
}

interface Loop {
  readonly connections: number;
  readonly seconds: number;
}

/** Repeats `work` on every connection; an operation under way at the end is waited for and counted with its time. */
export async function loop(
  { connections, seconds }: Loop,
  work: (connection: number) => Promise<unknown>,
): Promise<Load> {
  const latencies: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let now = performance.now(); now < end; ) {
        await work(connection);
        const after = performance.now();
        latencies.push(after - now);
        now = after;
      }
    }),
  );
  return { operations: latencies.length, seconds: (performance.now() - started) / 1_000, latencies };
}

/** The same request over and over. @throws when an answer is not 200. */
export async function repeat(
  { connections, seconds }: Loop,
  { url, headers = {} }: { url: string; headers?: Readonly<Record<string, string>> },
): Promise<Load> {
  const latencies: number[] = [];
  const started = performance.now();
  let elapsed = 0;
  const { non2xx, errors, timeouts } = await new Promise<autocannon.Result>((resolve, reject) => {
    const options = { url, connections, duration: seconds, sampleInt: 50, headers };
    const instance = autocannon(options, (error, result) =>
      error ? reject(error as Error) : resolve(result),
    );
    instance.on('response', (_client, _status, _bytes, milliseconds) => {
      latencies.push(milliseconds);
      elapsed = performance.now() - started;
    });
  });
  if (non2xx + errors + timeouts > 0) throw new Error(`${url}: ${non2xx + errors + timeouts} failures`);
  return { operations: latencies.length, seconds: elapsed / 1_000, latencies };
}
