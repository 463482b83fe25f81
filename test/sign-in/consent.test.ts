import { expect } from 'chai';
import { saveApplication } from '../../src/applications/applications.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { linkEmail } from '../support/links.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';

describe('consent', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
    const metadata = {
      redirect_uris: ['http://localhost:4009/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
    const application = { clientId: 'third-party', name: 'Agenda', description: '', icon: 'calendar' };
    await saveApplication(
      app.database.knex,
      app.clock,
      { ...application, firstParty: false, onPortal: false, startUrl: undefined, metadata },
      undefined,
    );
  });
  after(() => app.close());

  /** What each line of the list says. */
  const asked = (page: Page): string[] =>
    [...page.text.matchAll(/<ul class="shared"[\s\S]*?<\/ul>/g)]
      .flatMap(([list]) => [...list.matchAll(/<li>[\s\S]*?<\/li>/g)])
      .map(([item]) => wordsOf({ ...page, text: item }).trim());

  const authorize = async (parameters: Record<string, string>, clientId = 'third-party') => {
    const redirect = clientId === 'third-party' ? { redirectUri: 'http://localhost:4009/callback' } : {};
    return (await (await createTestClient(app.issuer, clientId, redirect)).authorize(parameters)).url;
  };

  it('lists all that is asked for, marks what is new, and names the address that is given', async () => {
    const visitor = new Visitor(app.issuer);
    await linkEmail(app, 'third-party', 'camille.cabinet@example.test');
    const first = await signIn(app, visitor, await authorize({ scope: 'openid email' }), { email: CAMILLE });
    expect(asked(first)).to.deep.equal(['Votre adresse mail camille.cabinet@example.test']);
    const allowed = await visitor.submit(first, { decision: 'allow' }, '/consentement');
    expect(allowed.headers.get('location')).to.include('code=');

    const second = await visitor.get(await authorize({ scope: 'openid email profile' }));
    expect(asked(second)).to.deep.equal([
      'Votre adresse mail camille.cabinet@example.test',
      'Votre identité prénom et nom nouveau',
    ]);
    const again = await visitor.get(await authorize({ scope: 'openid email', prompt: 'consent' }));
    expect(asked(again), 'nothing new').to.deep.equal(['Votre adresse mail camille.cabinet@example.test']);
  });

  it('says what an application learns that asks for nothing', async () => {
    const visitor = new Visitor(app.issuer);
    const page = await signIn(app, visitor, await authorize({ scope: 'openid' }), { email: CAMILLE });
    expect(asked(page)).to.deep.equal([
      'Un identifiant technique pour vous reconnaître, sans votre nom ni votre adresse',
    ]);
  });
});
