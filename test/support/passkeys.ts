/** People with passkeys, through the pages that a browser would go through. */
import { expect } from 'chai';
import type { TestApp } from './app.ts';
import { Authenticator, type Lies, passkeyOptionsOf } from './authenticator.ts';
import type { Authorization, TestClient } from './client.ts';
import { type Page, signIn, Visitor, wordsOf } from './visitor.ts';

export const PASSWORD = 'demo-caducee-2026';
export const PASSKEYS = '/mon-compte/authentification-forte/cles-d-acces';

/** Signed in a moment ago, by a code, on the page of one's passkeys. */
export async function atPasskeys(
  app: TestApp,
  person: { email: string; password?: string; codeTo?: string },
) {
  const visitor = new Visitor(app.issuer);
  await visitor.follow(await signIn(app, visitor, '/connexion?vers=cles-d-acces', person));
  return { visitor, page: await visitor.get(PASSKEYS) };
}

/** @returns a new passkey of who signs in by an e-mail code. */
export async function addPasskey(
  app: TestApp,
  email: string,
  {
    password = PASSWORD,
    lies = {},
    authenticator = new Authenticator(app.issuer),
  }: {
    password?: string;
    lies?: Lies;
    authenticator?: Authenticator;
  } = {},
): Promise<Authenticator> {
  const { visitor, page } = await atPasskeys(app, { email, password });
  const added = await visitor.send(page, {
    name: 'Clé',
    passkey: authenticator.create(passkeyOptionsOf(page), lies),
  });
  expect(wordsOf(added)).to.include('est en place');
  return authenticator;
}

export interface Begun {
  readonly visitor: Visitor;
  readonly authorization: Authorization;
  readonly page: Page;
}

/** On the page that asks for a password, or a passkey instead. */
export async function atThePassword({
  client,
  visitor,
  parameters = {},
}: {
  client: TestClient;
  visitor: Visitor;
  parameters?: Readonly<Record<string, string>>;
}): Promise<Begun> {
  const authorization = await client.authorize(parameters);
  return { visitor, authorization, page: await visitor.get(authorization.url) };
}

/** Sends a passkey in place of the password. */
export const sendAlone = (visitor: Visitor, page: Page, passkey: string): Promise<Page> =>
  visitor.send(
    page,
    { passkey },
    `${/^\/connexion\/[^/]+/.exec(new URL(page.url).pathname)?.[0]}/avec-ma-cle`,
  );

/** Whether this answer goes on to the application. */
export const goesOn = ({ status, headers }: Page): boolean =>
  status === 303 && String(headers.get('location')).includes('/authorize/');
