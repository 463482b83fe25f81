/** The form of « Mon profil », read and compared: which fields each kind of account has, and what is wrong with one. */
import { parseAccountTitle, parsePersonName } from '../../accounts/names.ts';
import { APPROVED_FIELDS, type ApprovedField, type Profile } from '../../accounts/profile.ts';
import { parseRpps } from '../../directories/rpps.ts';
import type { Fields } from '../../http/forms.ts';
import type { Fault, Result } from '../../lib/fault.ts';
import { isOffered } from '../../nomenclatures/nomenclatures.ts';
import { professionOptions } from '../sign-up/request/identity.ts';

export type ProfileKind = 'professional' | 'secretary' | 'shared';
export type ProfileField = ApprovedField | 'profession';

const FIELDS_OF: Readonly<Record<ProfileKind, readonly ProfileField[]>> = {
  professional: ['civilite', 'givenName', 'familyName', 'rpps', 'profession'],
  secretary: ['civilite', 'givenName', 'familyName', 'profession'],
  shared: ['title'],
};

/** @param isWaiting a request waits: what it may be about cannot be edited meanwhile. */
export const editableFields = (kind: ProfileKind, isWaiting: boolean): readonly ProfileField[] =>
  FIELDS_OF[kind].filter((field) => !isWaiting || field === 'profession');

export const shownFields = (kind: ProfileKind): readonly ProfileField[] => FIELDS_OF[kind];

export const professionsOf = (kind: ProfileKind) =>
  professionOptions(kind === 'professional' ? 'doctor' : 'secretary');

const choice = (code: string, isKnown: boolean, field: string): Result<string> =>
  isKnown ? { ok: true, value: code } : { ok: false, fault: { key: `fault.required.${field}` } };

function read(kind: ProfileKind, field: ProfileField, typed: string): Result<string> {
  switch (field) {
    case 'civilite':
      return choice(typed, isOffered('civilites', typed), field);
    case 'profession':
      return choice(
        typed,
        professionsOf(kind).some(({ code }) => code === typed),
        field,
      );
    case 'rpps':
      return parseRpps(typed);
    case 'title':
      return parseAccountTitle(typed);
    default:
      return parsePersonName(typed, field);
  }
}

type Values = Partial<Record<ProfileField, string>>;

/**
 * @param before a value that is sent back unchanged is always right, and one that was never there may stay so: who corrects
 * one field is not asked about the others.
 * @returns what changed, or what is wrong with each field.
 */
export function readProfile(
  kind: ProfileKind,
  fields: readonly ProfileField[],
  before: Readonly<Partial<Record<ProfileField, string | undefined>>>,
  form: Fields,
): { ok: true; changed: Values } | { ok: false; errors: Record<string, Fault> } {
  const changed: Values = {};
  const errors: Record<string, Fault> = {};
  for (const field of fields) {
    // Not on the form that was sent: it was shown before a request ended, or while one waited.
    if (!Object.hasOwn(form, field)) continue;
    const typed = form[field] ?? '';
    if (typed.trim() === (before[field] ?? '')) continue;
    const result = read(kind, field, typed);
    if (!result.ok) errors[field] = result.fault;
    else if (result.value !== before[field]) changed[field] = result.value;
  }
  return Object.keys(errors).length > 0 ? { ok: false, errors } : { ok: true, changed };
}

/** What of it an administrator decides. */
export const approvedPart = (changed: Values): Partial<Record<ApprovedField, string>> =>
  Object.fromEntries(
    Object.entries(changed).filter(([field]) => APPROVED_FIELDS.some((one) => one === field)),
  );

export const valuesOfProfile = (
  fields: readonly ProfileField[],
  profile: Pick<Profile, ApprovedField | 'profession'>,
): Values => Object.fromEntries(fields.flatMap((field) => (profile[field] ? [[field, profile[field]]] : [])));
