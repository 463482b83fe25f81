import { expect } from 'chai';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { transition } from '../../src/accounts/transition.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { SECTIONS } from '../../src/personal-data/export.ts';
import { signInAdministrator } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';
import { ADMIN, accountIdOf, addPhone, CAMILLE, DOMINIQUE, signedIn, signedInBy } from './support.ts';

const DATA = '/mon-compte/donnees';

/** Every key of an export, section by section: nothing is added to it unseen. */
const KEYS: Record<string, string> = {
  account:
    'civilite civiliteExercice createdAt familyName givenName id identityProof kind preferredFactor profession professionLabel refusesEmailCode responsibleRpps rpps state termsAcceptedAt termsVersion title updatedAt',
  member:
    'civilite createdAt familyName givenName id preferredFactor refusesEmailCode termsAcceptedAt termsVersion',
  roles: 'role',
  emails: 'address receivesNotifications signsIn verifiedAt',
  phones: 'isSecondFactor number verifiedAt',
  declaredPhones: 'number',
  workplaces: 'centre finess gone name postalCode street town',
  passkeys: 'createdAt isBackedUp lastUsedAt name',
  totp: 'createdAt lastUsedAt',
  recoveryCodes: 'createdAt usedAt',
  trustedDevices: 'createdAt expiresAt lastUsedAt name',
  knownDevices: 'createdAt expiresAt lastUsedAt',
  sessions: 'acr address amr device lastSeenAt signedInAt',
  applicationLinks: 'application email lastUsedAt',
  grants: 'application lastUsedAt scopes since',
  approvals: 'createdAt decidedAt decision id kind proposed reason',
  invitationsSent: 'acceptedAt address createdAt expiresAt revokedAt',
  responsibleFor: 'title',
  journal: 'address at by details event outcome',
};

/** Tables of which nothing is in an export, and why. */
const LEFT_OUT: Record<string, string> = {
  acting_members: 'digests of sessions and grants, which the export names otherwise',
  logout_notices: 'sessions that ended, on their way to an application',
  oidc_payloads: 'sealed tokens; the export names the grants',
  oidc_sessions: 'sealed; the export names the sessions',
  session_applications: 'digests; the export names the grants',
};

type Exported = Record<string, Record<string, unknown>[]> & { generatedAt: string };

