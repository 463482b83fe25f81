/** What a relying party learns of a person, scope by scope (OpenID Connect Core §5). */
import type pg from 'pg';

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
           linked.address AS linked_email, sign_in.address AS sign_in_email,
           (SELECT number FROM phone_numbers p WHERE p.account_id = a.id AND p.member_id IS NULL
            ORDER BY verified_at, number LIMIT 1) AS phone
    FROM accounts a
    LEFT JOIN email_addresses sign_in ON sign_in.account_id = a.id AND sign_in.is_sign_in
    LEFT JOIN application_emails link ON link.account_id = a.id AND link.client_id = $2
    LEFT JOIN email_addresses linked ON linked.id = link.email_id
    WHERE a.id = $1 AND a.state = 'active'`,
};
// A second one for a shared account, which is found only through a member who may still sign in.
const FIND_ACTIVE_MEMBER = {
  name: 'claims-find-active-member',
  text: `
    SELECT m.id, own.address AS email
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

/**
 * A shared account is named by its title and nothing else: under one `sub`, an application must not take the secretary of
 * the day for the person whom it knows. Who acted is for our own journal. Likewise a member's own phone is not the
 * account's.
 * @param clientId decides which of the addresses is given: the one linked to that application, else the one that signs
 * in. Both are proved.
 * @returns undefined for an account that is not active, or a member who ended: no token and no claim.
 */
export async function findClaims(
  pool: pg.Pool,
  accountId: string,
  clientId: string | undefined,
  { memberId, hash }: Acting = {},
): Promise<{ claims: Claims; memberId: string | undefined } | undefined> {
  const found = await pool.query({ ...FIND_ACTIVE, values: [accountId, clientId ?? ''] });
  const row = found.rows[0];
  if (!row) return undefined;
  const member =
    row.kind === 'shared'
      ? (await pool.query({ ...FIND_ACTIVE_MEMBER, values: [accountId, memberId, hash] })).rows[0]
      : undefined;
  const signInEmail = row.kind === 'shared' ? member?.email : row.sign_in_email;
  if (!signInEmail) return undefined;
  const claims = {
    sub: accountId,
    name: row.title ?? `${row.given_name} ${row.family_name}`,
    given_name: row.given_name ?? undefined,
    family_name: row.family_name ?? undefined,
    updated_at: row.updated_at,
    email: row.linked_email ?? signInEmail,
    email_verified: true,
    phone_number: row.phone ?? undefined,
    phone_number_verified: row.phone ? true : undefined,
    rpps: row.rpps ?? undefined,
    profession: row.profession_code ?? undefined,
    civilite_exercice: row.civilite_exercice_code ?? undefined,
  };
  return { claims, memberId: member?.id };
}
