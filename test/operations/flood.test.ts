import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';

const FLOOD = 400;
const CONCURRENCY = 2;
const QUEUE = 20;
/** Of one hash, as the settings have it. */
const HASH_MIB = 19;
const WRONG_PASSWORD = 'neuf girafes au soleil';

describe('a flood of sign-ins', function () {
  this.timeout(60_000);
  let app: TestApp;
  before(async () => {
    app = await startTestApp({
      settings: {
        TRUSTED_PROXIES: '1',
        HASH_CONCURRENCY: String(CONCURRENCY),
        HASH_QUEUE_LIMIT: String(QUEUE),
      },
    });
  });
  after(() => app.close());

  it('is told to come back in a moment beyond the queue, takes bounded memory, and leaves no mark', async () => {
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get('/connexion');
    await visitor.send(form, { email: 'warm@example.test', password: WRONG_PASSWORD });
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 2);
    const pages = await Promise.all(
      Array.from({ length: FLOOD }, (_, index) => {
        visitor.forwardedFor = `198.51.${100 + (index >> 8)}.${index & 255}`;
        return visitor.send(form, { email: `personne${index}@example.test`, password: WRONG_PASSWORD });
      }),
    );
    clearInterval(watch);

    const busy = pages.filter(({ status }) => status === 503);
    const compared = pages.filter(({ status }) => status === 422);
    expect(busy.length + compared.length).to.equal(FLOOD);
    expect(compared).to.have.length.at.least(CONCURRENCY + QUEUE);
    expect(busy).to.have.length.at.least(1);
    for (const page of busy) {
      expect(Number(page.headers.get('retry-after'))).to.be.within(1, 60);
      expect(wordsOf(page)).to.include('Beaucoup de monde en ce moment');
      expect(wordsOf(page)).to.include('Réessayez dans quelques secondes.');
      expect(page.text).not.to.include(WRONG_PASSWORD);
      expect(page.headers.get('cache-control')).to.include('no-store');
    }
    // All at once they would take forty times as much; the rest is what the test itself holds.
    const grownMiB = (most - before) / 2 ** 20;
    expect(grownMiB, `${grownMiB.toFixed(0)} MiB`).to.be.below((FLOOD * HASH_MIB) / 20);

    const counted = await app.database
      .knex('throttle_counters')
      .where('key', 'like', 'signInPerAccount:%')
      .where('points', '>', 0);
    expect(counted, 'who was not compared has lost no try').to.have.length(compared.length + 1);
    await signIn(app, new Visitor(app.issuer), '/connexion', { email: 'camille@example.test' });
  });
});
