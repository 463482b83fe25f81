/**
 * Nodes of the real application on a database of their own, behind one address: a TCP balancer hands each connection to
 * the next node, as a hospital's would.
 */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Logger, pino } from 'pino';
import { readSettings } from '../../config/settings.ts';
import { type Message, startMailbox } from '../../demo/mailbox.ts';
import { seedApprovals, seedDemo } from '../../seeds/demo/seed.ts';
import { createDeps, type Deps } from '../../src/deps.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { type Node, startNode } from '../../src/server.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** The system's time, moved by hand. */
export interface TestClock extends Clock {
  advance(milliseconds: number): void;
}

export function createTestClock(): TestClock {
  let ahead = 0;
  return {
    now: () => new Date(Date.now() + ahead),
    advance(milliseconds) {
      ahead += milliseconds;
    },
  };
}

interface Balancer {
  readonly port: number;
  to(ports: readonly number[]): void;
  close(): Promise<void>;
}

async function startBalancer(): Promise<Balancer> {
  let ports: readonly number[] = [];
  let next = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((incoming) => {
    const port = ports[next++ % ports.length];
    if (port === undefined) return incoming.destroy();
    const outgoing = connect(port, '127.0.0.1');
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {
        incoming.destroy();
        outgoing.destroy();
      });
    }
    incoming.pipe(outgoing).pipe(incoming);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    to(list) {
      ports = list;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface TestApp {
  readonly issuer: string;
  readonly database: TestDatabase;
  /** Parts of the first node. */
  readonly deps: Deps;
  readonly clock: TestClock;
  readonly mailbox: Awaited<ReturnType<typeof startMailbox>>;
  /** Every line that the nodes logged. */
  readonly logLines: string[];
  /** Environment that a node in a process of its own needs to join. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ports of the nodes of this process. */
  readonly nodePorts: readonly number[];
  /** Which ports the address leads to; the two nodes of this process by default. */
  balance(ports: readonly number[]): void;
  /** The newest message to this address or number, once there are more than `after`. */
  waitForMessage(to: string, options?: { after?: number }): Promise<Message>;
  /** How many codes this address or number received. */
  codesTo(to: string): number;
  /** The newest code of this address or number, once there are more than `after`; other messages do not count. */
  waitForCode(to: string, after?: number): Promise<string>;
  /** Does `act` and waits for the code that it sends to this address or number. */
  codeSentBy<T>(to: string, act: () => Promise<T>): Promise<{ result: T; code: string }>;
  close(): Promise<void>;
}

interface Options {
  readonly nodes?: number;
  readonly settings?: Readonly<Record<string, string>>;
  /** Where a demo application runs; a plain loopback address when absent. */
  readonly applicationUrl?: (application: { clientId: string; portOffset: number }) => string;
  readonly sms?: boolean;
}

const MESSAGE_TIMEOUT_MS = 8_000;
const CODE = /\b(\d{6})\b/;

export async function startTestApp(options: Options = {}): Promise<TestApp> {
  const { nodes: count = 1, applicationUrl = ({ portOffset }) => `http://localhost:${4_000 + portOffset}` } =
    options;
  const database = await createTestDatabase();
  const balancer = await startBalancer();
  const mailbox = await startMailbox({ httpPort: 0, smtpPort: 0 });
  const issuer = `http://localhost:${balancer.port}`;
  const clock = createTestClock();
  const logLines: string[] = [];
  const log: Logger = pino({ level: 'trace', base: null }, { write: (line) => void logLines.push(line) });
  const environment = {
    NODE_ENV: 'test',
    ISSUER: issuer,
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    SMTP_URL: mailbox.smtpUrl,
    ...options.settings,
  };
  const settings = readSettings(environment);
  const sms = {
    send: async (message: { id: string; to: string; text: string }) => mailbox.receiveSms(message),
  };

  const parts: Deps[] = [];
  const nodes: Node[] = [];
  for (let index = 0; index < count; index += 1) {
    const deps = createDeps(settings, { clock, log, ...(options.sms === false ? {} : { sms }) });
    if (index === 0) {
      await seedDemo(deps, applicationUrl);
      await seedApprovals(deps);
    }
    parts.push(deps);
    nodes.push(await startNode(deps));
  }
  const ports = nodes.map((node) => node.port);
  balancer.to(ports);

  async function waitFor(wanted: (message: Message) => boolean, after: number): Promise<Message> {
    const deadline = Date.now() + MESSAGE_TIMEOUT_MS;
    for (;;) {
      const found = mailbox.messages().filter(wanted);
      const newest = found[0];
      if (newest && found.length > after) return newest;
      if (Date.now() > deadline) throw new Error('the awaited message did not come');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const holdsCode = (to: string) => (message: Message) => message.to === to && CODE.test(message.text);
  const codesTo = (to: string) => mailbox.messages().filter(holdsCode(to)).length;
  const waitForCode = async (to: string, after = 0) => codeOf(await waitFor(holdsCode(to), after));

  return {
    issuer,
    database,
    deps: parts[0] as Deps,
    clock,
    mailbox,
    logLines,
    environment,
    nodePorts: ports,
    balance: (list) => balancer.to(list),
    waitForMessage: (to, { after = 0 } = {}) => waitFor((message) => message.to === to, after),
    codesTo,
    waitForCode,
    async codeSentBy(to, act) {
      const before = codesTo(to);
      const result = await act();
      return { result, code: await waitForCode(to, before) };
    },
    async close() {
      await balancer.close();
      for (const node of nodes) await node.stop();
      await mailbox.close();
      await database.drop();
    },
  };
}

/** The six digits of a message. */
function codeOf(message: Message): string {
  const code = CODE.exec(message.text)?.[1];
  if (!code) throw new Error('no code in this message');
  return code;
}
