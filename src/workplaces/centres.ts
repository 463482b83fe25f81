/** Laboratory centres: the list that administrators keep, one of which each workplace of an account usually works with. */
import type { Clock } from '../lib/clock.ts';
import { type Db, isUniqueViolation } from '../lib/database.ts';
import { isId, newId } from '../lib/ids.ts';

export interface Centre {
  readonly id: string;
  readonly name: string;
  /** True once closed: readable where it was chosen, never offered again. */
  readonly closed: boolean;
}

export class DuplicateCentreError extends Error {
  override readonly name = 'DuplicateCentreError';

  constructor() {
    super('an open laboratory centre has this name');
  }
}

const tidy = (name: string): string => name.normalize('NFC').replace(/\s+/gu, ' ').trim();

async function uniquely<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isUniqueViolation(error, 'laboratory_centres_open_name')) throw new DuplicateCentreError();
    throw error;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a row of laboratory_centres
const asCentre = (row: any): Centre => ({ id: row.id, name: row.name, closed: row.closed_at !== null });

/** The centres that may be chosen, by name. */
export async function listCentres(db: Db): Promise<Centre[]> {
  const rows = await db('laboratory_centres')
    .whereNull('closed_at')
    .orderByRaw('lower(name), id')
    .select('id', 'name', 'closed_at');
  return rows.map(asCentre);
}

/** The centre, closed or not. */
export async function findCentre(db: Db, id: string): Promise<Centre | undefined> {
  if (!isId(id)) return undefined;
  const row = await db('laboratory_centres').where({ id }).first('id', 'name', 'closed_at');
  return row && asCentre(row);
}

/**
 * @returns the identifier of the new centre.
 * @throws {DuplicateCentreError} when an open centre has this name, capitals and spaces aside.
 */
export async function createCentre(db: Db, clock: Clock, name: string): Promise<string> {
  const id = newId();
  await uniquely(() => db('laboratory_centres').insert({ id, name: tidy(name), created_at: clock.now() }));
  return id;
}

/**
 * @returns false for an unknown centre.
 * @throws {DuplicateCentreError} as createCentre.
 */
export async function renameCentre(db: Db, id: string, name: string): Promise<boolean> {
  if (!isId(id)) return false;
  return (
    (await uniquely(() =>
      db('laboratory_centres')
        .where({ id })
        .update({ name: tidy(name) }),
    )) === 1
  );
}

/** @returns false for a centre that is unknown or closed already. Accounts that chose it keep it. */
export async function closeCentre(db: Db, clock: Clock, id: string): Promise<boolean> {
  if (!isId(id)) return false;
  const query = db('laboratory_centres').where({ id }).whereNull('closed_at');
  return (await query.update({ closed_at: clock.now() })) === 1;
}
