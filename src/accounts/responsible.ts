/** The professional said to answer for a shared account: whoever asked for it gave their RPPS number, nothing proved it. */
import type { Settings } from '../../config/settings.ts';
import { record } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { enqueueMessage } from '../messages/outbox.ts';
import { type Account, findOwnerOfRpps } from './accounts.ts';
import { readerOf } from './reader.ts';

interface Deps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly settings: Settings;
}

/** Tells that professional, when they have an active account, that the shared one is open and who asked for it. */
export async function tellResponsible(
  db: Db,
  deps: Deps,
  { id: accountId, displayName: title }: Account,
  by: { readonly accountId?: string | undefined; readonly source?: string | undefined },
): Promise<void> {
  const { clock, settings } = deps;
  const { responsible_rpps: rpps } = await db('accounts').where({ id: accountId }).first('responsible_rpps');
  const professional = rpps && (await findOwnerOfRpps(db, rpps));
  if (professional?.kind !== 'professional' || professional.state !== 'active') return;
  const { to, lang, givenName } = await readerOf(db, professional);
  // Ended ones too: who asked may have left since.
  const creator = await db('account_members')
    .where({ account_id: accountId })
    .orderBy(['created_at', 'id'])
    .first('given_name', 'family_name');
  await enqueueMessage(db, deps, {
    channel: 'email',
    template: 'shared-account-responsible',
    to,
    lang,
    params: {
      givenName,
      title,
      rpps,
      creator: `${creator.given_name} ${creator.family_name}`,
      supportEmail: settings.SUPPORT_EMAIL,
    },
  });
  await record(db, clock, {
    event: 'account.responsible-told',
    outcome: 'success',
    actor: by.accountId,
    subject: accountId,
    source: by.source,
    details: { responsible: professional.id },
  });
}
