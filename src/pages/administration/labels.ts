/** National codes in words; a code without label stands for itself. */
import type { Identity, IdentityField } from '../../approvals/compare.ts';
import { labelOf } from '../../nomenclatures/nomenclatures.ts';

/** @param code TRE_G15, or TRE_A00 of someone without a profession. */
export const professionLabel = (code: string | undefined): string | undefined =>
  code && (labelOf('professions', code) ?? labelOf('profilsNonPs', code) ?? code);

/** One field of an identity as people read it. */
export function identityLabel(identity: Identity | undefined, field: IdentityField): string | undefined {
  const value = identity?.[field];
  if (value === undefined || value === '') return undefined;
  if (field === 'profession') return professionLabel(value);
  if (field === 'civilite') return labelOf('civilites', value) ?? value;
  return value;
}
