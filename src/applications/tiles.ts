/** The tiles of the portal: what a person may open, where it leads, and what is kept from them with a word on why. */
import type { Account } from '../accounts/accounts.ts';
import { fold, wordsOf } from '../directories/fold.ts';
import type { Db } from '../lib/database.ts';
import { type AccessRules, asAccessRules, mayEnter } from './access.ts';

export interface Tile {
  readonly clientId: string;
  readonly name: string;
  /** One line. */
  readonly description: string;
  readonly icon: string;
  /** Where it leads, when the person may enter. */
  readonly startUrl: string;
  /** Address by which the application knows this person, when chosen. */
  readonly email: string | undefined;
  /** Whether the application may ask for an address at all. */
  readonly asksForEmail: boolean;
  /** Origins that a sign-in started at this tile passes through. */
  readonly origins: readonly string[];
  /** The rules that keep this person out, when they do. */
  readonly refusedBy: AccessRules | undefined;
}

/**
 * A sign-in that starts at the portal says who asks (OpenID Connect Core §4); it does not say who the person is, which the
 * application has no need to know before they come. An application without such an address is opened as it is.
 * @returns undefined for an address that a browser must not be sent to.
 */
export function startUrlOf(
  issuer: string,
  { initiateLoginUri, startUrl }: { initiateLoginUri: string | undefined; startUrl: string | undefined },
): string | undefined {
  const given = initiateLoginUri ?? startUrl;
  const url = given === undefined ? null : URL.parse(given);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  if (initiateLoginUri !== undefined) url.searchParams.set('iss', issuer);
  return url.href;
}

/** Every word of the search must begin or be part of a word of the name or the description. */
export function matches(search: string, { name, description }: Pick<Tile, 'name' | 'description'>): boolean {
  const text = fold(`${name} ${description}`);
  return wordsOf(fold(search)).every((word) => text.includes(word));
}

const originsOf = (urls: readonly unknown[]): string[] => {
  const origins = urls.flatMap((url) => (typeof url === 'string' ? (URL.parse(url)?.origin ?? []) : []));
  return [...new Set(origins.filter((origin) => origin !== 'null'))];
};

const names = new Intl.Collator('fr');
// biome-ignore lint/suspicious/noExplicitAny: rows of the query below
const byUse = (a: any, b: any): number =>
  (b.last_used_at?.getTime() ?? 0) - (a.last_used_at?.getTime() ?? 0) || names.compare(a.name, b.name);

/** Those that were opened last come first, then the others by name; what is hidden from this account is not there. */
export async function listTiles(
  db: Db,
  { issuer }: { issuer: string },
  account: Pick<Account, 'id' | 'kind'>,
): Promise<Tile[]> {
  const { profession_code: professionCode } = await db('accounts')
    .where({ id: account.id })
    .first('profession_code');
  const rows = await db('applications')
    .leftJoin('application_emails as link', (join) =>
      join.on('link.client_id', 'applications.client_id').andOnVal('link.account_id', account.id),
    )
    .leftJoin('email_addresses as address', 'address.id', 'link.email_id')
    .leftJoin('application_uses as used', (join) =>
      join.on('used.client_id', 'applications.client_id').andOnVal('used.account_id', account.id),
    )
    .where({ on_portal: true })
    .select('applications.*', 'address.address', 'used.last_used_at');

  return rows.sort(byUse).flatMap((row) => {
    const startUrl = startUrlOf(issuer, {
      initiateLoginUri: row.initiate_login_uri ?? undefined,
      startUrl: row.start_url ?? undefined,
    });
    const rules = asAccessRules(row);
    const enters = mayEnter(rules, { kind: account.kind, professionCode: professionCode ?? undefined });
    if (!startUrl || (!enters && row.tile_when_refused === 'hidden')) return [];
    const { scope, redirect_uris: redirectUris = [] } = row.metadata;
    return {
      clientId: row.client_id,
      name: row.name,
      description: row.description,
      icon: row.icon,
      startUrl,
      email: row.address ?? undefined,
      asksForEmail: typeof scope !== 'string' || scope.split(' ').includes('email'),
      origins: originsOf([startUrl, ...redirectUris]),
      refusedBy: enters ? undefined : rules,
    };
  });
}
