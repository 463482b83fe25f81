import { createAccount } from '../../src/accounts/accounts.ts';
import { parseEmailAddress } from '../../src/accounts/contacts.ts';
import type { Deps } from '../../src/deps.ts';

/** An active professional with one address; the password hash may be shared, hashing is slow by design. */
export async function createTestAccount(
  { knex, clock }: Deps,
  { email, passwordHash, givenName = 'Ange' }: { email: string; passwordHash: string; givenName?: string },
): Promise<string> {
  const parsed = parseEmailAddress(email);
  if (!parsed.ok) throw new Error(`unusable address: ${email}`);
  return createAccount(knex, clock, {
    kind: 'professional',
    state: 'active',
    familyName: 'DOC0091000',
    givenName,
    identityProof: 'declared',
    passwordHash,
    termsVersion: 'test',
    emails: [parsed.value],
    phones: [],
  });
}
