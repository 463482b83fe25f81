import { expect } from 'chai';
import * as oidc from 'openid-client';
import { DEMO_APPLICATIONS } from '../../seeds/demo/applications.ts';
import { addresses } from '../../src/pages/addresses.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { signIn, Visitor } from '../support/visitor.ts';

const PASSWORD = 'grenouille-turquoise-42';
const EMAIL = 'frederique.perso@example.test';
const PHONE = '+33639980002';

describe('after a full run, no secret', function () {
  this.timeout(30_000);
  let app: TestApp;
  /** Name → value, in the forms in which it could be found. */
  const secrets = new Map<string, string>();
  const codes = new Map<string, string>();
  /** Belongs into a mail, and nowhere else. */
  const mailed = new Map<string, string>();

  const keep = (name: string, value: string | undefined) => {
    if (!value) throw new Error(`no ${name} in this run`);
    secrets.set(name, value);
  };

  before(async () => {
    app = await startTestApp();
    const visitor = new Visitor(app.issuer);

    const form = await visitor.get('/inscription/ordre');
    const contacts = await visitor.submit(form, {
      birthdate: '29/02/1984',
      rpps: '99700900022',
      terms: 'yes',
    });
    keep('journey', new URL(contacts.url).pathname.split('/').at(-1));
    const codePage = await visitor.submit(contacts, { contact: 'sms' }, '/contact');
    const smsCode = await app.waitForCode(PHONE);
    const credentials = await visitor.submit(codePage, { code: smsCode }, '/code');
    const chosen = {
      email: EMAIL,
      emailConfirmation: EMAIL,
      password: PASSWORD,
      passwordConfirmation: PASSWORD,
    };
    const addressPage = await visitor.submit(credentials, chosen, '/identifiants');
    const addressCode = await app.waitForCode(EMAIL);
    const mail = app.mailbox.messages().find(({ to }) => to === EMAIL)?.text ?? '';
    mailed.set('link', /\/confirmer-mon-adresse\/([\w-]{43})/.exec(mail)?.[1] as string);
    await visitor.get(addresses.confirmAddress(mailed.get('link') as string));
    const done = await visitor.submit(addressPage, { code: addressCode }, '/adresse');
    expect(done.text).to.contain('Retour à la connexion');
    codes.set('sign-up code', smsCode).set('address code', addressCode);

    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const login = await visitor.get(authorization.url);
    keep('interaction', new URL(login.url).pathname.split('/').at(-1));
    keep('form token', /name="_csrf" value="([^"]*)"/.exec(login.text)?.[1]);
    const wrong = await visitor.submit(login, { email: EMAIL, password: 'un-mot-de-passe-faux' });
    expect(wrong.status).to.equal(422);
    const back = await signIn(app, visitor, authorization.url, { email: EMAIL, password: PASSWORD });
    codes.set('sign-in code', await app.waitForCode(EMAIL, 1));
    const location = back.headers.get('location') as string;
    const tokens = await client.exchange(authorization, location);
    const refreshed = await oidc.refreshTokenGrant(client.configuration, tokens.refresh_token as string);
    await oidc.fetchUserInfo(client.configuration, refreshed.access_token, oidc.skipSubjectCheck);

    keep('password', PASSWORD);
    keep('wrong password', 'un-mot-de-passe-faux');
    keep('authorization code', new URL(location).searchParams.get('code') ?? undefined);
    keep('access token', tokens.access_token);
    keep('refresh token', tokens.refresh_token);
    keep('rotated access token', refreshed.access_token);
    keep('rotated refresh token', refreshed.refresh_token);
    keep('ID token', tokens.id_token);
    keep('client secret', DEMO_APPLICATIONS[0]?.secret);
    keep('master key', app.deps.settings.SECRET_KEYS[0]?.toString('base64url'));
    for (const cookie of await visitor.jar.getCookies(`${app.issuer}/`))
      keep(`cookie ${cookie.key}`, cookie.value);
    // The messages are in the mailbox a moment before the database knows it.
    await app.database.knex.raw('SELECT pg_sleep(0.2)');
  });
  after(() => app.close());

  const forms = (value: string): string[] => {
    const bytes = Buffer.from(value);
    const base64 = bytes.toString('base64').replace(/=+$/, '');
    return [value, bytes.toString('hex'), base64, bytes.toString('base64url')];
  };

  const found = (haystack: string, values: Map<string, string>): string[] =>
    [...values]
      .filter(([, value]) => forms(value).some((form) => haystack.includes(form)))
      .map(([name]) => name);

  async function dump(): Promise<string> {
    const { rows: tables } = await app.database.pool.query(
      `SELECT table_schema || '.' || quote_ident(table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    let text = '';
    for (const { name } of tables) {
      const { rows } = await app.database.pool.query(`SELECT to_jsonb(t)::text AS row FROM ${name} t`);
      text += rows.map(({ row }) => `${name} ${row}\n`).join('');
    }
    return text;
  }

  it('is in the database', async () => {
    const text = await dump();
    expect(text).to.contain('public.journal').and.to.contain('oidc_payloads').and.to.contain(EMAIL);
    expect(found(text, new Map([...secrets, ...mailed]))).to.deep.equal([]);
    // Six digits may occur by chance inside a hash; a code as a value of its own may not.
    const columns = text.replace(/[0-9a-f]{13,}/g, ' ');
    expect(
      [...codes].filter(([, code]) => new RegExp(`(?<![0-9.])${code}(?![0-9])`).test(columns)),
    ).to.deep.equal([]);
    expect(text, 'the phone of a message that was sent').not.to.match(/graphile_worker[^\n]*39980002/);
  });

  it('is in the log', () => {
    const text = app.logLines.join('');
    expect(app.logLines.length).to.be.greaterThan(20);
    expect(found(text, new Map([...secrets, ...mailed]))).to.deep.equal([]);
    expect(
      [...codes].filter(([, code]) => new RegExp(`(?<![0-9])${code}(?![0-9])`).test(text)),
    ).to.deep.equal([]);
    expect(text).not.to.contain(EMAIL).and.not.to.contain(PHONE);
  });

  it('is in the mails and SMS, where a code stands in its own message alone', () => {
    const texts = app.mailbox.messages().map(({ subject, text }) => `${subject}\n${text}`);
    expect(found(texts.join('\n'), secrets)).to.deep.equal([]);
    for (const [name, code] of codes) {
      expect(
        texts.filter((text) => text.includes(code)),
        name,
      ).to.have.length(1);
    }
    expect(app.mailbox.messages().filter(({ subject }) => /\d{6}/.test(subject ?? ''))).to.have.length(0);
  });
});
