/** Where an account's person works, in their own order, each place with the laboratory centre it usually works with. */
import type { Db } from '../lib/database.ts';
import { isId } from '../lib/ids.ts';
import type { Centre } from './centres.ts';
import { asWorkplace, WORKPLACE_COLUMNS, type Workplace } from './workplaces.ts';

export interface AccountWorkplace {
  readonly workplace: Workplace;
  /** True when neither FINESS nor the national directory knows the place any more. */
  readonly gone: boolean;
  /** Absent where no centre was chosen. */
  readonly centre: Centre | undefined;
}

export interface ChosenWorkplace {
  readonly workplaceId: string;
  readonly centreId: string | undefined;
}

/** Far above anyone's: bounds what one form may write. */
export const MAX_ACCOUNT_WORKPLACES = 20;

/** A choice that no form offers: a place that is unknown, gone or chosen twice, a centre that is unknown or closed. */
export class UnknownChoiceError extends Error {
  override readonly name = 'UnknownChoiceError';
  readonly field: 'workplace' | 'centre';

  constructor(field: 'workplace' | 'centre') {
    super(`not an offered ${field}`);
    this.field = field;
  }
}

/**
 * Replaces the account's workplaces by these, in this order. What the account has already it may keep, gone or closed
 * as it may be by now.
 *
 * @throws {UnknownChoiceError} and changes nothing when a choice is not offered, or there are too many.
 */
export async function setAccountWorkplaces(
  db: Db,
  accountId: string,
  chosen: readonly ChosenWorkplace[],
): Promise<void> {
  if (chosen.length > MAX_ACCOUNT_WORKPLACES) throw new UnknownChoiceError('workplace');
  await db.transaction(async (trx) => {
    // Two tabs of one person must not mix their lists.
    await trx('accounts').where({ id: accountId }).forUpdate().first('id');
    await demandOffered(trx, accountId, chosen);
    await trx('account_workplaces').where({ account_id: accountId }).delete();
    if (chosen.length === 0) return;
    await trx('account_workplaces').insert(
      chosen.map(({ workplaceId, centreId }, index) => ({
        account_id: accountId,
        position: index + 1,
        workplace_id: workplaceId,
        centre_id: centreId,
      })),
    );
  });
}

async function demandOffered(db: Db, accountId: string, chosen: readonly ChosenWorkplace[]): Promise<void> {
  const places = chosen.map(({ workplaceId }) => workplaceId);
  const centres = chosen.flatMap(({ centreId }) => (centreId === undefined ? [] : [centreId]));
  const had = (column: string) => db('account_workplaces').where({ account_id: accountId }).select(column);
  const known = await db('workplaces')
    .whereRaw('id = ANY(?::uuid[])', [places.filter(isId)])
    .where((open) => open.where({ gone: false }).orWhereIn('id', had('workplace_id')))
    .pluck('id');
  if (known.length !== places.length) throw new UnknownChoiceError('workplace');
  const open = await db('laboratory_centres')
    .whereRaw('id = ANY(?::uuid[])', [centres.filter(isId)])
    .where((still) => still.whereNull('closed_at').orWhereIn('id', had('centre_id')))
    .pluck('id');
  if (open.length !== new Set(centres).size) throw new UnknownChoiceError('centre');
}

/** In the person's own order; gone places and closed centres included. */
export async function listAccountWorkplaces(db: Db, accountId: string): Promise<AccountWorkplace[]> {
  const rows = await db('account_workplaces')
    .join('workplaces', 'workplaces.id', 'account_workplaces.workplace_id')
    .leftJoin('laboratory_centres as centre', 'centre.id', 'account_workplaces.centre_id')
    .where('account_workplaces.account_id', accountId)
    .orderBy('account_workplaces.position')
    .select(
      ...WORKPLACE_COLUMNS,
      'workplaces.gone',
      'centre.id as centre_id',
      'centre.name as centre_name',
      'centre.closed_at as centre_closed_at',
    );
  return rows.map((row) => ({
    workplace: asWorkplace(row),
    gone: row.gone,
    centre:
      row.centre_id === null
        ? undefined
        : { id: row.centre_id, name: row.centre_name, closed: row.centre_closed_at !== null },
  }));
}
