/** The registers that can be imported, and what is done about all of them. */
import { sweepStaging } from './directories/import/staging.ts';
import type { ImportDefinition } from './directories/import/types.ts';
import { ordinalRegisterImport } from './directories/ordinal-import.ts';
import type { Clock } from './lib/clock.ts';
import type { Db } from './lib/database.ts';
import { NATIONAL_DIRECTORY_AND_WORKPLACES } from './workplaces/directory-places.ts';
import { FINESS } from './workplaces/finess-import.ts';

/** By their commands: `caducee import rpps`. */
export const importDefinitions = (
  clock: Clock,
): Readonly<Record<'rpps' | 'finess' | 'ordre', ImportDefinition>> => ({
  rpps: NATIONAL_DIRECTORY_AND_WORKPLACES,
  finess: FINESS,
  ordre: ordinalRegisterImport(clock),
});

/** Drops what killed imports left: a register's staging holds birthdates and contacts. */
export async function sweepImports(db: Db, clock: Clock): Promise<void> {
  for (const definition of Object.values(importDefinitions(clock))) await sweepStaging(db, definition);
}
