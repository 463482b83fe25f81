/** What a relying party learns of a person, scope by scope (OpenID Connect Core §5). */
import type pg from 'pg';
import { asAccessRules, mayEnter } from '../applications/access.ts';

/** Claims released by each scope. */
export const CLAIMS_BY_SCOPE: Readonly<Record<string, readonly string[]>> = {
  openid: ['sub', 'acr', 'amr', 'auth_time'],
  profile: ['name', 'family_name', 'given_name', 'updated_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  rpps: ['rpps', 'profession', 'civilite_exercice'],
};

// One read for the path that every token, refresh and userinfo takes; only an active account is found.
const FIND_ACTIVE = {
  name: 'claims-find-active',
  text: `
    SELECT a.kind, a.rpps, a.profession_code, a.civilite_exercice_code, a.title, a.family_name, a.given_name,
           extract(epoch FROM a.updated_at)::bigint AS updated_at,
           linked.address AS linked_email, sign_in.id IS NOT NULL AS signs_in,
           application.allowed_professions, application.allowed_kinds, used.last_used_at,
           (SELECT number FROM phone_numbers p WHERE p.account_id = a.id AND p.member_id IS NULL
            ORDER BY verified_at, number LIMIT 1) AS phone
    FROM accounts a
    LEFT JOIN email_addresses sign_in ON sign_in.account_id = a.id AND sign_in.is_sign_in
    LEFT JOIN application_emails link ON link.account_id = a.id AND link.client_id = $2
    LEFT JOIN email_addresses linked ON linked.id = link.email_id AND linked.released_at IS NULL
    LEFT JOIN applications application ON application.client_id = $2
    LEFT JOIN application_uses used ON used.account_id = a.id AND used.client_id = $2
    WHERE a.id = $1 AND a.state = 'active'`,
};
// A second one for a shared account, which is found only through a member who may still sign in.
const FIND_ACTIVE_MEMBER = {
  name: 'claims-find-active-member',
  text: `
    SELECT m.id
    FROM account_members m
    JOIN email_addresses own ON own.member_id = m.id
    WHERE m.account_id = $1 AND m.state = 'active'
      AND m.id = coalesce($2::uuid, (SELECT member_id FROM acting_members WHERE of_hash = $3::bytea))`,
};

/** Who acts for a shared account: the member who just signed in, else whoever stands behind a session or a grant. */
export interface Acting {
  readonly memberId?: string | undefined;
  /** Digest of the session or of the grant (acting-members.ts). */
  readonly hash?: Buffer | undefined;
}

export interface Claims {
  readonly sub: string;
  readonly [claim: string]: string | number | boolean | undefined;
}

/** An account as one application may see it. */
export interface SeenAccount {
  readonly claims: Claims;
  /** Who acts for a shared account. */
  readonly memberId: string | undefined;
  /** Whether the application's rules let it in. */
  readonly mayEnter: boolean;
  /** When it last opened the application, within an hour. */
  readonly lastUsedAt: Date | undefined;
}

/**
 * A shared account is named by its title and nothing else: under one `sub`, an application must not take the secretary of
 * the day for the person whom it knows. Who acted is for our own journal. Likewise a member's own phone is not the
 * account's.
 * @param clientId decides which address is given: the one linked to that application (applications/email-links.ts), and
 * none when there is no link.
 * @returns undefined for an account that is not active, or a member who ended: no token and no claim.
 */
export async function findClaims(
  pool: pg.Pool,
  accountId: string,
  clientId: string | undefined,
  { memberId, hash }: Acting = {},
): Promise<SeenAccount | undefined> {
  const found = await pool.query({ ...FIND_ACTIVE, values: [accountId, clientId ?? ''] });
  const row = found.rows[0];
  if (!row) return undefined;
  const member =
    row.kind === 'shared'
      ? (await pool.query({ ...FIND_ACTIVE_MEMBER, values: [accountId, memberId, hash] })).rows[0]
      : undefined;
  if (row.kind === 'shared' ? !member : !row.signs_in) return undefined;
  const claims = {
    sub: accountId,
    name: row.title ?? `${row.given_name} ${row.family_name}`,
    given_name: row.given_name ?? undefined,
    family_name: row.family_name ?? undefined,
    updated_at: row.updated_at,
    email: row.linked_email ?? undefined,
    // An address that is linked is a proved one.
    email_verified: row.linked_email ? true : undefined,
    phone_number: row.phone ?? undefined,
    phone_number_verified: row.phone ? true : undefined,
    rpps: row.rpps ?? undefined,
    profession: row.profession_code ?? undefined,
    civilite_exercice: row.civilite_exercice_code ?? undefined,
  };
  return {
    claims,
    memberId: member?.id,
    mayEnter: mayEnter(asAccessRules(row), {
      kind: row.kind,
      professionCode: row.profession_code ?? undefined,
    }),
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
