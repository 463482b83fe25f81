import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { SECOND } from '../../src/lib/clock.ts';
import { createSharedApplicant } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { ageCounters, endWaits } from '../support/throttle.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const CABINET = 'camille.cabinet@example.test';
const SUBJECT = 'Des essais de connexion à votre compte ont été arrêtés';
const WRONG_PASSWORD = 'neuf girafes au soleil';
const BAD_CREDENTIALS = "L'adresse mail ou le mot de passe n'est pas correct.";
const SOURCE = '203.0.113.77';
const DAY = 24 * 3_600 * SECOND;

describe('a stop', () => {
  let app: TestApp;
  let camille: string;
  before(async () => {
    app = await startTestApp({ nodes: 2, settings: { TRUSTED_PROXIES: '1' } });
    const { knex } = app.database;
    camille = (await knex('email_addresses').where({ canonical: CAMILLE }).first()).account_id;
  });
  after(() => app.close());
  beforeEach(async () => {
    await app.database.knex('throttle_counters').delete();
    await app.database.knex('known_devices').delete();
  });

  const begin = async (visitor = new Visitor(app.issuer, SOURCE)) => ({
    visitor,
    form: await visitor.get('/connexion?vers=secretaires'),
  });

  /** So many wrong passwords, each compared. */
  async function fail(times: number, email = CAMILLE, visitor?: Visitor): Promise<void> {
    const { visitor: who, form } = await begin(visitor);
    for (let failures = 0; failures < times; failures += 1) {
      await endWaits(app);
      const page = await who.submit(form, { email, password: WRONG_PASSWORD });
      expect(wordsOf(page)).to.include(BAD_CREDENTIALS);
    }
  }

  const entries = async () => {
    const rows = await app.database.knex('journal').where({ event: 'sign-in.blocked' }).orderBy('seq');
    return rows.map(({ entry }) => JSON.parse(entry));
  };
  /** Does `act` and waits for the entries that it leads to. */
  async function told(act: () => Promise<unknown>, expected = 1) {
    const earlier = (await entries()).length;
    await act();
    for (const deadline = Date.now() + 5_000; ; ) {
      const found = (await entries()).slice(earlier);
      if (found.length >= expected || Date.now() > deadline) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const notices = () => app.mailbox.messages().filter(({ subject }) => subject === SUBJECT);
  const queuedNotices = async () =>
    (await app.database.knex('messages').where({ template: 'sign-in-blocked' })).length;
  async function newNotices(act: () => Promise<unknown>, expected: number) {
    const earlier = notices().length;
    await act();
    for (const deadline = Date.now() + 5_000; notices().length < earlier + expected; ) {
      if (Date.now() > deadline) throw new Error('the notice did not come');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return notices().slice(0, notices().length - earlier);
  }

  it('is recorded once and told to every address of the person, in words', async () => {
    let found: unknown[] = [];
    const mails = await newNotices(async () => {
      found = await told(() => fail(10));
      const { visitor, form } = await begin();
      for (let refused = 0; refused < 3; refused += 1)
        await visitor.submit(form, { email: CAMILLE, password: WRONG_PASSWORD });
    }, 2);
    expect(found).to.have.length(1);
    expect(found[0]).to.deep.include({
      outcome: 'failure',
      subject: camille,
      source: SOURCE,
      details: { way: 'password', count: 10 },
    });
    expect(mails.map(({ to }) => to)).to.have.members([CAMILLE, CABINET]);
    for (const { text } of mails) {
      for (const words of [
        'Bonjour Camille',
        '10 mots de passe faux ont été essayés',
        `depuis l'adresse ${SOURCE}.`,
        "Rien n'a été ouvert.",
        "Si c'était vous, vous n'avez rien à faire",
        "Si ce n'était pas vous",
        `${app.issuer}/mot-de-passe-oublie`,
        'assistance@example.test',
      ])
        expect(text).to.include(words);
      expect(text).to.match(/Dernier essai le \d{1,2}(er)? \S+ \d{4}/);
      expect(text).not.to.include(WRONG_PASSWORD);
    }
  });

  it('is not told before it is reached', async () => {
    const queued = await queuedNotices();
    const found = await told(async () => {
      await fail(9);
      await fail(10, 'nobody@example.test');
    });
    expect(
      found.map(({ subject }) => subject),
      'that of nobody alone',
    ).to.deep.equal([undefined]);
    expect(found[0].details).to.deep.equal({ way: 'password', count: 10 });
    expect(await queuedNotices(), 'nobody is written to').to.equal(queued);
  });

  it('is recorded each time, and told once a day', async () => {
    const queued = await queuedNotices();
    await told(() => fail(10));
    expect(await queuedNotices()).to.equal(queued + 2);
    await ageCounters(app, 900 * SECOND);
    expect(await told(() => fail(10))).to.have.length(1);
    expect(await queuedNotices()).to.equal(queued + 2);
    await ageCounters(app, DAY);
    await told(() => fail(10));
    expect(await queuedNotices()).to.equal(queued + 4);
  });

  it('of a known device says so', async () => {
    const owner = new Visitor(app.issuer, SOURCE);
    await signIn(app, owner, '/connexion', { email: CAMILLE });
    const mails = await newNotices(async () => {
      const found = await told(() => fail(10, CAMILLE, owner));
      expect(found.map(({ details }) => details)).to.deep.equal([
        { way: 'password', count: 10, onKnownDevice: true },
      ]);
    }, 2);
    expect(mails[0]?.text).to.include('sur un appareil où vous vous étiez déjà connecté');
  });

  it('of the second step says that somebody knows the password', async () => {
    const mails = await newNotices(async () => {
      const found = await told(async () => {
        for (let round = 0; round < 4; round += 1) {
          const { visitor, form } = await begin();
          const { result, code } = await app.codeSentBy(CAMILLE, () =>
            visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }),
          );
          let page: Page = result;
          for (let tries = 0; tries < 5; tries += 1)
            page = await visitor.submit(page, { code: code === '000000' ? '111111' : '000000' }, '/code');
        }
      });
      expect(found.map(({ details }) => details)).to.deep.equal([{ way: 'code', count: 20 }]);
    }, 2);
    expect(mails[0]?.text).to.include(
      "Quelqu'un a donné le bon mot de passe de votre compte, puis 20 codes faux.",
    );
    expect(mails[0]?.text).to.include('changez-le tout de suite');
  });

  it('of one member of a shared account is told to that member alone', async () => {
    const email = 'anne@example.test';
    const passwordHash = await app.deps.hasher.hash(DEMO_PASSWORD);
    const { accountId } = await createSharedApplicant(app.deps, { email, passwordHash });
    const { knex } = app.database;
    const { member_id: member } = await knex('email_addresses').where({ canonical: email }).first();
    const mails = await newNotices(async () => {
      const [found] = await told(() => fail(10, email));
      expect(found).to.deep.include({ subject: accountId, details: { way: 'password', count: 10, member } });
    }, 1);
    expect(mails.map(({ to }) => to)).to.deep.equal([email]);
    expect(mails[0]?.text).to.include('Bonjour Anne');
  });

  it('asks nothing more of a sign-in that follows it', async () => {
    await told(() => fail(10));
    await ageCounters(app, 900 * SECOND);
    const visitor = new Visitor(app.issuer, SOURCE);
    await signIn(app, visitor, '/connexion', { email: CAMILLE });
    expect(wordsOf(await visitor.get('/'))).to.include('Bonjour Camille');
  });
});
