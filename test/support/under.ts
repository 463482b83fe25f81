/** The same application under other settings, such as another issuer, on the test's database. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readSettings } from '../../config/settings.ts';
import { createApp } from '../../src/app.ts';
import { createDeps } from '../../src/deps.ts';
import type { TestApp } from './app.ts';

export async function startUnder(
  app: TestApp,
  settings: Readonly<Record<string, string>>,
): Promise<{ port: number; close(): Promise<void> }> {
  const { clock, log } = app.deps;
  const deps = createDeps(readSettings({ ...app.environment, ...settings }), { clock, log });
  const { listener } = await createApp(deps);
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await deps.close();
    },
  };
}
