/** Who may enter an application, in words. */
import type { AccessRules } from '../applications/access.ts';
import { labelOf } from '../nomenclatures/nomenclatures.ts';

/** Context of the macro `application.reserved`: the national labels of professions, and kinds of account by their name. */
export const accessWords = ({ professions, kinds }: AccessRules) => ({
  professions: professions?.map((code) => labelOf('professions', code) ?? code),
  kinds: kinds?.map((kind) => ({ kind })),
});
