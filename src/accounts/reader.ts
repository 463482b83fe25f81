/** Who reads a mail to an account: its person; of a shared account, the member whose address is written to. */
import type { Lang } from '../http/texts.ts';
import type { Db } from '../lib/database.ts';
import type { Account } from './accounts.ts';
import { languageOf } from './language.ts';
import { listMembers } from './members.ts';

export interface Reader {
  readonly to: string;
  readonly lang: Lang;
  readonly givenName: string;
  /** Of a shared account. */
  readonly title: string | undefined;
}

export async function readerOf(db: Db, account: Account): Promise<Reader> {
  const { id: accountId, kind, notificationEmail: to, givenName, displayName } = account;
  if (kind !== 'shared')
    return { to, lang: await languageOf(db, { accountId }), givenName, title: undefined };
  const member = (await listMembers(db, accountId)).find(({ email }) => email === to);
  const lang = await languageOf(db, { accountId, memberId: member?.id });
  return { to, lang, givenName: member?.givenName ?? '', title: displayName };
}
