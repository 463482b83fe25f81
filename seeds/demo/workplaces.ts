/** The demo's national directory and workplaces, through the real imports, its laboratory centres, and who works where. */
import { fileURLToPath } from 'node:url';
import type { Deps } from '../../src/deps.ts';
import { isLastImported } from '../../src/directories/import/records.ts';
import { runImport } from '../../src/directories/import/run.ts';
import { sha256OfFile } from '../../src/directories/import/source.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Db } from '../../src/lib/database.ts';
import { listAccountWorkplaces, setAccountWorkplaces } from '../../src/workplaces/account-workplaces.ts';
import { createCentre } from '../../src/workplaces/centres.ts';
import { NATIONAL_DIRECTORY_AND_WORKPLACES } from '../../src/workplaces/directory-places.ts';
import { FINESS } from '../../src/workplaces/finess-import.ts';

/** Invented people and workplaces, in the forms of the open-data files. */
const REGISTERS = [
  { definition: FINESS, file: 'etalab-finess.csv' },
  { definition: NATIONAL_DIRECTORY_AND_WORKPLACES, file: 'PS_LibreAcces_Personne_activite.txt' },
].map(({ definition, file }) => ({ definition, path: fileURLToPath(new URL(file, import.meta.url)) }));

export const DEMO_CENTRES = ['Centre des Quais', 'Centre de Valbrume', 'Centre des Cimes'] as const;

/** Workplaces by name, each with the centre that it works with. */
const DEMO_WORKPLACES: readonly {
  readonly email: string;
  readonly places: readonly (readonly [string, (typeof DEMO_CENTRES)[number]])[];
}[] = [
  {
    email: 'camille@example.test',
    places: [
      ['CABINET FICTIF DU MOULIN', 'Centre de Valbrume'],
      ['HOPITAL FICTIF DE VALBRUME', 'Centre des Quais'],
    ],
  },
  { email: 'sacha@example.test', places: [['CABINET FICTIF DU MOULIN', 'Centre de Valbrume']] },
  { email: 'dominique@example.test', places: [['CABINET FICTIF DE L’ÉGLISE', 'Centre des Cimes']] },
];

export async function seedCentres(db: Db, clock: Clock): Promise<void> {
  const known = new Set(await db('laboratory_centres').pluck('name'));
  for (const name of DEMO_CENTRES) if (!known.has(name)) await createCentre(db, clock, name);
}

/**
 * Imports each register, unless this very file was the last imported; call after `seedDemo`.
 *
 * @throws in production.
 */
export async function seedDirectory({
  settings,
  knex,
  clock,
}: Pick<Deps, 'settings' | 'knex' | 'clock'>): Promise<void> {
  if (settings.NODE_ENV === 'production') throw new Error('demo people have no place in production');
  const deps = { databaseUrl: settings.DATABASE_URL as string, clock };
  for (const { definition, path } of REGISTERS) {
    if (await isLastImported(knex, definition.kind, await sha256OfFile(path))) continue;
    await runImport(deps, definition, path, { force: true });
  }
  for (const { email, places } of DEMO_WORKPLACES) await seedAccountWorkplaces(knex, email, places);
}

async function seedAccountWorkplaces(
  db: Db,
  email: string,
  places: readonly (readonly [string, string])[],
): Promise<void> {
  const owner = await db('email_addresses').where({ canonical: email }).first('account_id');
  if (!owner || (await listAccountWorkplaces(db, owner.account_id)).length > 0) return;
  const chosen = [];
  for (const [name, centre] of places) {
    const workplace = await db('workplaces').where({ name, gone: false }).first('id');
    const { id: centreId } = await db('laboratory_centres').where({ name: centre }).first('id');
    if (workplace) chosen.push({ workplaceId: workplace.id, centreId });
  }
  await setAccountWorkplaces(db, owner.account_id, chosen);
}
