/** The server: settings, parts, listen, and a clean end on SIGTERM. */
import { readSettings, SettingsError } from '../config/settings.ts';
import { createDeps, createLog } from './deps.ts';
import { startNode } from './server.ts';

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  if (!settings.DATABASE_URL)
    throw new SettingsError(['DATABASE_URL: required (npm run demo brings its own)']);
  const deps = createDeps(settings);
  const node = await startNode(deps);
  deps.log.info({ issuer: settings.ISSUER, port: node.port }, 'ready');

  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      deps.log.info({ signal }, 'stopping');
      node.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

main().catch((error: Error) => {
  if (error instanceof SettingsError) process.stderr.write(`${error.message}\n`);
  else createLog('info').fatal({ error: error.message, stack: error.stack }, 'cannot start');
  process.exitCode = 1;
});
