/**
 * Everything on one machine: PostgreSQL, invented people, two relying parties, a mailbox, and the very server that
 * production runs. Ports follow `PORT`; data live in `DATA_DIR`.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readSettings, SettingsError } from '../config/settings.ts';
import { DEMO_APPLICATIONS, DEMO_SCOPE } from '../seeds/demo/applications.ts';
import { resetDemoCounters, seedApprovals, seedDemo, seedDirectory } from '../seeds/demo/seed.ts';
import { createDeps } from '../src/deps.ts';
import { migrateUp } from '../src/lib/database.ts';
import { startNode } from '../src/server.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { startMailbox } from './mailbox.ts';
import { startRelyingParty } from './relying-party.ts';

const MAILBOX = 4;
const SMTP = 5;
const DATABASE = 'caducee';

type Stop = () => Promise<unknown>;

/** Stops what was started, last first. */
async function stopAll(stops: Stop[]): Promise<void> {
  for (const stop of stops.reverse()) await stop().catch((error: Error) => console.error(error.message));
}

async function start(stops: Stop[]): Promise<void> {
  const port = Number(process.env.PORT || 3000);
  const dataDir = resolve(process.env.DATA_DIR || '.data');
  const at = (offset: number): string => `http://localhost:${port + offset}`;
  await mkdir(dataDir, { recursive: true });

  let databaseUrl = process.env.DATABASE_URL;
  if (!databaseUrl) {
    const postgres = await startEmbeddedPostgres({ dataDir, purpose: 'demo' });
    stops.push(() => postgres.stop());
    databaseUrl = await postgres.ensureDatabase(DATABASE);
  }

  const mailbox = await startMailbox({ httpPort: port + MAILBOX, smtpPort: port + SMTP });
  stops.push(() => mailbox.close());

  const settings = readSettings({
    LOG_LEVEL: 'warn',
    OUTGOING_ALLOWED_HOSTS: 'localhost',
    ...process.env,
    NODE_ENV: 'development',
    PORT: String(port),
    ISSUER: at(0),
    DATABASE_URL: databaseUrl,
    SMTP_URL: `smtp://localhost:${port + SMTP}`,
  });
  const deps = createDeps(settings, { sms: { send: async (sms) => mailbox.receiveSms(sms) } });
  try {
    await migrateUp(deps.knex, deps.pool);
    await seedDemo(deps, ({ portOffset }) => at(portOffset));
    await seedDirectory(deps);
    await seedApprovals(deps);
    await resetDemoCounters(deps.knex);
  } catch (error) {
    await deps.close();
    throw error;
  }
  const node = await startNode(deps);
  stops.push(() => node.stop());

  for (const { clientId, name, description, secret, portOffset } of DEMO_APPLICATIONS) {
    const relyingParty = await startRelyingParty({
      port: port + portOffset,
      name,
      tagline: description,
      issuer: settings.ISSUER,
      clientId,
      clientSecret: secret,
      scope: DEMO_SCOPE,
    });
    stops.push(() => relyingParty.close());
  }

  console.log(`
  Caducée          ${at(0)}
  Messagerie       ${at(1)}
  Laboratoire      ${at(2)}
  mailbox          ${at(MAILBOX)}   (SMTP on port ${port + SMTP})

  Sign in as camille@example.test, or open an account with RPPS 99700900014 and birthdate 17/06/1980.
  The password of every demo account is demo-caducee-2026; codes arrive in the mailbox. Ctrl-C stops everything.
`);
  console.log(`ready ${settings.ISSUER}`);
}

async function main(): Promise<void> {
  const stops: Stop[] = [];
  let stopping = false;
  const stop = async (status: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await stopAll(stops);
    process.exit(status);
  };
  process.on('SIGINT', () => void stop(0));
  process.on('SIGTERM', () => void stop(0));
  try {
    await start(stops);
  } catch (error) {
    const { code, port } = error as { code?: string; port?: number };
    if (code === 'EADDRINUSE')
      console.error(`port ${port} is taken: set PORT to the first of eight free ports`);
    else console.error(error instanceof SettingsError ? error.message : error);
    await stop(1);
  }
}

await main();
