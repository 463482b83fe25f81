/**
 * The national directory of health professionals (Annuaire Santé, open data): who may be found when an account is opened.
 *
 * Owns: people, their professions and workplaces as the last import read them, and the search. Holds no phone number, no
 * e-mail address, no birthdate.
 * Leaves to others: how a file is read and applied (`import/`), the Order's register, what the codes mean.
 */
export {
  type DirectoryActivity,
  type DirectoryExercise,
  type DirectoryHit,
  type DirectoryPerson,
  type DirectoryWorkplace,
  findDirectoryPerson,
  getDirectoryPerson,
} from './national-directory/people.ts';
export type { DirectoryFields, DirectoryQuery } from './national-directory/query.ts';
export { MAX_HITS, searchDirectory } from './national-directory/search.ts';
