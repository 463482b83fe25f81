import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Authenticator, passkeyOptionsOf } from '../support/authenticator.ts';
import { accountOf, forgetFactors } from '../support/factors.ts';
import { addPasskey, atPasskeys, PASSKEYS } from '../support/passkeys.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';
import { ADMIN, CAMILLE, changesOf, DOMINIQUE, type Person, signedIn } from './support.ts';

describe('the page of passkeys', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
  });
  after(() => app.close());
  beforeEach(() => forgetFactors(app));

  const passkeysOf = async ({ email }: Person) =>
    app.deps
      .knex('passkeys')
      .where({ account_id: await accountOf(app, email) })
      .orderBy('created_at');

  const add = (visitor: Visitor, page: Page, name = 'Clé', authenticator = new Authenticator(app.issuer)) =>
    visitor.send(page, { name, passkey: authenticator.create(passkeyOptionsOf(page)) });

  /** A row as if it had been added, for what counts rows. */
  async function insertPasskeys({ email }: Person, count: number): Promise<void> {
    const account_id = await accountOf(app, email);
    const rows = Array.from({ length: count }, (_, index) => ({
      ...{ id: crypto.randomUUID(), account_id, name: `Clé ${index + 1}`, created_at: app.clock.now() },
      ...{ credential_id: Buffer.from(`${email}-${index}`), public_key: Buffer.from('k'), sign_count: 0 },
      ...{ transports: [], aaguid: account_id, is_backup_eligible: false, is_backed_up: false },
    }));
    await app.deps.knex('passkeys').insert(rows);
  }

  const linksTo = (page: Page, end: string): string[] =>
    [...page.text.matchAll(/href="([^"]*)"/g)]
      .map(([, href]) => href as string)
      .filter((href) => href.endsWith(end));

  it('asks for an authenticator that calls its owner by nothing that anybody knows', async () => {
    await app.deps
      .knex('accounts')
      .where({ id: await accountOf(app, DOMINIQUE.email) })
      .update({ preferred_factor: 'sms' });
    const { page } = await atPasskeys(app, CAMILLE);
    const { user, ...options } = passkeyOptionsOf(page) as ReturnType<typeof passkeyOptionsOf> &
      Record<string, unknown>;
    const [one, two] = [user.id, passkeyOptionsOf((await atPasskeys(app, CAMILLE)).page).user.id];
    expect(one, 'the same for all of one person').to.equal(two);
    expect(one).not.to.equal(passkeyOptionsOf((await atPasskeys(app, DOMINIQUE)).page).user.id);
    const handle = Buffer.from(one, 'base64url');
    expect(handle).to.have.length(32);
    for (const known of [CAMILLE.email, await accountOf(app, CAMILLE.email), '99700900048'])
      expect(handle.toString('latin1')).not.to.include(known);
    expect(Buffer.from(options.challenge, 'base64url').length).to.be.at.least(16);
    expect(options).to.deep.include({
      rp: { name: 'Caducée', id: 'localhost' },
      attestation: 'none',
      timeout: 5 * 60_000,
      excludeCredentials: [],
    });
    expect(options.pubKeyCredParams).to.deep.equal(
      [-8, -7, -257].map((alg) => ({ alg, type: 'public-key' })),
    );
  });

  it('tells every contact of a new one, records it, and does not propose it again to the same authenticator', async () => {
    const { visitor, page } = await atPasskeys(app, CAMILLE);
    const authenticator = new Authenticator(app.issuer);
    const before = (await changesOf(app, CAMILLE)).length;
    expect(wordsOf(await add(visitor, page, '  Clé\u202e du\tcabinet ', authenticator))).to.include(
      "La clé d'accès « Clé du cabinet » est en place.",
    );
    expect((await changesOf(app, CAMILLE)).slice(before)).to.deep.equal([
      { change: 'passkey-added', name: 'Clé du cabinet' },
    ]);
    const options = passkeyOptionsOf(await visitor.get(PASSKEYS)) as unknown as {
      excludeCredentials: { id: string; transports: string[] }[];
    };
    expect(options.excludeCredentials).to.deep.equal([
      { id: authenticator.id.toString('base64url'), transports: ['internal'], type: 'public-key' },
    ]);
  });

  it('ends the other sessions of their owner when one is added', async () => {
    const elsewhere = await signedIn(app, CAMILLE);
    expect(wordsOf(await elsewhere.get('/'))).to.include('Camille');
    const { visitor, page } = await atPasskeys(app, CAMILLE);
    await add(visitor, page);
    expect(wordsOf(await elsewhere.get('/'))).to.include('Connectez-vous');
    expect(wordsOf(await visitor.get('/'))).to.include('Camille');
  });

  it('says beside its field what is wrong with a name, and keeps the rest', async () => {
    const { visitor, page } = await atPasskeys(app, CAMILLE);
    for (const [name, fault] of [
      ['', 'Donnez un nom à cette clé.'],
      [' \t\u200b', 'Donnez un nom à cette clé.'],
      ['é'.repeat(61), 'Ce nom est trop long'],
    ] as const) {
      const refused = await add(visitor, page, name);
      expect(refused.status).to.equal(422);
      expect(wordsOf(refused)).to.include(fault);
    }
    expect(await passkeysOf(CAMILLE)).to.have.length(0);
    const marked = await add(visitor, page, '<b>"\'&');
    expect(marked.text).to.include('&lt;b&gt;&quot;&#39;&amp;');
  });

  it('holds ten, however many are added at once', async () => {
    const { visitor, page } = await atPasskeys(app, CAMILLE);
    await insertPasskeys(CAMILLE, 9);
    const pages = await Promise.all([1, 2, 3, 4].map(() => add(visitor, page)));
    expect(pages.map(({ status }) => status).sort()).to.deep.equal([200, 422, 422, 422]);
    expect(await passkeysOf(CAMILLE)).to.have.length(10);
    const full = await visitor.get(PASSKEYS);
    expect(full.text).not.to.include('data-passkey="create"');
    expect(wordsOf(full)).to.include('10');
  });

  describe('is closed', () => {
    it('to who is not signed in, to who signed in a while ago, and to a form of another site', async () => {
      const { visitor, page } = await atPasskeys(app, CAMILLE);
      const passkey = new Authenticator(app.issuer).create(passkeyOptionsOf(page));
      const stranger = new Visitor(app.issuer);
      expect((await stranger.request(PASSKEYS)).headers.get('location')).to.include('/connexion');
      expect((await stranger.send(page, { name: 'Clé', passkey })).status).to.equal(403);
      const forged = await visitor.send(page, { _csrf: 'x', name: 'Clé', passkey });
      expect(forged.status).to.equal(403);
      app.clock.advance(6 * 60_000);
      const late = await visitor.send(page, { name: 'Clé', passkey });
      app.clock.advance(-6 * 60_000);
      expect([late.status, late.headers.get('location')]).to.deep.equal([
        303,
        '/connexion?vers=cles-d-acces',
      ]);
      expect(await passkeysOf(CAMILLE)).to.have.length(0);
    });

    it('to who proved no more than a mailbox, once the account has a second factor', async () => {
      await addPasskey(app, CAMILLE.email);
      // A sign-in is told from what came before it by whole seconds.
      app.clock.advance(1_000);
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get('/connexion');
      await visitor.submit(form, { email: CAMILLE.email, password: 'demo-caducee-2026' });
      const { result: codePage, code } = await app.codeSentBy(CAMILLE.email, async () =>
        visitor.submit(await visitor.get(`${form.url}/canal`), { channel: 'email' }, '/canal'),
      );
      await visitor.submit(codePage, { code }, '/code');
      const [{ id }] = (await passkeysOf(CAMILLE)) as [{ id: string }];
      for (const path of ['', `/${id}/renommer`, `/${id}/retirer`]) {
        const answers = [
          await visitor.request(`${PASSKEYS}${path}`),
          await visitor.send({ ...codePage, url: `${app.issuer}${PASSKEYS}${path}` }, { name: 'Voleur' }),
        ];
        for (const { status, headers } of answers)
          expect([status, headers.get('location')], path).to.deep.equal([
            303,

            '/connexion?vers=cles-d-acces&pour=cles-d-acces',
          ]);
      }
      expect(await passkeysOf(CAMILLE)).to.have.length(1);
    });

    it("to another person's: neither shown, renamed nor removed", async () => {
      await insertPasskeys(DOMINIQUE, 1);
      const [{ id }] = (await passkeysOf(DOMINIQUE)) as [{ id: string }];
      const { visitor, page } = await atPasskeys(app, CAMILLE);
      expect(page.text).not.to.include(id);
      for (const wanted of [id, crypto.randomUUID(), '1', '%00'])
        for (const act of ['renommer', 'retirer']) {
          const url = `${PASSKEYS}/${wanted}/${act}`;
          expect((await visitor.get(url)).status, url).to.be.oneOf([400, 404]);
          expect((await visitor.send(page, { name: 'Voleur' }, url)).status, url).to.be.oneOf([400, 404]);
        }
      expect((await passkeysOf(DOMINIQUE)).map(({ name }) => name)).to.deep.equal(['Clé 1']);
    });
  });

  describe('removes one', () => {
    it('after a question, once, and tells it', async () => {
      const { visitor, page } = await atPasskeys(app, CAMILLE);
      const [remove = ''] = linksTo(await add(visitor, page, 'Vieille clé'), '/retirer');
      const question = await visitor.get(remove);
      expect(wordsOf(question)).to.include('Vieille clé');
      const before = (await changesOf(app, CAMILLE)).length;
      const answers = await Promise.all([1, 2, 3].map(() => visitor.send(question, {})));
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 404, 404]);
      expect((await changesOf(app, CAMILLE)).slice(before)).to.deep.equal([
        { change: 'passkey-removed', name: 'Vieille clé' },
      ]);
    });

    it('never the last factor of an administrator, even when all go at once', async () => {
      const admin = await accountOf(app, ADMIN.email);
      const { visitor, page } = await atPasskeys(app, ADMIN);
      await add(visitor, page, 'Une');
      const links = linksTo(await add(visitor, await visitor.get(PASSKEYS), 'Autre'), '/retirer');
      expect(links).to.have.length(2);
      const phones = await app.deps.knex('phone_numbers').where({ account_id: admin });
      await app.deps.knex('phone_numbers').where({ account_id: admin }).delete();
      try {
        const questions = await Promise.all(links.map((link) => visitor.get(link)));
        await Promise.all(questions.map((question) => visitor.send(question, {})));
        const [last, ...others] = (await passkeysOf(ADMIN)) as { id: string }[];
        expect(others).to.have.length(0);
        const kept = await visitor.get(PASSKEYS);
        expect(linksTo(kept, '/retirer'), 'it is not proposed').to.deep.equal([]);
        const forced = await visitor.send(kept, {}, `${PASSKEYS}/${last?.id}/retirer`);
        expect(wordsOf(forced)).to.include('doit garder au moins un moyen fort');
        expect(await passkeysOf(ADMIN)).to.have.length(1);
      } finally {
        await app.deps.knex('phone_numbers').insert(phones);
      }
    });
  });

  it('renames one, whatever the name holds', async () => {
    const { visitor, page } = await atPasskeys(app, CAMILLE);
    const [rename = ''] = linksTo(await add(visitor, page), '/renommer');
    const form = await visitor.get(rename);
    const empty = await visitor.send(form, { name: ' ' });
    expect([empty.status, wordsOf(empty).includes('Donnez un nom à cette clé.')]).to.deep.equal([422, true]);
    const renamed = await visitor.submit(form, { name: '"><script>' });
    expect(renamed.text).to.include('&quot;&gt;&lt;script&gt;');
    expect((await passkeysOf(CAMILLE)).map(({ name }) => name)).to.deep.equal(['"><script>']);
  });
});
