/** What a person declares to be, read from a form. */
import { parseAccountTitle, parsePersonName } from '../../../accounts/names.ts';
import { parseRpps } from '../../../directories/rpps.ts';
import type { Fields } from '../../../http/forms.ts';
import type { Fault, Result } from '../../../lib/fault.ts';
import { isOffered, type ListName, labelOf, offered } from '../../../nomenclatures/nomenclatures.ts';
import type { DeclaredIdentity, RequestKind } from './steps.ts';

export interface Option {
  readonly code: string;
  readonly label: string;
}

/** A secretary has no profession: TRE_A00 has a value for secretaries, TRE_R85 one for whoever else works there. */
const SECRETARY_OPTIONS: readonly (readonly [ListName, string])[] = [
  ['profilsNonPs', 'SECRETARIAT_MEDICAL'],
  ['roles', '312'],
];

export function professionOptions(kind: RequestKind): readonly Option[] {
  if (kind === 'doctor') return offered('professions');
  return SECRETARY_OPTIONS.map(([list, code]) => ({ code, label: labelOf(list, code) ?? code }));
}

export const civiliteOptions = (): readonly Option[] => offered('civilites');

/** @returns the identity, or what is wrong with each field. */
export function readIdentity(
  kind: RequestKind,
  fields: Fields,
): { ok: true; value: DeclaredIdentity } | { ok: false; errors: Record<string, Fault> } {
  const errors: Record<string, Fault> = {};
  const read = (field: string, result: Result<string>): string => {
    if (result.ok) return result.value;
    errors[field] = result.fault;
    return '';
  };
  const choice = (field: string, known: (code: string) => boolean): string => {
    const code = fields[field] ?? '';
    if (!known(code)) errors[field] = { key: `fault.required.${field}` };
    return code;
  };

  const rpps = kind === 'doctor' ? read('rpps', parseRpps(fields.rpps ?? '')) : undefined;
  const professionCode = choice('profession', (code) =>
    professionOptions(kind).some((option) => option.code === code),
  );
  const civiliteCode = choice('civilite', (code) => isOffered('civilites', code));
  const familyName = read('familyName', parsePersonName(fields.familyName ?? '', 'familyName'));
  const givenName = read('givenName', parsePersonName(fields.givenName ?? '', 'givenName'));
  const sharedTitle =
    kind === 'secretary' && fields.shared
      ? read('sharedTitle', parseAccountTitle(fields.sharedTitle ?? ''))
      : undefined;
  const responsible = sharedTitle === undefined ? '' : (fields.responsibleRpps ?? '').trim();
  const responsibleRpps = responsible === '' ? undefined : read('responsibleRpps', parseRpps(responsible));
  if (Object.keys(errors).length > 0) return { ok: false, errors };
  return {
    ok: true,
    value: {
      professionCode,
      civiliteCode,
      familyName,
      givenName,
      ...(rpps !== undefined && { rpps }),
      ...(sharedTitle !== undefined && { sharedTitle }),
      ...(responsibleRpps !== undefined && { responsibleRpps }),
    },
  };
}
