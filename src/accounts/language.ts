/** The language that people read: the one in which they last signed up or in. Mails that others bring about use it. */
import type { Lang } from '../http/texts.ts';
import type { Db } from '../lib/database.ts';

/** An account, and which member of it when it is shared. */
interface Reader {
  readonly accountId: string;
  readonly memberId?: string | undefined;
}

const rowOf = (db: Db, { accountId, memberId }: Reader) =>
  memberId
    ? db('account_members').where({ id: memberId, account_id: accountId })
    : db('accounts').where({ id: accountId });

export async function languageOf(db: Db, reader: Reader): Promise<Lang> {
  const row = await rowOf(db, reader).first('language');
  return row?.language ?? 'fr';
}

/** Writes only a language that changed: every sign-in comes here. */
export async function rememberLanguage(db: Db, reader: Reader, language: Lang): Promise<void> {
  await rowOf(db, reader).whereNot({ language }).update({ language });
}
