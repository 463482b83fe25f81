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

// One read for the path that every token, refresh and userinfo takes; only an active account is found, and of a shared
// one only through a member who may still sign in.
const FIND_ACTIVE = {
  name: 'claims-find-active',
  text: `
    SELECT a.rpps, a.profession_code, a.civilite_exercice_code, a.title, a.family_name, a.given_name, m.id AS member_id,
           extract(epoch FROM a.updated_at)::bigint AS updated_at,
           coalesce(linked.address, sign_in.address) AS email,
           (SELECT number FROM phone_numbers p WHERE p.account_id = a.id AND p.member_id IS NULL
            ORDER BY verified_at, number LIMIT 1) AS phone
    FROM accounts a
    LEFT JOIN account_members m ON a.kind = 'shared' AND m.account_id = a.id AND m.state = 'active'
      AND m.id = coalesce($3::uuid, (SELECT member_id FROM acting_members WHERE of_hash = $4::bytea))
    JOIN email_addresses sign_in ON sign_in.account_id = a.id AND (sign_in.is_sign_in OR sign_in.member_id = m.id)
    LEFT JOIN application_emails link ON link.account_id = a.id AND link.client_id = $2
    LEFT JOIN email_addresses linked ON linked.id = link.email_id
    WHERE a.id = $1 AND a.state = 'active' AND (a.kind <> 'shared' OR m.id IS NOT NULL)`,
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
  const { rows } = await pool.query({
    ...FIND_ACTIVE,
    values: [accountId, clientId ?? '', memberId ?? null, hash ?? null],
  });
  const row = rows[0];
  if (!row) return undefined;
  const claims = {
    sub: accountId,
    name: row.title ?? `${row.given_name} ${row.family_name}`,
    given_name: row.given_name ?? undefined,
    family_name: row.family_name ?? undefined,
    updated_at: row.updated_at,
    email: row.email,
    email_verified: true,
    phone_number: row.phone ?? undefined,
    phone_number_verified: row.phone ? true : undefined,
    rpps: row.rpps ?? undefined,
    profession: row.profession_code ?? undefined,
    civilite_exercice: row.civilite_exercice_code ?? undefined,
  };
  return { claims, memberId: row.member_id ?? undefined };
}
