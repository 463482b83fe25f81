/** Workplaces as the lines of the file give them. */
import { createHash } from 'node:crypto';
import { copyNullable, copyText } from '../import/copy-writer.ts';
import type { Bytes } from '../import/types.ts';

export const STRUCTURE_COLUMNS = [
  'id',
  'finess_site',
  'finess_legal_entity',
  'siret',
  'name',
  'trade_name',
  'address_lines',
  'postal_code',
  'commune_code',
  'commune',
  'department_code',
  'country_code',
] as const;

export interface StructureFields {
  readonly technicalId: Bytes;
  readonly finessSite: Bytes;
  readonly finessLegalEntity: Bytes;
  readonly siret: Bytes;
  readonly name: Bytes;
  readonly tradeName: Bytes;
  readonly addressee: Bytes;
  readonly place: Bytes;
  readonly number: Bytes;
  readonly repetition: Bytes;
  readonly streetType: Bytes;
  readonly street: Bytes;
  readonly distribution: Bytes;
  readonly cedex: Bytes;
  readonly postalCode: Bytes;
  readonly communeCode: Bytes;
  readonly commune: Bytes;
  readonly departmentCode: Bytes;
  readonly countryCode: Bytes;
}

const beside = (separator: string, one: Bytes, other: Bytes): Bytes =>
  one === '' ? other : other === '' ? one : one + separator + other;

/** Identifier and staging row of the structure of a line; undefined for an activity without one. */
export function structureRow(of: StructureFields): { id: Bytes; row: Bytes } | undefined {
  const street = beside(' ', beside(' ', of.number, of.repetition), beside(' ', of.streetType, of.street));
  const destination = beside('\n', of.addressee, of.place);
  const lines = beside('\n', beside('\n', destination, street), beside('\n', of.distribution, of.cedex));
  const content = [
    of.finessSite,
    of.finessLegalEntity,
    of.siret,
    of.name,
    of.tradeName,
    lines,
    of.postalCode,
    of.communeCode,
    of.commune,
    of.departmentCode,
    of.countryCode,
  ];
  // A department or a country alone is no workplace.
  if (of.technicalId === '' && content.slice(0, 9).every((value) => value === '')) return undefined;
  const id = of.technicalId || digestId(content);
  let row = copyText(id);
  for (const value of content) row += `\t${copyNullable(value)}`;
  return { id, row };
}

const digestId = (content: readonly Bytes[]): string =>
  `#${createHash('sha256').update(content.join('\0'), 'latin1').digest('hex').slice(0, 24)}`;
