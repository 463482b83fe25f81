/** Who may enter an application, as a rule over what the account is. */
import type { AccountKind } from '../accounts/accounts.ts';

export interface AccessRules {
  /** Codes of professions (nomenclatures, `professions`); undefined lets any in, an empty list nobody who needs one. */
  readonly professions: readonly string[] | undefined;
  /** Kinds of account; undefined lets any in. */
  readonly kinds: readonly AccountKind[] | undefined;
}

/**
 * Both must let the account in. A shared account has no profession: where professions count, it enters only when its
 * kind is named.
 */
export function mayEnter(
  { professions, kinds }: AccessRules,
  { kind, professionCode }: { kind: AccountKind; professionCode: string | undefined },
): boolean {
  if (kinds && !kinds.includes(kind)) return false;
  if (!professions) return true;
  if (kind === 'shared') return kinds !== undefined;
  return professionCode !== undefined && professions.includes(professionCode);
}

/** The rules as the database keeps them. */
export const asAccessRules = (row: {
  allowed_professions: string[] | null;
  allowed_kinds: AccountKind[] | null;
}): AccessRules => ({
  professions: row.allowed_professions ?? undefined,
  kinds: row.allowed_kinds ?? undefined,
});
