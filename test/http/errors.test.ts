import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { Visitor, wordsOf } from '../support/visitor.ts';

describe('the page of a request that the engine refuses', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());

  async function refused(parameters: Record<string, string>) {
    const client = await createTestClient(app.issuer, 'messagerie');
    const url = new URL((await client.authorize()).url);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const page = await new Visitor(app.issuer).get(url.href);
    expect(page.status).to.equal(400);
    return { page, words: wordsOf(page) };
  }

  it('names the fault for integrators, folded away, and never what came with the request', async () => {
    const bait = 'https://evil.example/<b>callback</b>';
    for (const [parameters, technical] of [
      [{ redirect_uri: bait }, /Détail technique invalid_redirect_uri: redirect_uri did not match/],
      [{ client_id: '<b>nobody</b>' }, /Détail technique invalid_client: client is invalid/],
    ] as const) {
      const { page, words } = await refused(parameters);
      expect(words).to.match(technical);
      expect(page.text).to.include('<details').and.not.to.include('<details open');
      expect(page.text).not.to.match(/evil\.example|nobody|<b>callback/);
    }
  });

  it('sends people to the support of the application, not to ours', async () => {
    const { page, words } = await refused({ redirect_uri: 'https://elsewhere.example/' });
    expect(words).to.match(/Référence à donner à l'assistance de l'application : \S+/);
    expect(/<main[\s\S]*<\/main>/.exec(page.text)?.[0]).not.to.include('assistance@example.test');
  });
});
