/**
 * Every way in, against every account that may not come in. A new way is one more line of {@link WAYS}: what it does while
 * the account is active, then the last step, which must give nothing once it is not.
 */
import { expect } from 'chai';
import type { AccountState } from '../../src/accounts/accounts.ts';
import { transition } from '../../src/accounts/transition.ts';
import { ACR } from '../../src/openid/assurance.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Authenticator, passkeyOptionsOf } from '../support/authenticator.ts';
import { type Authorization, createTestClient, type TestClient } from '../support/client.ts';
import { addRecoveryCodes, addTotp, registerAuthenticator } from '../support/factors.ts';
import { totpAt } from '../support/totp.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const SECRET = 'demo-secret-messagerie-kept-by-nobody-0001';

describe('an account that may not come in gets no token', () => {
  let app: TestApp;
  let client: TestClient;
  let passwordHash: string;
  let people = 0;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
    passwordHash = await app.deps.hasher.hash(PASSWORD);
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  interface Person {
    readonly id: string;
    readonly email: string;
    readonly phone: string;
  }

  /** An active account with a phone. */
  async function createPerson(): Promise<Person> {
    people += 1;
    const email = `personne-${people}@example.test`;
    const phone = `+3363998${String(1_000 + people)}`;
    const id = await createTestAccount(app.deps, { email, passwordHash });
    await app.database
      .knex('phone_numbers')
      .insert({ id, account_id: id, number: phone, verified_at: app.clock.now() });
    return { id, email, phone };
  }

  /** Up to the page that takes the code, sent to the address or to the phone. */
  async function upToCode(visitor: Visitor, url: string, person: Person, channel: 'email' | 'sms-1') {
    const form = await visitor.get(url);
    const sent = await app.codeSentBy(person.email, () =>
      visitor.submit(form, { email: person.email, password: PASSWORD }),
    );
    if (channel === 'email') return sent;
    const channels = await visitor.get(`${form.url}/canal`);
    return app.codeSentBy(person.phone, () => visitor.submit(channels, { channel }, '/canal'));
  }

  async function signIn(visitor: Visitor, url: string, person: Person): Promise<Page> {
    const { result, code } = await upToCode(visitor, url, person, 'email');
    return visitor.submit(result, { code }, '/code');
  }

  /** What comes of a page that the application was, or was not, sent back to with a code. */
  async function tokensFrom(authorization: Authorization, page: Page): Promise<boolean> {
    const location = page.headers.get('location');
    if (!location?.startsWith(client.redirectUri)) return false;
    return client.exchange(authorization, location).then(
      ({ access_token: token }) => Boolean(token),
      () => false,
    );
  }

  const essential = {
    claims: JSON.stringify({ id_token: { acr: { essential: true, value: ACR.twoFactors } } }),
  };

  interface Way {
    readonly name: string;
    /** What is guessed on this way, if anything: too many tries close it. */
    readonly guessed?: 'password' | 'code';
    /** Goes as far as the last step. @returns that step, and whether it gave tokens. */
    readonly begin: (person: Person) => Promise<() => Promise<boolean>>;
  }

  const WAYS: Way[] = [
    { name: 'a password, then a code by e-mail', guessed: 'password', begin: whole('email') },
    { name: 'a password, then a code by SMS', guessed: 'password', begin: whole('sms-1') },
    { name: 'a code by e-mail after a password that was right', guessed: 'code', begin: lastCode('email') },
    { name: 'a code by SMS after a password that was right', guessed: 'code', begin: lastCode('sms-1') },
    { name: 'a code of an application', guessed: 'code', begin: totp },
    { name: 'a recovery code', guessed: 'code', begin: recoveryCode },
    { name: 'a passkey after a password', begin: passkeySecond },
    { name: 'a passkey alone', begin: passkeyAlone },
    { name: 'a step-up by SMS', guessed: 'code', begin: stepUp },
    { name: 'a session', begin: session },
    { name: 'a session, without a question', begin: (person) => session(person, { prompt: 'none' }) },
    { name: 'a code of an authorization in flight', begin: codeInFlight },
    { name: 'a refresh token', begin: refresh },
    { name: 'an access token, at userinfo', begin: userinfo },
  ];

  function whole(channel: 'email' | 'sms-1'): Way['begin'] {
    return async (person) => async () => {
      const visitor = new Visitor(app.issuer);
      const authorization = await client.authorize();
      const form = await visitor.get(authorization.url);
      const before = { email: app.codesTo(person.email), sms: app.codesTo(person.phone) };
      let page = await visitor.submit(form, { email: person.email, password: PASSWORD });
      if (!page.url.endsWith('/code')) return false;
      let code = await app.waitForCode(person.email, before.email);
      if (channel === 'sms-1') {
        page = await visitor.submit(await visitor.get(`${form.url}/canal`), { channel }, '/canal');
        code = await app.waitForCode(person.phone, before.sms);
      }
      return tokensFrom(authorization, await visitor.submit(page, { code }, '/code'));
    };
  }

  /** Sends a code to the page that takes it; a page that moved on takes none. */
  const sendCode = async (visitor: Visitor, page: Page, code: string): Promise<Page> =>
    visitor.follow(await visitor.send(page, { code }));

  const codePages = new Map<string, { visitor: Visitor; page: Page; code: string }>();

  function lastCode(channel: 'email' | 'sms-1'): Way['begin'] {
    return async (person) => {
      const visitor = new Visitor(app.issuer);
      const authorization = await client.authorize();
      const { result: page, code } = await upToCode(visitor, authorization.url, person, channel);
      codePages.set(person.id, { visitor, page, code });
      return async () => tokensFrom(authorization, await sendCode(visitor, page, code));
    };
  }

  /** After a password that was right, at the factor proposed first or at the one chosen. */
  async function atFactor(person: Person, channel?: string) {
    const visitor = new Visitor(app.issuer);
    const authorization = await client.authorize();
    const form = await visitor.get(authorization.url);
    let page = await visitor.submit(form, { email: person.email, password: PASSWORD });
    if (channel) page = await visitor.submit(await visitor.get(`${form.url}/canal`), { channel }, '/canal');
    return { visitor, authorization, page };
  }

  async function totp(person: Person) {
    const seed = await addTotp(app, person.email);
    const { visitor, authorization, page } = await atFactor(person);
    const code = totpAt(seed, app.clock.now().getTime() / 1000);
    codePages.set(person.id, { visitor, page, code });
    return async () => tokensFrom(authorization, await sendCode(visitor, page, code));
  }

  async function recoveryCode(person: Person) {
    const [code = ''] = await addRecoveryCodes(app, person.email);
    const { visitor, authorization, page } = await atFactor(person, 'recovery-code');
    codePages.set(person.id, { visitor, page, code });
    return async () => tokensFrom(authorization, await sendCode(visitor, page, code));
  }

  async function addPasskey({ email }: Person): Promise<Authenticator> {
    const authenticator = new Authenticator(app.issuer);
    await registerAuthenticator(app, email, authenticator);
    return authenticator;
  }

  async function passkeySecond(person: Person) {
    const authenticator = await addPasskey(person);
    const { visitor, authorization, page } = await atFactor(person);
    const passkey = authenticator.get(passkeyOptionsOf(page));
    return async () => tokensFrom(authorization, await visitor.follow(await visitor.send(page, { passkey })));
  }

  async function passkeyAlone(person: Person) {
    const authenticator = await addPasskey(person);
    const visitor = new Visitor(app.issuer);
    const authorization = await client.authorize();
    const page = await visitor.get(authorization.url);
    const passkey = authenticator.get(passkeyOptionsOf(page));
    const action = `${new URL(page.url).pathname}/avec-ma-cle`;
    return async () =>
      tokensFrom(authorization, await visitor.follow(await visitor.send(page, { passkey }, action)));
  }

  async function stepUp(person: Person) {
    const visitor = new Visitor(app.issuer);
    await signIn(visitor, (await client.authorize()).url, person);
    const authorization = await client.authorize(essential);
    const form = await visitor.get(authorization.url);
    const { result: page, code } = await app.codeSentBy(person.phone, () =>
      visitor.submit(form, { channel: 'sms-1' }, '/canal'),
    );
    codePages.set(person.id, { visitor, page, code });
    return async () => tokensFrom(authorization, await sendCode(visitor, page, code));
  }

  async function session(person: Person, parameters: Record<string, string> = {}) {
    const visitor = new Visitor(app.issuer);
    await signIn(visitor, (await client.authorize()).url, person);
    return async () => {
      const authorization = await client.authorize(parameters);
      return tokensFrom(authorization, await visitor.get(authorization.url));
    };
  }

  async function codeInFlight(person: Person) {
    const authorization = await client.authorize();
    const back = await signIn(new Visitor(app.issuer), authorization.url, person);
    return () => tokensFrom(authorization, back);
  }

  async function tokensOf(person: Person) {
    const authorization = await client.authorize();
    const back = await signIn(new Visitor(app.issuer), authorization.url, person);
    return client.exchange(authorization, back.headers.get('location') as string);
  }

  async function refresh(person: Person) {
    const { refresh_token: token } = await tokensOf(person);
    return async () => {
      const answer = await fetch(`${app.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`messagerie:${SECRET}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token as string }),
      });
      return answer.ok;
    };
  }

  async function userinfo(person: Person) {
    const { access_token: token } = await tokensOf(person);
    return async () =>
      (await fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).ok;
  }

  /** By the column alone, so that every way must look at it: what a transition revokes is tested with transitions. */
  const put = (state: AccountState) => async (person: Person) => {
    await app.database.knex('accounts').where({ id: person.id }).update({ state });
  };
  const move = (to: 'suspended' | 'closed') => (person: Person) =>
    transition(app.database.knex, app.deps, { accountId: person.id, to, by: { role: 'system' } });

  const STATES: [string, (person: Person) => Promise<unknown>][] = [
    ['suspended', put('suspended')],
    ['suspended, by its transition', move('suspended')],
    ['pending', put('pending')],
    ['refused', put('refused')],
    ['closed', put('closed')],
    ['closed, by its transition', move('closed')],
  ];

  /** Guesses until the account takes no more. */
  const LOCKS: Readonly<Record<'password' | 'code', (person: Person) => Promise<void>>> = {
    async password({ email }) {
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get('/connexion');
      for (let tries = 0; tries < 40; tries += 1) {
        const page = await visitor.submit(form, { email, password: `wrong-${tries}-password` });
        if (wordsOf(page).includes("Trop d'essais")) return;
      }
      throw new Error('the password may be guessed for ever');
    },
    // As if the guesses had been made with other codes: the one that was sent has tries left.
    async code({ id }) {
      const { visitor, page, code } = codePages.get(id) as { visitor: Visitor; page: Page; code: string };
      // Of the same shape, and of nobody.
      const wrong = code.replace(/[0-9a-z](?=[^-]*$)/, (sign) => (sign === '0' ? '1' : '0'));
      for (let tries = 0; tries < 100; tries += 1) {
        await app.database.knex('one_time_codes').update({ attempts: 0 });
        if (wordsOf(await visitor.send(page, { code: wrong })).includes("Trop d'essais en peu de temps")) {
          await app.database.knex('one_time_codes').update({ attempts: 0 });
          return;
        }
      }
      throw new Error('codes may be guessed for ever');
    },
  };

  for (const { name, begin, guessed } of WAYS)
    describe(`by ${name}`, () => {
      it('but while it is active', async () => {
        expect(await (await begin(await createPerson()))()).to.equal(true);
      });
      for (const [state, become] of STATES)
        it(state, async () => {
          const person = await createPerson();
          const last = await begin(person);
          await become(person);
          expect(await last()).to.equal(false);
        });
      if (guessed)
        it('locked by guesses', async () => {
          const person = await createPerson();
          const last = await begin(person);
          await LOCKS[guessed](person);
          expect(await last()).to.equal(false);
        });
    });
});
