/** The two questions on workplaces, as a sign-up and « Mon compte » ask them: which places, and the laboratory of each. */
import type { Deps } from '../deps.ts';
import { clientAddress, type PageContext } from '../http/context.ts';
import { type Fields, fieldsOf, valuesOf } from '../http/forms.ts';
import type { Db } from '../lib/database.ts';
import type { Fault } from '../lib/fault.ts';
import { throttledFault, throttleRules } from '../throttle/throttle.ts';
import { type ChosenWorkplace, listAccountWorkplaces } from '../workplaces/account-workplaces.ts';
import { type Centre, listCentres } from '../workplaces/centres.ts';
import { findWorkplaces, searchWorkplaces, type Workplace } from '../workplaces/workplaces.ts';

const MAX_WORKPLACES = 12;
const MIN_SEARCH_LETTERS = 3;

type Faults = Record<string, Fault>;

/** What an account has already: it may keep it, gone or closed as it may be by now. */
export interface Had {
  readonly workplaces: readonly Workplace[];
  readonly centres: readonly Centre[];
  /** Centre of each workplace, by their identifiers. */
  readonly picked: Readonly<Record<string, string>>;
}

export const NOTHING_HAD: Had = { workplaces: [], centres: [], picked: {} };

export async function findHad(db: Db, accountId: string): Promise<Had> {
  const had = await listAccountWorkplaces(db, accountId);
  return {
    workplaces: had.map(({ workplace }) => workplace),
    centres: had.flatMap(({ centre }) => centre ?? []),
    picked: Object.fromEntries(had.map(({ workplace, centre }) => [workplace.id, centre?.id ?? 'none'])),
  };
}

/** The places of these identifiers that may be chosen, in this order. */
export async function offeredWorkplaces(db: Db, ids: readonly string[], had: Had): Promise<Workplace[]> {
  const known = [...(await findWorkplaces(db, ids)), ...had.workplaces];
  return [...new Set(ids)].flatMap((id) => known.find((place) => place.id === id) ?? []);
}

/** The centres that may be chosen, as the form shows them. */
export async function centreOptions(db: Db, had: Had): Promise<{ code: string; label: string }[]> {
  const open = await listCentres(db);
  const closed = had.centres.filter(({ id }, index) => {
    const isFirst = had.centres.findIndex((one) => one.id === id) === index;
    return isFirst && !open.some((one) => one.id === id);
  });
  return [...open, ...closed].map(({ id, name }) => ({ code: id, label: name }));
}

export async function searchPlaces({ knex, throttle }: Deps, ctx: PageContext, query: string) {
  if (query.replace(/\s/g, '').length < MIN_SEARCH_LETTERS)
    return { fault: { key: 'fault.search.tooShort', vars: { min: MIN_SEARCH_LETTERS } } };
  const verdict = await throttle.consume(throttleRules.directorySearchPerSource, clientAddress(ctx));
  if (!verdict.allowed) return { fault: throttledFault(verdict.retryAfterSeconds) };
  return { lines: await searchWorkplaces(knex, query) };
}

export interface Choice {
  readonly chosen: Workplace[];
  /** What the form comes back with. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Empty when the choice stands. */
  readonly errors: Faults;
}

/** Reads which places were ticked. */
export async function readWorkplaces({ knex }: Deps, ctx: PageContext, had: Had): Promise<Choice> {
  const { query = '', none } = fieldsOf(ctx);
  const ids = [...new Set(valuesOf(ctx, 'workplace'))].slice(0, MAX_WORKPLACES + 1);
  const chosen = await offeredWorkplaces(knex, ids, had);
  const fault = (): Faults => {
    if (chosen.length < ids.length) return { query: { key: 'fault.workplace.gone' } };
    if (chosen.length > MAX_WORKPLACES)
      return { query: { key: 'fault.workplace.tooMany', vars: { max: MAX_WORKPLACES } } };
    if (chosen.length > 0 && none) return { none: { key: 'fault.workplace.noneBeside' } };
    if (chosen.length === 0 && !none) return { query: { key: 'fault.required.workplace' } };
    return {};
  };
  return { chosen, values: { chosen, query, noFixedPlace: none }, errors: fault() };
}

/** Reads the laboratory of each place. */
export async function readCentres(
  { knex }: Deps,
  fields: Fields,
  places: readonly string[],
  had: Had,
): Promise<{ workplaces: ChosenWorkplace[]; picked: Record<string, string>; errors: Faults }> {
  const known = new Set((await centreOptions(knex, had)).map(({ code }) => code));
  const picked: Record<string, string> = {};
  const missing: string[] = [];
  const workplaces = places.map((workplaceId) => {
    const centre = fields[`centre-${workplaceId}`] ?? '';
    picked[workplaceId] = centre;
    if (centre !== 'none' && !known.has(centre)) missing.push(workplaceId);
    return { workplaceId, centreId: centre === 'none' ? undefined : centre };
  });
  const errors: Faults = {};
  for (const { id, name } of await offeredWorkplaces(knex, missing, had))
    errors[`centre-${id}`] = { key: 'fault.required.centre', vars: { name } };
  return { workplaces, picked, errors };
}
