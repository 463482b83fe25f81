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
});
