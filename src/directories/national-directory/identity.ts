/** Who the national directory says has a number: what may stand beside what a person declares. */
import type { Db } from '../../lib/database.ts';
import type { StoredExercise } from './person-group.ts';

/** One profession of a person. */
export interface DirectoryIdentity {
  readonly rpps: string;
  readonly familyName: string;
  readonly givenName: string | undefined;
  /** TRE_R81. */
  readonly civiliteCode: string | undefined;
  /** TRE_G15. */
  readonly professionCode: string;
}

/** One element per profession, in the order of the directory; none for a number that it does not know. */
export async function findDirectoryIdentities(db: Db, rpps: string): Promise<DirectoryIdentity[]> {
  // National identifier (IDNPS): the type of the number, then the number.
  const row = await db('directory_people')
    .where({ national_id: `8${rpps}` })
    .first('civilite_code', 'exercises');
  const exercises: readonly StoredExercise[] = row?.exercises ?? [];
  return exercises.map(({ family, given, profession }) => ({
    rpps,
    familyName: family,
    givenName: given,
    civiliteCode: row.civilite_code ?? undefined,
    professionCode: profession,
  }));
}
