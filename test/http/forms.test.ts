import { hash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import type Router from '@koa/router';
import { expect } from 'chai';
import { createApp } from '../../src/app.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { headerOf, type RawAnswer, sendRaw } from '../support/raw.ts';
import { startUnder } from '../support/under.ts';
import { type Page, signIn, Visitor } from '../support/visitor.ts';

const FORM = 'application/x-www-form-urlencoded';
const REGISTERED = { birthdate: '17/06/1980', rpps: '99700900014', terms: 'accept' };
const STACK = /\n\s+at |node:internal|node_modules|\.ts:\d+|PostgreSQL|syntax error|select "|insert into/i;

const tokenOf = (page: Page): string => /name="_csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';

describe('forms and pages', () => {
  let app: TestApp;
  /** Our own POST routes, with something in place of each parameter. */
  let routes: { path: string; methods: string[] }[];
  let posts: string[];

  before(async () => {
    app = await startTestApp();
    const { app: koa } = await createApp(app.deps);
    const { router } = koa.middleware.find((one) => 'router' in one) as unknown as { router: Router };
    routes = router.stack.map(({ path, methods }) => ({ path: String(path), methods }));
    posts = routes
      .filter(({ methods }) => methods.some((method) => !['GET', 'HEAD'].includes(method)))
      .map(({ path }) => path.replaceAll(/:\w+/g, 'a'.repeat(43)));
    await saveApplication(
      app.database.knex,
      app.clock,
      {
        clientId: 'third-party',
        name: 'Agenda',
        description: '',
        icon: 'calendar',
        firstParty: false,
        onPortal: false,
        startUrl: undefined,
        metadata: {
          redirect_uris: ['http://localhost:4009/callback'],
          grant_types: ['authorization_code'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        },
      },
      undefined,
    );
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  function expectPage(page: Page, status: number | readonly number[], what: string): void {
    expect(page.status, what).to.be.oneOf([status].flat());
    expect(page.headers.get('content-type'), what).to.equal('text/html; charset=utf-8');
    expect(page.text, what).to.contain('<html lang="fr">').and.to.contain('</html>');
    expect(page.text, what).not.to.match(STACK);
  }

  const post = (
    visitor: Visitor,
    url: string,
    body: NonNullable<RequestInit['body']>,
    headers: Record<string, string> = {},
  ) =>
    visitor.request(url, {
      method: 'POST',
      headers: { 'content-type': FORM, origin: app.issuer, ...headers },
      body,
    });

  // A form of each page, with the fields that a person would fill; the state of the journey is as the page needs it.
  type Room = { visitor: Visitor; page: Page; action: string; fields: Record<string, string> };
  const camille = { email: 'camille@example.test', password: 'demo-caducee-2026' };

  async function passwordForm(): Promise<Room> {
    const visitor = new Visitor(app.issuer);
    const page = await visitor.get('/connexion');
    return { visitor, page, action: page.url, fields: { ...camille } };
  }
  async function codeForm(email: string): Promise<Room> {
    const { visitor, page, fields } = await passwordForm();
    const codePage = await visitor.submit(page, { ...fields, email });
    return { visitor, page: codePage, action: codePage.url, fields: { code: '000000' } };
  }
  async function consentForm(): Promise<Room> {
    const visitor = new Visitor(app.issuer);
    const client = await createTestClient(app.issuer, 'third-party', {
      redirectUri: 'http://localhost:4009/callback',
    });
    const { url } = await client.authorize({ scope: 'openid email' });
    const page = await signIn(app, visitor, url, { email: camille.email });
    return { visitor, page, action: `${page.url}/consentement`, fields: { decision: 'deny' } };
  }
  async function identifyForm(): Promise<Room> {
    const visitor = new Visitor(app.issuer);
    const page = await visitor.get('/inscription/ordre?connexion=aaaaaaaaaaaaaaaaaaaaa');
    return { visitor, page, action: page.url, fields: { ...REGISTERED, connexion: 'aaaaaaaaaaaaaaaaaaaaa' } };
  }
  async function contactForm(): Promise<Room> {
    const { visitor, page, fields } = await identifyForm();
    const contact = await visitor.submit(page, fields);
    return { visitor, page: contact, action: `${contact.url}/contact`, fields: { contact: 'email' } };
  }
  async function signUpCodeForm(contact: 'email' | 'sms'): Promise<Room> {
    const { visitor, page } = await contactForm();
    const code = await visitor.submit(page, { contact });
    return { visitor, page: code, action: `${code.url}/code`, fields: { code: '000000' } };
  }
  async function credentialsForm(contact: 'email' | 'sms'): Promise<Room> {
    const to = contact === 'email' ? 'alix@example.test' : '+33639980001';
    const {
      result: { visitor, page },
      code,
    } = await app.codeSentBy(to, () => signUpCodeForm(contact));
    const credentials = await visitor.submit(page, { code }, '/code');
    const chosen = 'alix.essai@example.test';
    const passwords = { password: 'cheval batterie agrafe', passwordConfirmation: 'another' };
    const addresses = contact === 'sms' ? { email: chosen, emailConfirmation: chosen } : {};
    return {
      visitor,
      page: credentials,
      action: `${credentials.url}/identifiants`,
      fields: { ...addresses, ...passwords },
    };
  }
  async function addressForm(): Promise<Room> {
    const { visitor, page, fields } = await credentialsForm('sms');
    const passwordConfirmation = fields.password ?? '';
    const address = await visitor.submit(page, { ...fields, passwordConfirmation });
    return { visitor, page: address, action: `${address.url}/adresse`, fields: { code: '000000' } };
  }
  const ROOMS: Readonly<Record<string, () => Promise<Room>>> = {
    password: passwordForm,
    'sign-in code': () => codeForm('camille@example.test'),
    channel: async () => {
      const room = await codeForm('dominique@example.test');
      const action = room.page.url.replace(/\/code$/, '/canal');
      return { ...room, page: await room.visitor.get(action), action, fields: { channel: 'email' } };
    },
    consent: consentForm,
    identify: identifyForm,
    contact: contactForm,
    'sign-up code': () => signUpCodeForm('email'),
    'credentials after e-mail': () => credentialsForm('email'),
    'credentials after SMS': () => credentialsForm('sms'),
    address: addressForm,
  };

  describe('a form that our page did not send', () => {
    it('is looked for at every route that changes something', () => {
      expect(posts).to.have.length.greaterThan(9);
      expect(posts).to.include.members(['/inscription/ordre', `/connexion/${'a'.repeat(43)}/consentement`]);
      for (const { path, methods } of routes)
        expect(methods, path).to.satisfy((all: string[]) => all.length <= 2);
    });

    it('is refused at every route, and would not be with its token', async () => {
      const visitor = new Visitor(app.issuer);
      const token = tokenOf(await visitor.get('/inscription/ordre'));
      const other = tokenOf(await new Visitor(app.issuer).get('/inscription/ordre'));
      expect(token)
        .to.match(/^[0-9a-f]{64}$/)
        .and.not.to.equal(other);
      const encoded = (value: string) => `_csrf=${encodeURIComponent(value)}`;
      const attempts: [what: string, who: Visitor, body: string, headers: Record<string, string>][] = [
        ['without a token', visitor, '', {}],
        ['with an empty token', visitor, encoded(''), {}],
        ['with the token of another browser', visitor, encoded(other), {}],
        ['with part of the token', visitor, encoded(token.slice(0, 62)), {}],
        ['with more than the token', visitor, encoded(`${token}00`), {}],
        ['with the token twice', visitor, `${encoded(token)}&${encoded(token)}`, {}],
        ['with the token as a list', visitor, `_csrf[]=${token}`, {}],
        ['with the token in the address only', visitor, '', { 'x-csrf-token': token }],
        ['without the browser’s cookie', new Visitor(app.issuer), encoded(token), {}],
        ['from a foreign origin', visitor, encoded(token), { origin: 'https://evil.test' }],
        ['from a look-alike origin', visitor, encoded(token), { origin: `${app.issuer}.evil.test` }],
        [
          'from the issuer’s host on another scheme',
          visitor,
          encoded(token),
          { origin: app.issuer.replace('http', 'https') },
        ],
        ['from a hidden origin', visitor, encoded(token), { origin: 'null' }],
        ['from another site', visitor, encoded(token), { 'sec-fetch-site': 'cross-site' }],
        ['from a sibling site', visitor, encoded(token), { 'sec-fetch-site': 'same-site' }],
        [
          'from a hidden origin of another site',
          visitor,
          encoded(token),
          { origin: 'null', 'sec-fetch-site': 'cross-site' },
        ],
      ];
      for (const path of posts) {
        for (const [what, who, body, headers] of attempts) {
          const answer = await post(who, `${path}?_csrf=${token}`, body, headers);
          expectPage(answer, 403, `${path} ${what}`);
          expect(answer.text).to.contain('Cette page est trop ancienne');
        }
        for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, {}]) {
          const answer = await post(visitor, path, encoded(token), headers);
          // A search answers with its list, whatever it found.
          expect(answer.status, path).to.be.oneOf(
            path.startsWith('/inscription') && path.endsWith('/recherche')
              ? [200, 410]
              : [303, 400, 410, 422],
          );
        }
      }
    });

    it('is refused as JSON, multipart or plain text, token included', async () => {
      const visitor = new Visitor(app.issuer);
      const _csrf = tokenOf(await visitor.get('/inscription/ordre'));
      const parts = new FormData();
      parts.set('_csrf', _csrf);
      for (const path of posts) {
        const json = JSON.stringify({ _csrf, ...REGISTERED });
        expectPage(await post(visitor, path, json, { 'content-type': 'application/json' }), 403, path);
        expectPage(await post(visitor, path, `_csrf=${_csrf}`, { 'content-type': 'text/plain' }), 403, path);
        const multipart = await visitor.request(path, {
          method: 'POST',
          headers: { origin: app.issuer },
          body: parts,
        });
        expectPage(multipart, 403, path);
      }
    });

    it('changes nothing', async () => {
      const { visitor, page, action } = await contactForm();
      const before = await app.database.knex('journeys').select('id_hash', 'version');
      await post(visitor, action, 'contact=email');
      await post(visitor, action, `contact=email&_csrf=${tokenOf(page)}`, { origin: 'https://evil.test' });
      expect(await app.database.knex('journeys').select('id_hash', 'version')).to.deep.equal(before);
    });
  });

  describe('a body that no form of ours makes', () => {
    it('is refused when it is large, declared or not, packed or not', async () => {
      const { visitor, page, action, fields } = await passwordForm();
      const base = new URLSearchParams({ ...fields, _csrf: tokenOf(page) }).toString();
      const large = `${base}&more=${'a'.repeat(1024 * 1024)}`;
      const stream = new Blob([large]).stream();
      for (const answer of [
        await post(visitor, action, large),
        await visitor.request(action, {
          method: 'POST',
          headers: { 'content-type': FORM, origin: app.issuer },
          body: stream,
          duplex: 'half',
        } as RequestInit),
        await post(visitor, action, gzipSync(large), { 'content-encoding': 'gzip' }),
      ]) {
        expectPage(answer, 413, 'large');
        expect(answer.text).to.contain('Envoi trop volumineux');
      }
      for (const name of Object.keys(fields)) {
        const body = new URLSearchParams({
          ...fields,
          [name]: 'a'.repeat(1024 * 1024),
          _csrf: tokenOf(page),
        });
        expectPage(await post(visitor, action, body), 413, name);
      }
    });

    it('is refused when it cannot be read', async () => {
      const { visitor, page, action } = await passwordForm();
      const token = `_csrf=${tokenOf(page)}`;
      for (const [what, body, headers] of [
        ['unpackable', token, { 'content-encoding': 'gzip' }],
        ['unknown packing', token, { 'content-encoding': 'zstd' }],
        ['unknown charset', token, { 'content-type': `${FORM}; charset=utf-7` }],
        ['many fields', `${token}${'&a=1'.repeat(5_000)}`, {}],
        ['deep fields', `${token}&a${'[a]'.repeat(500)}=1`, {}],
        [
          'long list',
          `${token}&${Array.from({ length: 500 }, (_, index) => `email[${index}]=a`).join('&')}`,
          {},
        ],
        ['a hole in a list', `${token}&email[99999999]=a`, {}],
        ['prototype', `${token}&__proto__[email]=a&constructor[prototype][email]=a&__proto__=a`, {}],
        ['broken escapes', `${token}&email=%&password=%zz%ff%fe`, {}],
        ['half a surrogate', `${token}&email=%ED%A0%80@example.test&password=%ED%A0%80`, {}],
      ] as [string, string, Record<string, string>][]) {
        const answer = await post(visitor, action, body, headers);
        expectPage(answer, [400, 403, 413, 415, 422], what);
      }
      expect({} as Record<string, unknown>).not.to.have.property('email');
    });

    it('counts a field that came twice, or as a list, as absent', async () => {
      const { visitor, page, action, fields } = await passwordForm();
      const token = `_csrf=${tokenOf(page)}`;
      const rest = new URLSearchParams({ password: fields.password ?? '' });
      for (const twice of [
        'email=camille@example.test&email=camille@example.test',
        'email=sacha@example.test&email=camille@example.test',
        'email[]=camille@example.test',
        'email[a]=camille@example.test',
      ]) {
        const answer = await post(visitor, action, `${token}&${rest}&${twice}`);
        expectPage(answer, 422, twice);
        expect(answer.text, twice).to.contain('Indiquez votre adresse mail.').and.not.to.contain('camille@');
      }
      const { visitor: other, page: code, action: codeAction } = await codeForm(camille.email);
      const answer = await post(other, codeAction, `_csrf=${tokenOf(code)}&code=000000&code=000001`);
      expectPage(answer, 422, 'two codes');
      expect(answer.text).to.contain('Saisissez le code que vous avez reçu.');
    });
  });

  describe('hostile text in a field', () => {
    const HOSTILE = [
      '\u0000',
      'a\u0000b',
      'camille@example.test\u0000',
      '\u0007\u001b[31m\u007f\u0085',
      'x\r\nSet-Cookie: a=b\r\n\r\n<html>',
      '\u2028\u2029\ufeff\u202e',
      '<script>alert(1)</script>',
      `"><img src=x onerror=alert(1)>`,
      `' OR '1'='1' --`,
      '{{ 7*7 }}{% raw %}',
      '𝕏'.repeat(2_000),
      '9'.repeat(5_000),
      '__proto__',
      'constructor',
    ];

    for (const [name, open] of Object.entries(ROOMS)) {
      it(`gets a page, at the ${name} form`, async () => {
        let room = await open();
        for (const field of Object.keys(room.fields)) {
          for (const value of HOSTILE) {
            await app.database.knex('throttle_counters').delete();
            const what = `${field}=${JSON.stringify(value).slice(0, 40)}`;
            const body = new URLSearchParams({ ...room.fields, [field]: value, _csrf: tokenOf(room.page) });
            const answer = await post(room.visitor, room.action, body);
            expect(answer.text, what).not.to.match(STACK);
            expect(answer.text, what).not.to.match(/<script>alert|<img src=x/);
            expect(answer.headers.get('set-cookie') ?? '', what).not.to.contain('a=b');
            if (answer.status === 303) {
              // What this field says does not matter, or sends back to the step that is due.
              const location = new URL(answer.headers.get('location') as string, app.issuer);
              expect(location.origin, what).to.equal(app.issuer);
              expect(location.pathname, what).to.match(/^\/(connexion|inscription\/ordre)\//);
              if (!new URL(room.page.url).pathname.startsWith(location.pathname)) room = await open();
            } else {
              expectPage(answer, [400, 422], what);
            }
          }
        }
      });
    }
  });

  describe('an address', () => {
    const ADDRESSES = [
      '/',
      '/inscription',
      '/inscription/ordre',
      '/connexion',
      '/conditions-generales',
      '/retour',
    ];

    it('with hostile parameters gets its page', async () => {
      for (const path of [
        ...ADDRESSES,
        '/mot-de-passe-oublie',
        '/identifiants-oublies',
        '/authorize',
        '/deconnexion',
      ]) {
        for (const query of [
          'x[]=<script>alert(1)</script>',
          'langue[]=<script>alert(1)</script>',
          'langue=<script>alert(1)</script>',
          'langue=fr&langue=en',
          'connexion=<script>alert(1)</script>',
          'connexion[]=<script>alert(1)</script>',
          'connexion=a&connexion=b',
          'connexion=%00&efface=%00',
          'efface[]=1',
          'client_id=%00&redirect_uri=%00',
          'client_id=a%00b',
          'client_id=<script>alert(1)</script>&error_description=<script>alert(1)</script>',
          'client_id=caducee&login_hint=%00&state=%00&nonce=%00&scope=%00&ui_locales=%00&acr_values=%00',
          'id_token_hint=%00&post_logout_redirect_uri=%00&logout_hint=%00',
          '%ff%fe=%zz&%',
          `long=${'a'.repeat(12_000)}`,
        ]) {
          const answer = await new Visitor(app.issuer).request(`${path}?${query}`);
          const what = `${path}?${query.slice(0, 60)}`;
          expect(answer.status, what).to.be.oneOf([200, 303, 400, 414]);
          expect(answer.text, what).not.to.match(/<script>alert/);
          expect(answer.text, what).not.to.match(STACK);
        }
      }
    });

    it('that nothing has gets a page that says so', async () => {
      for (const path of [
        '/nowhere',
        '/connexion/a/b/c',
        '/inscription/ordre/a/nowhere',
        '/assets/nothing.css',
        '/assets/../package.json',
        '/%2e%2e/package.json',
        '/.env',
        '/a%00b',
        '/%',
        '/%E0%A4%A',
        '/connexion%2fa',
        '/reg',
        '/device',
        '/backchannel',
        '/__proto__',
        '/.well-known/webfinger',
      ]) {
        const answer = await new Visitor(app.issuer).request(path);
        expectPage(answer, [404], path);
        expect(answer.text, path).to.contain('Page introuvable').and.not.to.contain('Référence');
      }
      const client = await fetch(`${app.issuer}/nowhere`, { headers: { accept: 'application/json' } });
      expect(client.status).to.equal(404);
      expect(await client.json()).to.have.keys('error', 'reference');
    });

    it('with broken parameters in its path gets a page', async () => {
      for (const path of [
        '/connexion/%00',
        '/connexion/%',
        '/inscription/ordre/%00',
        '/inscription/ordre/%ff%fe',
        `/connexion/${'a'.repeat(5_000)}`,
      ]) {
        expectPage(await new Visitor(app.issuer).request(path), [400, 404, 410], path);
      }
    });

    it('called by another method gets a page that says so', async () => {
      for (const [method, path] of [
        ['POST', '/'],
        ['DELETE', '/'],
        ['PUT', '/inscription/ordre'],
        ['PATCH', '/conditions-generales'],
        ['POST', '/retour'],
        ['GET', `/connexion/${'a'.repeat(21)}/consentement`],
      ] as const) {
        const answer = await new Visitor(app.issuer).request(path, {
          method,
          headers: { origin: app.issuer },
        });
        expectPage(answer, 405, `${method} ${path}`);
        expect(answer.headers.get('allow'), path).to.be.a('string');
        expect(answer.text).to.contain('Demande impossible');
      }
    });

    it('gives each error page a reference that the log knows', async () => {
      const answer = await new Visitor(app.issuer).request('/', { method: 'DELETE' });
      const reference = /<code>([\w-]{8})<\/code>/.exec(answer.text)?.[1];
      expect(reference).to.be.a('string');
      const lines = app.logLines.filter((line) => line.includes(`"reference":"${reference}"`));
      expect(lines.map((line) => JSON.parse(line).status)).to.deep.equal([405, 405]);
    });
  });

  describe('every page', () => {
    function expectSecure(page: Page, what: string): string {
      const { headers } = page;
      const policy = headers.get('content-security-policy') ?? '';
      const directives = new Map(
        policy.split(/; ?/).map((one) => one.split(/ (.*)/s).slice(0, 2) as [string, string]),
      );
      expect(directives.get('default-src'), what).to.equal(`'none'`);
      expect(directives.get('frame-ancestors'), what).to.equal(`'none'`);
      expect(directives.get('base-uri'), what).to.equal(`'none'`);
      expect(directives.get('script-src'), what).to.match(/^'nonce-[\w-]{22}'( 'sha256-[^']+')?$/);
      // Where forms may end is looked at below.
      const sources = policy.replace(`img-src 'self' data:`, '').replace(/form-action [^;]*/, '');
      expect(sources, what).not.to.match(/unsafe|\*|:/);
      const nonce = /'nonce-([\w-]{22})'/.exec(policy)?.[1] ?? '';
      for (const [, attributes = '', code = ''] of page.text.matchAll(/<script\b([^>]*)>([^<]*)/g)) {
        const named = attributes.includes(` nonce="${nonce}"`);
        expect(named || policy.includes(`'sha256-${hash('sha256', code, 'base64')}'`), what).to.equal(true);
      }
      expect(page.text, what).not.to.match(/\son[a-z]+=|\sstyle=|javascript:/i);
      expect(headers.get('x-frame-options'), what).to.equal('DENY');
      expect(headers.get('x-content-type-options'), what).to.equal('nosniff');
      expect(headers.get('referrer-policy'), what).to.equal('no-referrer');
      expect(headers.get('cache-control'), what).to.equal('no-store');
      expect(headers.get('cross-origin-opener-policy'), what).to.equal('same-origin');
      expect(headers.get('x-powered-by'), what).to.equal(null);
      expect(headers.get('server'), what).to.equal(null);
      return nonce;
    }

    /** Every Set-Cookie that a visitor received. */
    function watchCookies(visitor: Visitor): string[] {
      const lines: string[] = [];
      const { request } = visitor;
      visitor.request = async (...arguments_) => {
        const page = await request.apply(visitor, arguments_);
        lines.push(...page.headers.getSetCookie());
        return page;
      };
      return lines;
    }

    it('has the headers that keep it from frames, scripts, caches and referrers', async () => {
      const nonces = new Set<string>();
      let count = 0;
      const look = (page: Page, what: string) => {
        nonces.add(expectSecure(page, what));
        count += 1;
      };
      for (const [name, open] of Object.entries(ROOMS)) {
        const { visitor, page, action, fields } = await open();
        look(page, name);
        if (name === 'consent') continue;
        look(
          await visitor.send(page, { ...fields, [Object.keys(fields)[0] ?? '']: '' }, action),
          `${name}, refused`,
        );
      }
      const visitor = new Visitor(app.issuer);
      for (const path of [
        '/',
        '/inscription',
        '/conditions-generales',
        '/mot-de-passe-oublie',
        '/identifiants-oublies',
      ]) {
        look(await visitor.get(path), path);
      }
      for (const path of [
        '/nowhere',
        '/connexion/gone',
        '/inscription/ordre/gone',
        '/authorize?client_id=unknown',
        '/deconnexion',
      ]) {
        look(await visitor.get(path), path);
      }
      look(await visitor.request('/', { method: 'DELETE' }), '405');
      look(await post(visitor, '/inscription/ordre', ''), '403');
      look(await post(visitor, '/inscription/ordre', 'a'.repeat(70_000)), '413');
      expect(nonces.size, 'a nonce is never used again').to.equal(count);
    });

    it('lets its form end at the application that is waiting, and nowhere else', async () => {
      const formAction = (page: Page) =>
        /form-action ([^;]+)/.exec(page.headers.get('content-security-policy') ?? '')?.[1];
      const consent = await consentForm();
      expect(formAction(consent.page)).to.equal(`'self' http://localhost:4009`);
      const identify = await identifyForm();
      expect(formAction(identify.page)).to.equal(`'self'`);
    });

    it('sets cookies that no script and no other site gets', async () => {
      const visitor = new Visitor(app.issuer);
      const cookies = watchCookies(visitor);
      const client = await createTestClient(app.issuer, 'messagerie');
      await signIn(app, visitor, (await client.authorize()).url, { email: camille.email });
      await visitor.get('/?langue=en');
      const names = new Set(cookies.map((line) => line.split('=')[0]));
      expect([...names]).to.include.members([
        'caducee',
        'caducee.sig',
        'caducee_browser',
        'caducee_device',
        'caducee_interaction',
        'langue',
      ]);
      for (const line of cookies) {
        expect(line, line)
          .to.match(/; httponly/i)
          .and.to.match(/; samesite=lax/i);
        expect(line, line).not.to.match(/; domain/i);
      }
    });

    it('sets cookies for TLS only, with the host’s own prefix, under an https issuer', async () => {
      const issuer = 'https://identite.example.fr';
      const node = await startUnder(app, { ISSUER: issuer });
      const jar = new Map<string, string>();
      const seen: string[] = [];
      const ask = (path: string, body?: string): Promise<RawAnswer> =>
        new Promise((resolve, reject) => {
          const headers = {
            host: 'identite.example.fr',
            accept: 'text/html',
            cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
            ...(body === undefined ? {} : { 'content-type': FORM, origin: issuer }),
          };
          const request = httpRequest(
            {
              port: node.port,
              host: '127.0.0.1',
              path,
              headers,
              method: body === undefined ? 'GET' : 'POST',
            },
            (response) => {
              const lines = response.headers['set-cookie'] ?? [];
              seen.push(...lines);
              for (const [, name, value] of lines.map((line) => /^([^=]+)=([^;]*)/.exec(line) ?? []))
                jar.set(name ?? '', value ?? '');
              const chunks: Buffer[] = [];
              response.on('data', (chunk) => chunks.push(chunk));
              response.on('end', () =>
                resolve({
                  status: response.statusCode ?? 0,
                  headers: Object.entries(response.headers).map(
                    ([name, value]) => [name, String(value)] as const,
                  ),
                  text: Buffer.concat(chunks).toString('utf8'),
                }),
              );
            },
          );
          request.on('error', reject);
          request.end(body);
        });
      const next = (answer: RawAnswer) => {
        const url = new URL(headerOf(answer, 'location') as string, issuer);
        expect(url.origin).to.equal(issuer);
        return `${url.pathname}${url.search}`;
      };
      const sent = () => app.mailbox.messages().filter(({ to }) => to === camille.email).length;
      try {
        const interaction = next(await ask(next(await ask('/connexion?langue=fr'))));
        const form = await ask(interaction);
        expect(form.status).to.equal(200);
        expect(headerOf(form, 'strict-transport-security')).to.equal('max-age=31536000');
        const csrf = /name="_csrf" value="([^"]*)"/.exec(form.text)?.[1] ?? '';
        const before = sent();
        const accepted = await ask(interaction, new URLSearchParams({ ...camille, _csrf: csrf }).toString());
        expect(accepted.status).to.equal(303);
        const mail = await app.waitForMessage(camille.email, { after: before });
        const code = /\b\d{6}\b/.exec(mail.text)?.[0] ?? '';
        const resume = await ask(next(accepted), `_csrf=${csrf}&code=${code}&trust=yes`);
        const home = await ask(next(await ask(next(resume))));
        expect(home.status).to.equal(303);
        expect((await ask('/')).text).to.contain('Camille');

        const names = new Set(seen.map((line) => line.split('=')[0]?.replace(/_[0-9a-f]{16}$/, '')));
        expect([...names]).to.include.members([
          '__Host-caducee',
          '__Host-caducee_browser',
          '__Host-caducee_device',
          '__Host-caducee_trust',
          'caducee_interaction',
          'langue',
        ]);
        for (const line of seen) {
          expect(line, line)
            .to.match(/; secure/i)
            .and.to.match(/; httponly/i)
            .and.to.match(/; samesite=lax/i);
          expect(line, line).not.to.match(/; domain/i);
          if (line.startsWith('__Host-')) expect(line, line).to.match(/; path=\/;/i);
        }
      } finally {
        await node.close();
      }
    });
  });

  it('answers a request that is no HTTP without a trace of itself', async () => {
    const port = Number(new URL(app.issuer).port);
    for (const line of [
      'GARBAGE',
      'GET / HTTP/9.9',
      `GET /${'a'.repeat(20_000)} HTTP/1.1`,
      'GET /\u0001 HTTP/1.1',
    ]) {
      const answer = await sendRaw(port, [line, `Host: localhost:${port}`]);
      expect(answer.status, line.slice(0, 40)).to.be.oneOf([400, 414, 431, 505]);
      expect(answer.text, line.slice(0, 40)).not.to.match(STACK);
    }
  });
});
