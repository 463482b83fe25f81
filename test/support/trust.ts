/** Browsers in which somebody asked not to be asked the second step again. */
import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import type { TestApp } from './app.ts';
import { createTestClient, type TestClient } from './client.ts';
import { forgetFactors } from './factors.ts';
import { type Page, Visitor, wordsOf } from './visitor.ts';

export const BOX = 'Faire confiance à cet appareil pendant 30 jours';
export const CODE_PAGE = 'Un code vous attend';
const COOKIE = /^caducee_trust_[0-9a-f]{16}$/;
const SKIPPED = { acr: 'urn:caducee:acr:2sv-device', amr: ['pwd', 'device'] };

/** Types the address and the password. */
export const typePassword = async (visitor: Visitor, url: string, email: string): Promise<Page> =>
  visitor.submit(await visitor.get(url), { email, password: DEMO_PASSWORD });

export const trustCookies = async (app: TestApp, visitor: Visitor) =>
  (await visitor.jar.getCookies(app.issuer)).filter(({ key }) => COOKIE.test(key));

/** The value of this browser's only trust, if any. */
export const tokenOf = async (app: TestApp, visitor: Visitor): Promise<string | undefined> =>
  (await trustCookies(app, visitor))[0]?.value;

export const hold = (app: TestApp, visitor: Visitor, name: string, token: string) =>
  visitor.jar.setCookie(`${name}=${token}; Path=/`, app.issuer);

/** Forgets everything but trust, so that nobody is signed in. */
export async function leave(app: TestApp, visitor: Visitor): Promise<Visitor> {
  for (const { key } of await visitor.jar.getCookies(app.issuer))
    if (!COOKIE.test(key)) await visitor.jar.setCookie(`${key}=; Path=/; Max-Age=0`, app.issuer);
  return visitor;
}

/** Starts from nothing: no factor, and no code under way that the next test could take for its own. */
export async function forgetTrust(app: TestApp): Promise<void> {
  await forgetFactors(app);
  while (await app.deps.knex('messages').where({ sent_at: null, given_up_at: null }).first('id'))
    await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A browser in which this person, whose code comes by e-mail, ticked the box and left. */
export async function trusting(
  app: TestApp,
  email: string,
  visitor: Visitor = new Visitor(app.issuer),
): Promise<Visitor> {
  const { result: page, code } = await app.codeSentBy(email, () =>
    typePassword(visitor, '/connexion?vers=appareils-de-confiance', email),
  );
  expect(wordsOf(page)).to.include(BOX);
  const back = await visitor.submit(page, { code, trust: 'yes' }, '/code');
  expect(wordsOf(back)).to.include('cet appareil');
  return leave(app, visitor);
}

/** Signs in to « Messagerie » by the password. @returns what its ID token tells, or the words of the page that asks more. */
export async function signInTo(
  client: TestClient,
  visitor: Visitor,
  email: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<{ acr?: unknown; amr?: unknown; words?: string }> {
  // No address is asked for: which one to give is another question.
  const authorization = await client.authorize({ scope: 'openid', ...parameters });
  const page = await typePassword(visitor, authorization.url, email);
  if (page.status !== 303) return { words: wordsOf(page) };
  const claims = (await client.exchange(authorization, page.headers.get('location') as string)).claims();
  return { acr: claims?.acr, amr: claims?.amr };
}

/** What a sign-in to « Messagerie » must do in a browser where nobody is signed in. */
export async function createExpectations(app: TestApp) {
  const client = await createTestClient(app.issuer, 'messagerie');
  const again = async (visitor: Visitor, email: string) => signInTo(client, await leave(app, visitor), email);
  return {
    client,
    skipped: async (visitor: Visitor, email: string) =>
      expect(await again(visitor, email)).to.deep.equal(SKIPPED),
    asked: async (visitor: Visitor, email: string) =>
      expect((await again(visitor, email)).words, 'asks the second step').to.include(CODE_PAGE),
  };
}

/** Entries of the journal about one event, oldest first. */
export const eventsOf = async (app: TestApp, event: string) =>
  (await app.deps.knex('journal').where({ event }).orderBy('seq')).map(({ entry }) => JSON.parse(entry));
