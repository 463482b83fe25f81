/** Prometheus metrics of the process, on a port of their own that the public never reaches. */
import { createServer } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Deps } from '../deps.ts';

export async function startMetrics({ settings, log }: Deps): Promise<{ close(): Promise<void> } | undefined> {
  if (settings.METRICS_PORT === undefined) return undefined;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'caducee_' });
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
      (error: Error) => {
        log.error({ error: error.message }, 'metrics failed');
        response.writeHead(500).end();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.METRICS_PORT, settings.HOST, resolve);
  });
  return { close: () => new Promise((resolve) => server.close(() => resolve())) };
}
