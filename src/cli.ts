/** The operator's commands: `npm run caducee -- <command>`. */
import { Command } from 'commander';
import { exampleEnvironment, readSettings, type Settings } from '../config/settings.ts';
import { hasHead, verifyChain } from './audit/journal.ts';
import { addImportCommands } from './cli/import.ts';
import { migrateDown, migrateUp, openKnex, openPool } from './lib/database.ts';

interface Databases {
  readonly knex: ReturnType<typeof openKnex>;
  readonly pool: ReturnType<typeof openPool>;
}

async function withDatabase(
  work: (databases: Databases, settings: Settings) => Promise<void>,
): Promise<void> {
  const settings = readSettings(process.env);
  const url = settings.DATABASE_URL;
  if (!url) throw new Error('DATABASE_URL is required');
  const knex = openKnex({ url, poolMax: 2 });
  const pool = openPool({ url, poolMax: 2, onError: () => undefined });
  try {
    await work({ knex, pool }, settings);
  } finally {
    await knex.destroy();
    await pool.end();
  }
}

const program = new Command('caducee').description('Operator commands of Caducée').showHelpAfterError();

program
  .command('settings')
  .description('print every setting with its default and meaning, in the form of an environment file')
  .action(() => {
    process.stdout.write(exampleEnvironment());
  });

program
  .command('migrate')
  .description('bring the schema up to date, or take the last migrations back')
  .option('--down', 'take back the last batch')
  .option('--all', 'with --down: take back everything')
  .action(({ down, all }: { down?: boolean; all?: boolean }) =>
    withDatabase(async ({ knex, pool }) => {
      const names = down ? await migrateDown(knex, { all: all ?? false }) : await migrateUp(knex, pool);
      console.log(names.length > 0 ? names.join('\n') : 'nothing to do');
    }),
  );

program
  .command('journal')
  .description('verify the chain of the journal; exit status 1 when it is broken')
  .argument('<verify>', 'the only action: verify')
  .option('--expect <seq:hash>', 'an entry that the log named as « journal head »: it must still be there')
  .action((action: string, { expect }: { expect?: string }) =>
    withDatabase(async ({ knex }) => {
      if (action !== 'verify') throw new Error(`unknown action: ${action}`);
      const [, seq, hash] = /^(\d+):([0-9a-f]{64})$/.exec(expect ?? '') ?? [];
      if (expect !== undefined && (!seq || !hash))
        throw new Error('--expect takes a number, a colon, 64 hex digits');
      const { entries, head, brokenAt } = await verifyChain(knex);
      if (brokenAt !== undefined) {
        console.error(`broken at entry ${brokenAt}; the ${entries} before it are whole`);
        process.exitCode = 1;
        return;
      }
      if (seq && hash && !(await hasHead(knex, { seq: Number(seq), hash }))) {
        console.error(`entry ${seq} with this digest is not there: the journal was cut or rewritten`);
        process.exitCode = 1;
        return;
      }
      console.log(`${entries} entries, whole; head ${entries}:${head}`);
    }),
  );

addImportCommands(program);

program.parseAsync().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
