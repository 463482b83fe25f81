/** People on the pages of « Authentification forte ». */

import type { JournalEvent } from '../../src/audit/journal.ts';
import type { TestApp } from '../support/app.ts';
import { type Page, signIn, Visitor } from '../support/visitor.ts';

export const OVERVIEW = '/mon-compte/authentification-forte';
export const PHONES = `${OVERVIEW}/telephones`;

export const CAMILLE = { email: 'camille@example.test' };
export const DOMINIQUE = { email: 'dominique@example.test', codeTo: '+33639980007' };
export const ADMIN = { email: 'admin@example.test', codeTo: '+33639980099' };

export interface Person {
  readonly email: string;
  readonly codeTo?: string;
}

export async function signedIn(app: TestApp, person: Person): Promise<Visitor> {
  const visitor = new Visitor(app.issuer);
  await signIn(app, visitor, '/connexion', person);
  return visitor;
}

/** A browser whose second proof is another than the one proposed first. */
export async function signedInBy(
  app: TestApp,
  { email, codeTo = email }: Person,
  other: { channel: string; codeTo: string },
): Promise<Visitor> {
  const visitor = new Visitor(app.issuer);
  const form = await visitor.get('/connexion');
  await app.codeSentBy(codeTo, () => visitor.submit(form, { email, password: 'demo-caducee-2026' }));
  const channels = await visitor.get(`${form.url}/canal`);
  const { result: page, code } = await app.codeSentBy(other.codeTo, () =>
    visitor.submit(channels, { channel: other.channel }, '/canal'),
  );
  await visitor.submit(page, { code }, '/code');
  return visitor;
}

/** Types a number and the code that it receives. */
export async function addPhone(
  app: TestApp,
  visitor: Visitor,
  number: string,
  typed = number,
): Promise<Page> {
  const form = await visitor.get(PHONES);
  const { result: codePage, code } = await app.codeSentBy(number, () =>
    visitor.submit(form, { number: typed }, '/telephones'),
  );
  return visitor.submit(codePage, { code });
}

export const accountIdOf = async (app: TestApp, { email }: Person): Promise<string> =>
  (await app.database.knex('email_addresses').where({ address: email }).first('account_id')).account_id;

/** Phones of an account, in the order of their numbers. */
export const phonesOf = async (app: TestApp, person: Person): Promise<string[]> =>
  app.database
    .knex('phone_numbers')
    .where({ account_id: await accountIdOf(app, person) })
    .orderBy('number')
    .pluck('number');

/** Changes of this account's security that the journal tells, oldest first. */
export async function changesOf(app: TestApp, person: Person): Promise<Record<string, unknown>[]> {
  const id = await accountIdOf(app, person);
  const entries: string[] = await app.database.knex('journal').orderBy('seq').pluck('entry');
  return entries
    .map((entry) => JSON.parse(entry))
    .filter(({ event, subject }) => event === 'security.changed' && subject === id)
    .map(({ details }) => details);
}

export const CONTACTS = '/mon-compte/coordonnees';
export const EMAIL_ADDITION = `${CONTACTS}/emails/ajouter`;
export const SETTINGS = '/mon-compte/parametres';
export const SIGN_IN_EMAIL = `${SETTINGS}/adresse-de-connexion`;

export const emailIdOf = async (app: TestApp, address: string): Promise<string> =>
  (await app.database.knex('email_addresses').where({ address }).first('id')).id;

/** Addresses of the account that has this one. */
export const emailsOf = async (app: TestApp, person: Person): Promise<string[]> =>
  app.database
    .knex('email_addresses')
    .where({ account_id: await accountIdOf(app, person) })
    .pluck('address');

/** Entries of one event about this account, oldest first. */
export const eventsOf = async (
  app: TestApp,
  person: Person,
  event: JournalEvent,
): Promise<Record<string, unknown>[]> => {
  const rows = app.database.knex('journal').where({ subject: await accountIdOf(app, person), event });
  const entries: string[] = await rows.orderBy('seq').pluck('entry');
  return entries.map((entry) => JSON.parse(entry));
};

/** Sends a form whose fields may share a name, with the token of `page` and to its address. */
export function sendFields(
  app: TestApp,
  visitor: Visitor,
  page: Page,
  fields: readonly (readonly [string, string])[],
): Promise<Page> {
  const token = /name="_csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
  return visitor.request(page.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: app.issuer },
    body: new URLSearchParams([['_csrf', token], ...fields] as [string, string][]),
  });
}
