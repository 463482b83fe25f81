/** Guesses made many at once, over two nodes, over restarts. */
import { expect } from 'chai';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { endWaits } from '../support/throttle.ts';
import { startUnder } from '../support/under.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const DOMINIQUE_PHONE = '+33639980007';
const DEMO_PASSWORD = 'demo-caducee-2026';
const WRONG_PASSWORD = 'neuf girafes au soleil';
const AT_ONCE = 200;
const WAIT = "Trop d'essais en peu de temps.";
const BAD_CREDENTIALS = "L'adresse mail ou le mot de passe n'est pas correct.";

describe('guesses made at once', function () {
  this.timeout(60_000);
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ nodes: 2, settings: { TRUSTED_PROXIES: '1' } });
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  /** How many secrets were compared, as the journal tells. */
  const compared = async (event: 'sign-in.refused' | 'code.refused') =>
    (await app.database.knex('journal').where({ event })).length;

  /** As many machines as guesses: no limit on one source helps. */
  const sourceOf = (index: number) => `198.51.${100 + (index >> 8)}.${index & 255}`;

  it(`${AT_ONCE} passwords for one account: three are compared, then one each time a wait ends, ten in all`, async () => {
    const earlier = await compared('sign-in.refused');
    const stranger = new Visitor(app.issuer);
    const form = await stranger.get('/connexion');
    const writings = [CAMILLE, ' CAMILLE@example.TEST', 'ｃamille@example.test'];
    const burst = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, index) => {
          stranger.forwardedFor = sourceOf(index);
          const email = writings[index % writings.length] as string;
          return stranger.send(form, { email, password: `${WRONG_PASSWORD} ${index}` });
        }),
      );
    const pages = await burst(AT_ONCE);
    const words = pages.map(wordsOf);
    expect(words.filter((text) => text.includes(BAD_CREDENTIALS))).to.have.length(3);
    expect(words.filter((text) => text.includes(WAIT))).to.have.length(AT_ONCE - 3);
    expect((await compared('sign-in.refused')) - earlier).to.equal(3);

    for (let total = 4; total <= 14; total += 1) {
      await endWaits(app);
      await burst(30);
      expect((await compared('sign-in.refused')) - earlier).to.equal(Math.min(total, 10));
    }
    const [last] = await burst(1);
    expect(wordsOf(last as Page)).to.include(`${WAIT} Réessayez dans 15 minutes.`);
  });

  it(`${AT_ONCE} codes for one account in five sign-ins: the hourly limit is compared`, async () => {
    const earlier = await compared('code.refused');
    const rooms: { visitor: Visitor; page: Page; code: string }[] = [];
    for (let room = 0; room < 5; room += 1) {
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get('/connexion');
      const { result: page, code } = await app.codeSentBy(DOMINIQUE_PHONE, () =>
        visitor.submit(form, { email: DOMINIQUE, password: DEMO_PASSWORD }),
      );
      rooms.push({ visitor, page, code });
    }
    const codes = new Set(rooms.map(({ code }) => code));
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => {
        const { visitor, page } = rooms[index % rooms.length] as (typeof rooms)[number];
        visitor.forwardedFor = sourceOf(index);
        let code = String(100_000 + index);
        if (codes.has(code)) code = String(900_000 + index);
        return visitor.send(page, { code }, page.url);
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([422]));
    const { limit } = throttleRules.codeFailurePerAccount;
    expect((await compared('code.refused')) - earlier).to.be.within(1, limit);
    const { visitor, page, code } = rooms[0] as (typeof rooms)[number];
    expect(wordsOf(await visitor.submit(page, { code }, '/code')), 'the right one waits too').to.match(
      /Trop d'essais/,
    );
  });

  it('are counted by whatever node starts later', async () => {
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get('/connexion');
    for (let failures = 0; failures < 9; failures += 1) {
      await endWaits(app);
      const page = await visitor.submit(form, { email: CAMILLE, password: WRONG_PASSWORD });
      expect(wordsOf(page)).to.include(BAD_CREDENTIALS);
    }
    const later = await startUnder(app, {});
    try {
      app.balance([later.port]);
      expect(wordsOf(await visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }))).to.include(
        `${WAIT} Réessayez dans 60 secondes.`,
      );
      await endWaits(app);
      await visitor.submit(form, { email: CAMILLE, password: WRONG_PASSWORD });
      expect(wordsOf(await visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }))).to.include(
        `${WAIT} Réessayez dans 15 minutes.`,
      );
    } finally {
      app.balance(app.nodePorts);
      await later.close();
    }
  });
});
