import { createAccount } from '../../src/accounts/accounts.ts';
import { parseEmailAddress } from '../../src/accounts/contacts.ts';
import { createSharedAccount } from '../../src/accounts/members.ts';
import { submitSignUp } from '../../src/approvals/approvals.ts';
import type { Deps } from '../../src/deps.ts';
import type { TestApp } from './app.ts';
import { type Page, signIn, type Visitor } from './visitor.ts';

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

interface Applicant {
  readonly email: string;
  readonly passwordHash: string;
  readonly familyName?: string;
  readonly givenName?: string;
  readonly rpps?: string;
  readonly language?: 'fr' | 'en';
}

/** A doctor who signed up by hand and waits. */
export async function createApplicant(
  { knex, clock, keyring }: Pick<Deps, 'knex' | 'clock' | 'keyring'>,
  { email, passwordHash, familyName = 'DOC0092000', givenName = 'Noa', rpps, language }: Applicant,
): Promise<{ accountId: string; approvalId: string }> {
  const parsed = parseEmailAddress(email);
  if (!parsed.ok) throw new Error(`unusable address: ${email}`);
  return knex.transaction(async (trx) => {
    const accountId = await createAccount(trx, clock, {
      kind: 'professional',
      state: 'pending',
      rpps,
      professionCode: '10',
      civiliteCode: 'MME',
      familyName,
      givenName,
      identityProof: 'declared',
      passwordHash,
      termsVersion: 'test',
      language,
      emails: [parsed.value],
      phones: [],
    });
    return { accountId, approvalId: await submitSignUp(trx, { clock, keyring }, { accountId }) };
  });
}

/** A shared account whose first secretary asks for it and waits. */
export async function createSharedApplicant(
  { knex, clock, keyring }: Pick<Deps, 'knex' | 'clock' | 'keyring'>,
  {
    email,
    passwordHash,
    responsibleRpps,
    language,
  }: { email: string; passwordHash: string; responsibleRpps?: string; language?: 'fr' | 'en' },
): Promise<{ accountId: string; approvalId: string }> {
  return knex.transaction(async (trx) => {
    const { accountId } = await createSharedAccount(
      trx,
      { clock },
      {
        title: 'Secrétariat du port',
        responsibleRpps,
        firstMember: {
          civiliteCode: 'MME',
          familyName: 'PETIT',
          givenName: 'Anne',
          email: { address: email, canonical: email.toLowerCase() },
          passwordHash,
          termsVersion: 'test',
          language,
        },
      },
    );
    const approvalId = await submitSignUp(trx, { clock, keyring }, { accountId });
    return { accountId, approvalId };
  });
}

/** An active administrator whose second factor is this phone. */
export async function createTestAdministrator(
  deps: Deps,
  { email, phone, passwordHash }: { email: string; phone: string; passwordHash: string },
): Promise<string> {
  const { knex, clock } = deps;
  const id = await createTestAccount(deps, { email, passwordHash, givenName: 'Lise' });
  await knex('account_roles').insert({ account_id: id, role: 'administrator' });
  await knex('phone_numbers').insert({
    id,
    account_id: id,
    number: phone,
    verified_at: clock.now(),
  });
  await knex('accounts').where({ id }).update({ preferred_factor: 'sms' });
  return id;
}

/** Signs the demo's administrator in, or another one. */
export const signInAdministrator = (
  app: TestApp,
  visitor: Visitor,
  { email = 'admin@example.test', phone = '+33639980099' } = {},
): Promise<Page> => signIn(app, visitor, '/connexion', { email, codeTo: phone });
