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
    SELECT a.rpps, a.profession_code, a.civilite_exercice_code, a.family_name, a.given_name,
           extract(epoch FROM a.updated_at)::bigint AS updated_at,
           coalesce(linked.address, sign_in.address) AS email,
           (SELECT number FROM phone_numbers p WHERE p.account_id = a.id ORDER BY verified_at, number LIMIT 1) AS phone
    FROM accounts a
    JOIN email_addresses sign_in ON sign_in.account_id = a.id AND sign_in.is_sign_in
    LEFT JOIN application_emails link ON link.account_id = a.id AND link.client_id = $2
    LEFT JOIN email_addresses linked ON linked.id = link.email_id
    WHERE a.id = $1 AND a.state = 'active'`,
};

export interface Claims {
  readonly sub: string;
  readonly [claim: string]: string | number | boolean | undefined;
}

/**
 * @param clientId decides which of the person's addresses is given: the one linked to that application, else the one
 * that signs in. Both are proved.
 * @returns undefined for an account that is not active: it gets no token and no claim.
 */
export async function findClaims(
  pool: pg.Pool,
  accountId: string,
  clientId: string | undefined,
): Promise<Claims | undefined> {
  const { rows } = await pool.query({ ...FIND_ACTIVE, values: [accountId, clientId ?? ''] });
  const row = rows[0];
  return (
    row && {
      sub: accountId,
      name: `${row.given_name} ${row.family_name}`,
      given_name: row.given_name,
      family_name: row.family_name,
      updated_at: row.updated_at,
      email: row.email,
      email_verified: true,
      phone_number: row.phone ?? undefined,
      phone_number_verified: row.phone ? true : undefined,
      rpps: row.rpps ?? undefined,
      profession: row.profession_code ?? undefined,
      civilite_exercice: row.civilite_exercice_code ?? undefined,
    }
  );
}
