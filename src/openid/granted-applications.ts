/** What applications hold of a person: the grants under which a token is still good. */
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { scopesOfClaims } from './asked-claims.ts';

export interface GrantedApplication {
  readonly clientId: string;
  readonly name: string;
  /** Name of a lucide icon. */
  readonly icon: string;
  /** `openid` left out: it tells nothing but that the person came. */
  readonly scopes: readonly string[];
  readonly since: Date;
  /** When it last got a token. */
  readonly lastUsedAt: Date;
}

interface Sealed {
  readonly iat?: number;
  readonly openid?: { readonly scope?: string; readonly claims?: readonly string[] };
}

interface Row {
  readonly client_id: string;
  readonly name: string;
  readonly icon: string;
  readonly id_hash: Buffer;
  readonly payload: Buffer;
  readonly grant_hash: Buffer;
  readonly grant_payload: Buffer;
}

/** @param memberId of a shared account, who sees what they gave themselves. */
export async function listGrantedApplications(
  db: Db,
  keyring: Keyring,
  { accountId, memberId }: { accountId: string; memberId: string | undefined },
): Promise<GrantedApplication[]> {
  const tokens = db('oidc_payloads as token')
    .join('oidc_payloads as given', 'given.id_hash', 'token.grant_hash')
    .join('applications', 'applications.client_id', 'token.client_id')
    .where('token.account_id', accountId)
    .whereIn('token.model', ['AccessToken', 'RefreshToken'])
    .whereNull('token.consumed_at')
    .whereRaw('token.expires_at > now()')
    .orderBy('applications.name')
    .select(
      ...['token.client_id', 'applications.name', 'applications.icon', 'token.id_hash', 'token.payload'],
      ...['token.grant_hash', 'given.payload as grant_payload'],
    );
  if (memberId)
    tokens.whereIn('token.grant_hash', db('acting_members').where({ member_id: memberId }).select('of_hash'));

  const open = (idHash: Buffer, payload: Buffer): Sealed =>
    JSON.parse(keyring.unseal(`engine/${idHash.toString('hex')}`, payload));
  const found = new Map<string, GrantedApplication>();
  for (const row of (await tokens) as Row[]) {
    const given = open(row.grant_hash, row.grant_payload);
    const before = found.get(row.client_id);
    const times = [given.iat, open(row.id_hash, row.payload).iat].flatMap((iat) => (iat ? [iat * 1000] : []));
    const scopes = [...(given.openid?.scope ?? '').split(' '), ...scopesOfClaims(given.openid?.claims ?? [])];
    found.set(row.client_id, {
      clientId: row.client_id,
      name: row.name,
      icon: row.icon,
      scopes: [...new Set([...(before?.scopes ?? []), ...scopes])].filter((one) => one && one !== 'openid'),
      since: new Date(Math.min(...times, ...(before ? [before.since.getTime()] : []))),
      lastUsedAt: new Date(Math.max(...times, ...(before ? [before.lastUsedAt.getTime()] : []))),
    });
  }
  return [...found.values()];
}
