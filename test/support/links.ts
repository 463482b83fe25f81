import { createAccount } from '../../src/accounts/accounts.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { setEmailLink } from '../../src/applications/email-links.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Db } from '../../src/lib/database.ts';
import type { TestApp } from './app.ts';
import type { Page, Visitor } from './visitor.ts';

/** Links an address of whoever has it, as they would in their account. */
export async function linkEmail(app: TestApp, clientId: string, address: string): Promise<void> {
  const { knex } = app.database;
  const row = await knex('email_addresses')
    .where({ canonical: address.toLowerCase() })
    .first('id', 'account_id');
  const change = { accountId: row.account_id, clientId, emailId: row.id, actor: row.account_id };
  if (!(await setEmailLink(knex, app.deps, change))) throw new Error(`not linked: ${address}`);
}

/** Every address that the question on this page offers, with its value. */
export const offeredEmails = (page: Page): Map<string, string> =>
  new Map(
    [...page.text.matchAll(/name="email" value="([^"]+)"[\s\S]*?radio__title[^>]*>([^<]+)</g)].map(
      ([, value, address]) => [address as string, value as string],
    ),
  );

/** Answers the question with this address, and goes on. */
export function answerEmail(visitor: Visitor, page: Page, address: string): Promise<Page> {
  const email = offeredEmails(page).get(address);
  if (email === undefined) throw new Error(`${address} is not offered on ${page.url} (${page.status})`);
  return visitor.submit(page, { email }, page.url.includes('/ouvrir/') ? '' : '/adresse');
}

let made = 0;

/** An active professional with so many proved addresses; the first one signs in and is the starred one. */
export async function createAccountWithEmails(
  db: Db,
  count: number,
): Promise<{ id: string; emails: string[] }> {
  made += 1;
  const addresses = Array.from({ length: count }, (_, index) => `p${made}-${index}@example.test`);
  const id = await createAccount(db, clock, {
    kind: 'professional',
    state: 'active',
    familyName: 'DOC0091000',
    givenName: 'Ange',
    identityProof: 'declared',
    passwordHash: 'hash',
    termsVersion: 'test',
    emails: addresses.map((address) => ({ address, canonical: address })),
    phones: [],
  });
  const emails = await db('email_addresses').where({ account_id: id }).orderBy('address').pluck('id');
  return { id, emails };
}

/** An application of the portal that nobody signs in to. */
export const saveTestApplication = (db: Db, clientId: string): Promise<void> =>
  saveApplication(
    db,
    clock,
    {
      clientId,
      name: clientId,
      description: '',
      icon: 'mail',
      firstParty: true,
      onPortal: true,
      startUrl: undefined,
      metadata: {},
    },
    undefined,
  );
