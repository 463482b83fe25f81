/** What the journal says of one person, as they may read it: who acted is « you » or somebody else. */
import type { Principal } from '../accounts/principals.ts';
import type { Db } from '../lib/database.ts';
import type { Item } from './export.ts';

const MEMBER_DETAIL = `entry::jsonb -> 'details' ->> 'member'`;

/**
 * Of an entry about somebody else (what an administrator decided upon another account) only the act is told: the rest is
 * that other person's.
 */
export async function journalOf(db: Db, { id, account, member }: Principal): Promise<Item[]> {
  const rows = await db('journal')
    .where((theirs) => {
      theirs.where({ actor: id });
      if (member) theirs.orWhereRaw(`(subject = ? AND ${MEMBER_DETAIL} = ?)`, [account.id, member.id]);
      else theirs.orWhere({ subject: account.id });
    })
    .orderBy('seq')
    .select('entry');
  return rows.map(({ entry }): Item => {
    const { at, event, outcome, actor, subject, source, details } = JSON.parse(entry);
    const isOwn = subject === undefined || subject === account.id;
    const isTheirAct = actor === undefined || actor === id || actor === account.id;
    return {
      at,
      event,
      outcome,
      by: actor === undefined ? null : isTheirAct ? 'you' : 'other',
      address: isTheirAct ? (source ?? null) : null,
      details: isOwn ? (details ?? null) : null,
    };
  });
}
