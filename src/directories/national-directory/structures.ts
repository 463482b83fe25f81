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

const joined = (separator: string, parts: readonly Bytes[]): Bytes =>
  parts.filter((part) => part !== '').join(separator);

/** Identifier and staging row of the structure of a line; undefined for an activity without one. */
export function structureRow(of: StructureFields): { id: Bytes; row: Bytes } | undefined {
  const street = joined(' ', [of.number, of.repetition, of.streetType, of.street]);
  const lines = joined('\n', [of.addressee, of.place, street, of.distribution, of.cedex]);
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
  const named = content.slice(0, 9).some((value) => value !== '');
  if (of.technicalId === '' && !named) return undefined;
  const id = of.technicalId || digestId(content);
  let row = copyText(id);
  for (const value of content) row += `\t${copyNullable(value)}`;
  return { id, row };
}

const digestId = (content: readonly Bytes[]): string =>
  `#${createHash('sha256').update(content.join('\0'), 'latin1').digest('hex').slice(0, 24)}`;
