/** An address that somebody asks for and that has an account already: its owner is told, and the page says nothing of it. */
import type { Deps } from '../deps.ts';
import type { Lang } from '../http/texts.ts';
import type { Db } from '../lib/database.ts';
import { enqueueMessage } from '../messages/outbox.ts';
import { addresses } from './addresses.ts';

/** @param asked absent where an account of its own was asked for. */
export async function tellOwnerOfAddress(
  trx: Db,
  deps: Deps,
  { to, language, asked }: { to: string; language: Lang; asked?: 'addition' },
): Promise<void> {
  const { ISSUER } = deps.settings;
  await enqueueMessage(trx, deps, {
    channel: 'email',
    template: 'address-already-used',
    to,
    lang: language,
    params: {
      asked,
      signInUrl: `${ISSUER}${addresses.signIn}`,
      passwordForgottenUrl: `${ISSUER}${addresses.passwordForgotten}`,
    },
  });
}
