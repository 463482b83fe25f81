/** What a person declared beside what a register knows, field by field. */
import { fold } from '../directories/fold.ts';

/** The fields that a directory row fills in a sign-up, in the order of the form. */
export const IDENTITY_FIELDS = ['rpps', 'profession', 'civilite', 'familyName', 'givenName'] as const;
export type IdentityField = (typeof IDENTITY_FIELDS)[number];

/** A person's identity, by codes and names; a field may be unknown. */
export type Identity = { readonly [field in IdentityField]: string | undefined };

/** `absent`: one of the two has nothing to compare. */
export type Verdict = 'same' | 'differs' | 'absent';

/** Case, accents, hyphens, apostrophes and spaces make no difference. */
export function compareField(declared: string | undefined, known: string | undefined): Verdict {
  const [ours, theirs] = [fold(declared ?? ''), fold(known ?? '')];
  if (ours === '' || theirs === '') return 'absent';
  return ours === theirs ? 'same' : 'differs';
}

/** @param known undefined when the register does not know the person: nothing can be compared. */
export const compareIdentity = (
  declared: Identity,
  known: Identity | undefined,
): Record<IdentityField, Verdict> =>
  Object.fromEntries(
    IDENTITY_FIELDS.map((field) => [field, compareField(declared[field], known?.[field])]),
  ) as Record<IdentityField, Verdict>;

/** Of one person's several entries in a register, the one that says most of what was declared; the first at a draw. */
export function closestTo<T extends { readonly identity: Identity }>(
  declared: Identity,
  entries: readonly T[],
): T | undefined {
  const likeness = ({ identity }: T): number =>
    Object.values(compareIdentity(declared, identity)).filter((verdict) => verdict === 'same').length;
  return entries.reduce<T | undefined>(
    (best, entry) => (best && likeness(best) >= likeness(entry) ? best : entry),
    undefined,
  );
}
