import { setEmailLink } from '../../src/applications/email-links.ts';
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
