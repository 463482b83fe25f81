import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { accountOf } from '../support/factors.ts';
import {
  createExpectations,
  eventsOf,
  forgetTrust,
  leave,
  tokenOf,
  trusting,
  typePassword,
} from '../support/trust.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const DEVICES = '/mon-compte/authentification-forte/appareils';
const FIREFOX = 'Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0';

describe('the page of trusted devices', () => {
  let app: TestApp;
  let expects: Awaited<ReturnType<typeof createExpectations>>;
  before(async () => {
    app = await startTestApp();
    expects = await createExpectations(app);
  });
  after(() => app.close());
  beforeEach(() => forgetTrust(app));

  /** The page in a trusted browser that signs in again, by its password alone. */
  async function pageOf(visitor: Visitor, email = CAMILLE): Promise<Page> {
    await typePassword(visitor, '/connexion', email);
    const page = await visitor.get(DEVICES);
    expect(page.status).to.equal(200);
    return page;
  }
  /** Where the forms of single devices go, last used first. */
  const removalsOf = ({ text }: Page) =>
    [...text.matchAll(/action="([^"]*appareils\/[0-9a-f-]{36}\/retirer)"/g)].map(
      ([, action]) => action ?? '',
    );

  it('names each by its browser, and asks there again once it is removed', async () => {
    const visitor = new Visitor(app.issuer);
    visitor.userAgent = FIREFOX;
    await trusting(app, CAMILLE, visitor);
    const page = await pageOf(visitor);
    expect(wordsOf(page)).to.include('Firefox, Android cet appareil Dernière utilisation le ');
    const after = await visitor.submit(page, {}, removalsOf(page)[0]);
    expect(wordsOf(after))
      .to.include("L'appareil est retiré")
      .and.include("Aucun appareil n'est de confiance");
    expect(await tokenOf(app, visitor)).to.equal(undefined);
    const removed = (await eventsOf(app, 'trusted-device.removed')).at(-1);
    const id = await accountOf(app, CAMILLE);
    expect(removed).to.deep.include({ actor: id, subject: id, details: { name: 'Firefox, Android' } });
    await expects.asked(visitor, CAMILLE);
  });

  it('removes one from another browser, or all of them', async () => {
    const far = await trusting(app, CAMILLE);
    const other = await trusting(app, CAMILLE);
    const here = await trusting(app, CAMILLE);
    const page = await pageOf(here);
    expect(wordsOf(page).match(/Retirer Appareil inconnu/g)).to.have.length(3);
    expect(wordsOf(page).match(/Appareil inconnu cet appareil/g)).to.have.length(1);
    await here.submit(page, {}, removalsOf(page).at(-1));
    await expects.asked(far, CAMILLE);
    expect(await tokenOf(app, here), 'this one stays').not.to.equal(undefined);
    const after = await here.submit(await here.get(DEVICES), {}, 'appareils/retirer');
    expect(wordsOf(after)).to.include("Plus aucun appareil n'est de confiance");
    await expects.asked(other, CAMILLE);
    await expects.asked(here, CAMILLE);
    expect((await eventsOf(app, 'trusted-device.removed')).at(-1).details).to.deep.equal({ count: 2 });
  });

  it("neither shows nor removes anybody else's", async () => {
    const dominique = await trusting(app, DOMINIQUE);
    const [{ id }] = await app.deps.knex('trusted_devices').select('id');
    const visitor = await trusting(app, CAMILLE);
    const page = await pageOf(visitor);
    expect(page.text).not.to.include(id);
    for (const device of [id, '00000000-0000-4000-8000-000000000000', 'x', '%00']) {
      const { status } = await visitor.send(page, {}, `${DEVICES}/${device}/retirer`);
      expect(status, device).to.equal(404);
    }
    await visitor.submit(page, {}, removalsOf(page)[0]);
    await visitor.send(page, {}, `${DEVICES}/retirer`);
    await expects.skipped(dominique, DOMINIQUE);
  });

  it('changes by its own forms alone, for who is signed in', async () => {
    const visitor = await trusting(app, CAMILLE);
    const page = await pageOf(visitor);
    const actions = [removalsOf(page)[0] ?? '', `${DEVICES}/retirer`];
    for (const action of actions) {
      expect((await visitor.request(action, { method: 'POST' })).status).to.equal(403);
      expect((await visitor.request(action)).headers.get('location')).to.equal(DEVICES);
    }
    await leave(app, visitor);
    const form = await visitor.get('/connexion');
    for (const action of actions) {
      const refused = await visitor.send(form, {}, action);
      expect(refused.headers.get('location')).to.equal('/connexion?vers=appareils-de-confiance');
    }
    expect(await app.deps.knex('trusted_devices')).to.have.length(1);
  });
});
