import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

describe('signing out', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());

  async function question(): Promise<{ visitor: Visitor; page: Page; xsrf: string }> {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', { email: 'camille@example.test' });
    const page = await visitor.get('/deconnexion?client_id=caducee');
    return { visitor, page, xsrf: /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '' };
  }

  it('leads back to the portal who chose to stay', async () => {
    const { visitor, page, xsrf } = await question();
    const stayed = await visitor.submit(page, { xsrf }, '/confirm');
    expect(new URL(stayed.url).pathname).to.equal('/');
    expect(wordsOf(stayed)).to.include('Bonjour Camille');
  });

  it('says that it is done to who left, and the portal is closed', async () => {
    const { visitor, page, xsrf } = await question();
    const left = await visitor.submit(page, { xsrf, logout: 'yes' }, '/confirm');
    expect(wordsOf(left)).to.include('Vous êtes déconnecté');
    expect(wordsOf(await visitor.get('/'))).to.include('Un seul compte');
  });

  it('is told by the journal once it is written, and not before', async () => {
    const { knex } = app.database;
    const told = async () => (await knex('journal').where({ event: 'sign-out.completed' })).length;
    const { visitor, page, xsrf } = await question();
    const before = await told();
    await knex.raw(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
       CREATE TRIGGER refuse BEFORE DELETE ON oidc_sessions FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
    try {
      const failed = await visitor.submit(page, { xsrf, logout: 'yes' }, '/confirm');
      expect(failed.status).to.equal(500);
      expect(failed.headers.getSetCookie().join()).not.to.match(/caducee=;/);
    } finally {
      await knex.raw('DROP TRIGGER refuse ON oidc_sessions; DROP FUNCTION refuse()');
    }
    expect(await told()).to.equal(before);
    expect(wordsOf(await visitor.get('/')), 'still signed in').to.include('Bonjour Camille');

    const again = await visitor.get('/deconnexion?client_id=caducee');
    await visitor.submit(
      again,
      { xsrf: /name="xsrf" value="([^"]*)"/.exec(again.text)?.[1] ?? '', logout: 'yes' },
      '/confirm',
    );
    expect(await told()).to.equal(before + 1);
    const row = await knex('journal').where({ event: 'sign-out.completed' }).orderBy('seq', 'desc').first();
    const camille = await knex('email_addresses').where({ canonical: 'camille@example.test' }).first();
    expect(row).to.include({ actor: camille.account_id, outcome: 'success' });
  });
});
