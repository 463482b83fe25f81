/** Starts and stops one node: migrations, application, jobs, listeners. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.ts';
import { loadPasswordDictionaries } from './credentials/password-policy.ts';
import type { Deps } from './deps.ts';
import { startMetrics } from './http/metrics.ts';
import { startJobs } from './jobs.ts';
import { migrateUp } from './lib/database.ts';

const DRAIN_MS = 10_000;

export interface Node {
  readonly port: number;
  /** Takes no more requests, lets those under way finish, stops the jobs, closes the database. */
  stop(): Promise<void>;
}

const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(late);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** @throws when the port is taken or the database cannot be reached; everything already started is stopped then. */
export async function startNode(deps: Deps): Promise<Node> {
  const { settings, knex, pool } = deps;
  try {
    await migrateUp(knex, pool);
    const { listener, provider } = await createApp(deps);
    loadPasswordDictionaries();
    const jobs = await startJobs(deps, provider);
    const metrics = await startMetrics(deps);
    const server = createServer(listener);
    const port = await listen(server, settings.PORT, settings.HOST);
    return {
      port,
      async stop() {
        await drain(server);
        await jobs.stop().catch(() => undefined);
        await metrics?.close();
        await deps.close();
      },
    };
  } catch (error) {
    await deps.close();
    throw error;
  }
}