describe('« Mes données »', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  const download = async (visitor: Visitor): Promise<Page> =>
    visitor.send(await visitor.get(DATA), {}, `${DATA}/telecharger`);
  const exported = async (visitor: Visitor): Promise<Exported> => JSON.parse((await download(visitor)).text);

  /** Camille, with a row of everything. */
  async function rich(): Promise<{ visitor: Visitor; id: string }> {
    const { knex } = app.database;
    const id = await accountIdOf(app, CAMILLE);
    const visitor = await signedIn(app, CAMILLE);
    await addPhone(app, visitor, '+33639980055');
    const created_at = app.clock.now();
    const own = { id, account_id: id, created_at };
    await knex('passkeys').insert({
      ...{ ...own, credential_id: Buffer.from('credential-bytes'), public_key: Buffer.from('key-bytes!') },
      ...{ sign_count: 0, transports: [], aaguid: id, is_backup_eligible: false, is_backed_up: false },
      name: 'Clé du cabinet',
    });
    await knex('totp_credentials').insert({ ...own, secret: Buffer.from('seed-bytes'), last_step: 0 });
    await knex('recovery_codes').insert({ ...own, code_hash: Buffer.from('code-bytes') });
    await knex('trusted_devices').insert({
      ...{ ...own, token_hash: Buffer.from('token-bytes'), name: 'Firefox, Linux' },
      ...{ expires_at: created_at, last_used_at: created_at },
    });
    await knex('declared_phone_numbers').insert({ account_id: id, number: '+33639980056' });
    await knex('account_roles').insert({ account_id: id, role: 'administrator' });
    const [workplace] = await knex('workplaces')
      .insert({ finess: '0B0190011', name: 'CABINET', in_finess: true, search_text: ' cabinet ' })
      .returning('id');
    await knex('account_workplaces').insert({ account_id: id, position: 1, workplace_id: workplace.id });
    const shared = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du port',
      responsibleRpps: '99700900048',
      firstMember: {
        ...{ familyName: 'PETIT', givenName: 'Anne', passwordHash: 'x', termsVersion: 'test' },
        email: { address: 'anne@example.test', canonical: 'anne@example.test' },
      },
    });
    expect(shared.accountId).to.be.a('string');
    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const back = await visitor.get(authorization.url);
    await client.exchange(authorization, back.headers.get('location') as string);
    const edit = await visitor.get('/mon-compte?edition=1');
    await visitor.submit(edit, { familyName: 'AUTRE' }, '/mon-compte');
    await knex('approvals').where({ account_id: id }).update({ note: 'a word for colleagues' });
    return { visitor, id };
  }

  it('is a file to take away, asked of who signed in a moment ago, told to every address and journaled', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get(DATA);
    const file = await visitor.send(page, {}, `${DATA}/telecharger`);
    expect(file.status).to.equal(200);
    expect(file.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(file.headers.get('content-disposition')).to.equal(
      'attachment; filename="caducee-mes-donnees.json"',
    );
    expect(file.headers.get('cache-control')).to.equal('no-store');
    const data = JSON.parse(file.text) as Exported;
    expect(Object.keys(data)).to.deep.equal(['generatedAt', ...SECTIONS]);
    expect(data.account?.[0]).to.include({ rpps: '99700900048', professionLabel: 'Médecin' });
    expect(data.emails?.map(({ address }) => address)).to.have.members([
      CAMILLE.email,
      'camille.cabinet@example.test',
    ]);
    const mail = await app.waitForMessage('camille.cabinet@example.test');
    expect(mail.subject).to.equal('Vos données ont été téléchargées');
    const entry = await app.database.knex('journal').where({ event: 'data.exported' }).first();
    expect(entry.subject).to.equal(await accountIdOf(app, CAMILLE));

    app.clock.advance(6 * MINUTE);
    for (const late of [
      await visitor.request(DATA),
      await visitor.send(page, {}, `${DATA}/telecharger`),
      await new Visitor(app.issuer).request(DATA),
    ])
      expect(late.headers.get('location')).to.equal('/connexion?vers=donnees');
    const forged = await visitor.request(`${DATA}/telecharger`, { method: 'POST' });
    expect(forged.status).to.equal(403);
  });

  it('has every key that is named here, and no other', async () => {
    const { visitor } = await rich();
    // They are an administrator now, who shows a second factor.
    await app.database
      .knex('account_roles')
      .where({ account_id: await accountIdOf(app, CAMILLE) })
      .delete();
    const { generatedAt, ...data } = await exported(await again(visitor));
    expect(generatedAt).to.match(/Z$/);
    for (const section of SECTIONS) {
      if (['member', 'invitationsSent', 'roles'].includes(section)) continue;
      const items = data[section] ?? [];
      expect(items, section).not.to.deep.equal([]);
      for (const item of items) expect(Object.keys(item).sort().join(' '), section).to.equal(KEYS[section]);
    }
    expect(Object.keys(KEYS)).to.deep.equal([...SECTIONS]);
  });

  /** The sign-in is as fresh as the page asks, whatever was added meanwhile. */
  async function again(_visitor: Visitor): Promise<Visitor> {
    const { knex } = app.database;
    const id = await accountIdOf(app, CAMILLE);
    await knex('throttle_counters').delete();
    await knex('accounts').where({ id }).update({ preferred_factor: 'sms' });
    return signedIn(app, { ...CAMILLE, codeTo: '+33639980055' });
  }

  it('shows nothing that opens an account, and nothing that was noted for colleagues', async () => {
    const { visitor, id } = await rich();
    await app.database.knex('account_roles').where({ account_id: id }).delete();
    const strong = await again(visitor);
    const page = await strong.get(DATA);
    const texts = [(await download(strong)).text, page.text];
    const { knex } = app.database;
    const { rows: columns } = await knex.raw(
      `SELECT table_name, column_name, data_type FROM information_schema.columns c
       JOIN information_schema.tables t USING (table_schema, table_name)
       WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'directory%'
         AND (data_type = 'bytea' OR column_name ~ '(hash|mac|secret|sealed|token|password)')`,
    );
    let secrets = 0;
    for (const { table_name: table, column_name: column } of columns) {
      if (table === 'journal') continue;
      const values = await knex(table).whereNotNull(column).limit(2_000).pluck(column);
      for (const value of values) {
        if (typeof value === 'number') continue;
        const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value));
        if (bytes.length < 8) continue;
        secrets += 1;
        const written = [bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')];
        for (const text of texts)
          for (const form of [...written, bytes.toString('utf8')])
            if (text.includes(form)) expect.fail(`${table}.${column} is shown`);
      }
    }
    expect(secrets).to.be.at.least(20);
    for (const text of texts)
      expect(text).not.to.include('a word for colleagues').and.not.to.include('argon2');
    for (const code of app.mailbox.messages().flatMap(({ text }) => /\b\d{6}\b/.exec(text) ?? []))
      expect(texts[0]).not.to.match(new RegExp(`\\b${code}\\b`));
  });

  it('leaves out no table that holds something of a person, but those named here', async () => {
    const { knex } = app.database;
    const { rows } = await knex.raw(
      `SELECT DISTINCT table_name FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name IN ('account_id', 'member_id', 'holder_id', 'principal_id')`,
    );
    const read = new Set<string>();
    const listen = ({ sql }: { sql: string }) => {
      for (const [, table] of sql.matchAll(/(?:from|join) "(\w+)"/g)) read.add(table as string);
    };
    const visitor = await signedIn(app, CAMILLE);
    app.deps.knex.on('query', listen);
    await download(visitor);
    app.deps.knex.off('query', listen);
    const silent = rows
      .map(({ table_name: table }: { table_name: string }) => table)
      .filter((table: string) => !read.has(table) && !Object.hasOwn(LEFT_OUT, table));
    expect(
      silent.filter((table: string) => table !== 'member_invitations' && table !== 'account_members'),
    ).to.deep.equal([]);
  });

  it('reads as a page, in words', async () => {
    const { visitor, id } = await rich();
    await app.database.knex('account_roles').where({ account_id: id }).delete();
    const words = wordsOf(await (await again(visitor)).get(DATA));
    for (const text of [
      'Adresses mail',
      'N° RPPS 99700900048',
      'Clé du cabinet',
      'Comptes partagés dont vous répondez Intitulé Secrétariat du port',
      'Adresse connue de chaque application',
      'Journal',
      'Par vous',
      "Preuve d'identité Identité",
      'Issue réussi',
    ])
      expect(words).to.include(text);
    expect(words, 'every field has its word').not.to.include("n'a pas pu être affichée");
  });

  it('tells nothing of who else acted, nor of whom an administrator acted upon', async () => {
    const { knex } = app.database;
    const admin = await accountIdOf(app, ADMIN);
    const dominique = await accountIdOf(app, DOMINIQUE);
    const by = { role: 'administrator', accountId: admin, source: '192.0.2.99' } as const;
    await transition(knex, app.deps, { accountId: dominique, to: 'suspended', by });
    await transition(knex, app.deps, { accountId: dominique, to: 'active', by });
    const visitor = await signedIn(app, DOMINIQUE);
    const own = await exported(visitor);
    const suspended = own.journal?.find(({ event }) => event === 'account.suspended');
    expect(suspended).to.include({ by: 'other', address: null });
    expect(JSON.stringify(own)).not.to.include(admin).and.not.to.include('192.0.2.99');

    const andrea = new Visitor(app.issuer);
    await signInAdministrator(app, andrea);
    const theirs = await exported(andrea);
    const act = theirs.journal?.find(({ event }) => event === 'account.suspended');
    expect(act).to.include({ by: 'you', address: '192.0.2.99', details: null });
    expect(JSON.stringify(theirs)).not.to.include(dominique);
  });

  it('is, for a member of a shared account, theirs and not a colleague’s', async () => {
    const { knex } = app.database;
    const passwordHash = await app.deps.hasher.hash('demo-caducee-2026');
    const person = (email: string, givenName: string, number: string) => ({
      ...{ familyName: 'PETIT', givenName, passwordHash, termsVersion: 'test', phones: [number] },
      email: { address: email, canonical: email },
    });
    const made = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du port',
      state: 'active',
      firstMember: person('anne@example.test', 'Anne', '+33639980061'),
    });
    const basileId = await addMember(
      knex,
      app.deps,
      made.accountId,
      person('basile@example.test', 'Basile', '+33639980062'),
      { invitedBy: made.memberId },
    );
    await signedInBy(app, { email: 'anne@example.test' }, { channel: 'sms-1', codeTo: '+33639980061' });
    const basile = await signedInBy(
      app,
      { email: 'basile@example.test' },
      { channel: 'sms-1', codeTo: '+33639980062' },
    );
    const data = await exported(basile);
    expect(data.member?.[0]).to.include({ id: basileId, givenName: 'Basile' });
    expect(
      Object.keys(data.member?.[0] ?? {})
        .sort()
        .join(' '),
    ).to.equal(KEYS.member);
    expect(data.sessions).to.have.length(1);
    const text = JSON.stringify(data);
    for (const foreign of ['anne@example.test', 'Anne', '+33639980061'])
      expect(text, foreign).not.to.include(foreign);
    expect(text).to.include('+33639980062').and.to.include('Secrétariat du port');
    const mails = () => app.mailbox.messages().filter(({ subject }) => subject?.includes('téléchargées'));
    await app.waitForMessage('basile@example.test', { after: 1 });
    expect(mails().map(({ to }) => to)).to.deep.equal(['basile@example.test']);
  });

  it('is given ten times an hour', async () => {
    const visitor = await signedIn(app, CAMILLE);
    for (let index = 0; index < 10; index += 1) expect((await download(visitor)).status).to.equal(200);
    const refused = await download(visitor);
    expect(refused.status).to.equal(429);
    expect(refused.headers.get('content-type')).to.include('text/html');
  });
});
