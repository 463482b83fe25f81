/** Suite `engine`: Caducée on PostgreSQL beside the engine alone in memory, in one run, round by round. */
import { availableParallelism } from 'node:os';
import { freePorts } from '../test/support/ports.ts';
import { startCodeBox } from './engine/code-box.ts';
import { type Row, rowsOf } from './engine/rows.ts';
import { Visitor } from './engine/visitor.ts';
import type { Bench, Suite } from './suite.ts';
import { leaveFirstCore, takeFirstCore } from './support/cores.ts';
import { openBenchDatabase } from './support/database.ts';
import type { Load } from './support/load.ts';
import { type ServerProcess, startServerProcess } from './support/server-process.ts';
import { median, percentile } from './support/statistics.ts';
import { figure, formatTable } from './support/table.ts';

const REDEMPTIONS = 20;

export interface Side {
  readonly name: string;
  readonly issuer: string;
  readonly server: ServerProcess;
}

interface Round {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of the server for one operation, in microseconds. */
  readonly cpuMicros: number;
}

interface Sides {
  readonly alone: Side;
  readonly caducee: Side;
  readonly settings: string;
}

async function startSides(bench: Bench): Promise<Sides & { nextCode: (to: string) => Promise<string> }> {
  const pinned = leaveFirstCore();
  const database = await openBenchDatabase(bench);
  const box = await startCodeBox();
  bench.defer(() => box.close());
  const hashes = pinned ? 1 : availableParallelism();

  const start = async (
    name: string,
    script: string,
    environment: Readonly<Record<string, string>>,
    attempts = 3,
  ): Promise<Side> => {
    const port = await freePorts(1);
    const issuer = `http://127.0.0.1:${port}`;
    const common = {
      NODE_ENV: 'development',
      ISSUER: issuer,
      HOST: '127.0.0.1',
      PORT: String(port),
      HASH_CONCURRENCY: String(hashes),
    };
    let server: ServerProcess;
    try {
      server = await startServerProcess(bench, script, { ...common, ...environment });
    } catch (error) {
      // Somebody else may have taken the port meanwhile.
      if (attempts > 1) return start(name, script, environment, attempts - 1);
      throw error;
    }
    if (pinned) takeFirstCore(server.pid);
    return { name, issuer, server };
  };
  const alone = await start('engine alone', 'engine/engine-alone.ts', {});
  const caducee = await start('Caducée', 'engine/caducee.ts', {
    DATABASE_URL: database.url,
    SMTP_URL: box.smtpUrl,
    // Each sign-in comes from an address of its own, as a proxy in front would tell.
    TRUSTED_PROXIES: '1',
  });
  const place = pinned
    ? 'servers on the first core, load and embedded PostgreSQL on the others'
    : 'servers, load and PostgreSQL share the cores';
  return { alone, caducee, nextCode: box.next, settings: `${database.description}; ${place}` };
}

async function measure(server: ServerProcess, load: () => Promise<Load>): Promise<Round> {
  const before = await server.usage();
  const { operations, seconds, latencies } = await load();
  const after = await server.usage();
  return {
    perSecond: operations / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpuMicros: (after.cpuMicros - before.cpuMicros) / operations,
  };
}

const middle = (rounds: readonly Round[]): Round => ({
  perSecond: median(rounds.map(({ perSecond }) => perSecond)),
  p50: median(rounds.map(({ p50 }) => p50)),
  p99: median(rounds.map(({ p99 }) => p99)),
  cpuMicros: median(rounds.map(({ cpuMicros }) => cpuMicros)),
});

/** Each side in turn, round after round, so that what else the machine does falls on all alike. */
async function measureRow(row: Row): Promise<string[][]> {
  const rounds = row.sides.map((): Round[] => []);
  for (const side of row.sides) await side.load(row.seconds / 3);
  for (let round = 0; round < row.rounds; round += 1) {
    for (const [index, side] of row.sides.entries()) {
      rounds[index]?.push(await measure(side.server, () => side.load(row.seconds)));
    }
  }
  const results = rounds.map(middle);
  const reference = results[0] as Round;
  return results.map((result, index) => {
    const { name, aim } = row.sides[index] as Row['sides'][number];
    const ratio = result.perSecond / reference.perSecond;
    return [
      index === 0 ? row.work : '',
      name,
      figure(result.perSecond),
      figure(result.p50),
      figure(result.p99),
      figure(result.cpuMicros),
      index === 0 ? '1' : figure(ratio),
      index === 0 ? '1' : figure(reference.cpuMicros / result.cpuMicros),
      aim === undefined ? '' : `≥ ${figure(aim)}`,
      aim === undefined ? '' : ratio >= aim ? 'ok' : 'under',
    ];
  });
}

/** How many of twenty exchanges of one code at once give tokens, for each of `codes` codes. */
async function redemptions({ issuer }: Side, codes: number): Promise<number[]> {
  const visitors = Array.from({ length: REDEMPTIONS }, () => new Visitor(issuer));
  const won: number[] = [];
  for (let index = 0; index < codes; index += 1) {
    const code = await (visitors[0] as Visitor).codeWithoutQuestion(index);
    const answers = await Promise.all(visitors.map((visitor) => visitor.redeem(code)));
    won.push(answers.filter(({ status }) => status === 200).length);
  }
  await Promise.all(visitors.map((visitor) => visitor.close()));
  return won;
}

const spread = (values: readonly number[]): string => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${least} to ${most}`;
};

async function run(bench: Bench): Promise<void> {
  const sides = await startSides(bench);
  const { alone, caducee, settings } = sides;
  bench.print(`${settings}\n`);

  const lines: string[][] = [];
  for (const row of await rowsOf(bench, sides)) lines.push(...(await measureRow(row)));
  const header = ['work', 'side', 'op/s', 'p50 ms', 'p99 ms', 'CPU µs/op', 'ratio', 'CPU ratio', 'aim', ''];
  bench.print(formatTable(header, lines));

  const codes = bench.quick ? 1 : 10;
  const [wonAlone, won] = [await redemptions(alone, codes), await redemptions(caducee, codes)];
  const single = won.every((count) => count === 1);
  bench.print(
    `\n${REDEMPTIONS} exchanges of one code at once that give tokens (${codes} codes): ` +
      `engine alone ${spread(wonAlone)}, Caducée ${spread(won)}, must be 1: ${single ? 'ok' : 'WRONG'}`,
  );
  const memory = await Promise.all([alone, caducee].map(({ server }) => server.usage()));
  const [aloneMiB, caduceeMiB] = memory.map(({ rss }) => Math.round(rss / 2 ** 20));
  bench.print(`memory after the load: engine alone ${aloneMiB} MiB, Caducée ${caduceeMiB} MiB`);
  if (!single) throw new Error('a code gave tokens more or less than once');
}

export const engine: Suite = {
  name: 'engine',
  description: 'sign-in and tokens, Caducée on PostgreSQL beside the engine alone in memory',
  run,
};
