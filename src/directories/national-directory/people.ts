/** People of the national directory as they are shown. */
import type { Db } from '../../lib/database.ts';
import { fold } from '../fold.ts';
import type { StoredActivity, StoredExercise } from './person-group.ts';
import type { ReadQuery } from './query.ts';

/** One profession of a person. */
export interface DirectoryHit {
  /** National identifier (IDNPS): what `getDirectoryPerson` takes. */
  readonly id: string;
  /** 11 digits; absent for who has another identifier. */
  readonly rpps: string | undefined;
  readonly familyName: string;
  readonly givenName: string;
  /** TRE_R81. */
  readonly civiliteCode: string | undefined;
  /** TRE_R11. */
  readonly civiliteExerciceCode: string | undefined;
  /** TRE_G15, TRE_R94, TRE_R95, TRE_R291. */
  readonly professionCode: string;
  readonly profession: string;
  /** TRE_R09. */
  readonly categoryCode: string | undefined;
  /** Labels, comma separated. */
  readonly savoirFaire: string | undefined;
  /** Of the first workplace, or of the one that was searched for. */
  readonly town: string | undefined;
}

export interface DirectoryWorkplace {
  /** `directory_structures.id`: IDNST, or `#` and a digest. */
  readonly structureId: string;
  /** FINESS of the site (EG). */
  readonly finessSite: string | undefined;
  /** FINESS of the legal entity (EJ). */
  readonly finessLegalEntity: string | undefined;
  readonly siret: string | undefined;
  readonly name: string | undefined;
  readonly tradeName: string | undefined;
  readonly addressLines: readonly string[];
  readonly postalCode: string | undefined;
  readonly communeCode: string | undefined;
  readonly town: string | undefined;
  readonly departmentCode: string | undefined;
}

export interface DirectoryActivity {
  /** Absent for an activity without workplace. */
  readonly workplace: DirectoryWorkplace | undefined;
  /** TRE_R23. */
  readonly modeCode: string | undefined;
  /** TRE_R02. */
  readonly sectorCode: string | undefined;
  /** TRE_R06. */
  readonly pharmacistSectionCode: string | undefined;
  /** TRE_R21 or TRE_R85. */
  readonly roleCode: string | undefined;
  /** TRE_R22. */
  readonly genreCode: string | undefined;
}

export interface DirectoryExercise {
  readonly professionCode: string;
  readonly profession: string;
  readonly categoryCode: string | undefined;
  readonly civiliteExerciceCode: string | undefined;
  readonly familyName: string;
  readonly givenName: string;
  readonly savoirFaire: readonly { typeCode: string | undefined; code: string; label: string }[];
  readonly activities: readonly DirectoryActivity[];
}

export interface DirectoryPerson {
  readonly id: string;
  /** TRE_G08. */
  readonly identifierType: string;
  readonly identifier: string;
  readonly rpps: string | undefined;
  readonly civiliteCode: string | undefined;
  readonly exercises: readonly DirectoryExercise[];
  /** Of all activities, each once. */
  readonly workplaces: readonly DirectoryWorkplace[];
}

export interface PersonRow {
  readonly national_id: string;
  readonly identifier_type: string;
  readonly identifier: string;
  readonly civilite_code: string | null;
  readonly exercises: readonly StoredExercise[];
}

export async function fetchPeople(db: Db, ids: readonly string[]): Promise<PersonRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await db.raw('SELECT * FROM directory_people_among(?::text[])', [[...ids]]);
  return rows;
}

/** The first people whose RPPS number begins with these digits. */
export async function fetchByNumber(db: Db, digits: string, limit: number): Promise<PersonRow[]> {
  const { rows } = await db.raw('SELECT * FROM directory_people_numbered(?, ?)', [digits, limit]);
  return rows;
}

const rppsOf = (row: PersonRow): string | undefined =>
  row.identifier_type === '8' ? row.identifier : undefined;

/** One hit per profession, in the order of `people`. */
export const hitsOf = (people: readonly PersonRow[], query: ReadQuery): DirectoryHit[] =>
  people.flatMap((row) =>
    row.exercises.map((exercise) => ({
      id: row.national_id,
      rpps: rppsOf(row),
      familyName: exercise.family,
      givenName: exercise.given ?? '',
      civiliteCode: row.civilite_code ?? undefined,
      civiliteExerciceCode: exercise.civilite,
      professionCode: exercise.profession,
      profession: exercise.professionLabel ?? '',
      categoryCode: exercise.category,
      savoirFaire: exercise.skills?.map(({ label, code }) => label ?? code).join(', '),
      town: townOf(exercise, query),
    })),
  );

function townOf({ towns = [] }: StoredExercise, { town, words }: ReadQuery): string | undefined {
  const searched = [town, ...words].filter((word) => word !== '');
  return towns.find((name) => searched.some((word) => ` ${fold(name)}`.includes(` ${word}`))) ?? towns[0];
}

/** @param id national identifier, as in a hit. */
export async function findDirectoryPerson(db: Db, id: string): Promise<DirectoryPerson | undefined> {
  if (id.includes('\0')) return undefined;
  const [row] = await fetchPeople(db, [id]);
  if (!row) return undefined;
  const ids = row.exercises.flatMap(({ activities = [] }) =>
    activities.map(({ structure }) => structure ?? ''),
  );
  const structures: Record<string, string | null>[] = await db('directory_structures').whereIn('id', [
    ...new Set(ids),
  ]);
  const workplaces = new Map(structures.map((structure) => [structure.id as string, workplaceOf(structure)]));
  return {
    id,
    identifierType: row.identifier_type,
    identifier: row.identifier,
    rpps: rppsOf(row),
    civiliteCode: row.civilite_code ?? undefined,
    exercises: row.exercises.map((exercise) => ({
      professionCode: exercise.profession,
      profession: exercise.professionLabel ?? '',
      categoryCode: exercise.category,
      civiliteExerciceCode: exercise.civilite,
      familyName: exercise.family,
      givenName: exercise.given ?? '',
      savoirFaire: (exercise.skills ?? []).map(({ type, code = '', label }) => ({
        typeCode: type,
        code,
        label: label ?? code,
      })),
      activities: (exercise.activities ?? []).map((activity) => activityOf(activity, workplaces)),
    })),
    workplaces: [...workplaces.values()],
  };
}

/** @throws when nobody has this identifier. */
export async function getDirectoryPerson(db: Db, id: string): Promise<DirectoryPerson> {
  const person = await findDirectoryPerson(db, id);
  if (!person) throw new Error('this person is not in the national directory');
  return person;
}

const activityOf = (
  { structure, mode, sector, section, role, genre }: StoredActivity,
  workplaces: ReadonlyMap<string, DirectoryWorkplace>,
): DirectoryActivity => ({
  workplace: structure === undefined ? undefined : workplaces.get(structure),
  modeCode: mode,
  sectorCode: sector,
  pharmacistSectionCode: section,
  roleCode: role,
  genreCode: genre,
});

const workplaceOf = (row: Record<string, string | null>): DirectoryWorkplace => ({
  structureId: row.id as string,
  finessSite: row.finess_site ?? undefined,
  finessLegalEntity: row.finess_legal_entity ?? undefined,
  siret: row.siret ?? undefined,
  name: row.name ?? undefined,
  tradeName: row.trade_name ?? undefined,
  addressLines: row.address_lines?.split('\n') ?? [],
  postalCode: row.postal_code ?? undefined,
  communeCode: row.commune_code ?? undefined,
  town: row.commune ?? undefined,
  departmentCode: row.department_code ?? undefined,
});
