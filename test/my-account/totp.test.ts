import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { addTotp, forgetFactors } from '../support/factors.ts';
import { totpAt } from '../support/totp.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';
import { ADMIN, CAMILLE, changesOf, signedIn } from './support.ts';

const TOTP = '/mon-compte/authentification-forte/application';
const REMOVE = `${TOTP}/retirer`;
const STEP_MS = 30_000;

/** The seed as a person copies it. */
const seedOf = (page: Page): string => {
  const groups = /class="seed"[^>]*>(.*?)<\/p>/s.exec(page.text)?.[1] ?? '';
  return groups.replace(/<[^>]*>|\s/g, '');
};

describe('« Application d’authentification »', function () {
  this.timeout(60_000);
  let app: TestApp;
  const shown: string[] = [];
  before(async () => {
    app = await startTestApp({ nodes: 2 });
  });
  after(() => app.close());
  beforeEach(async () => {
    await forgetFactors(app);
    await app.database.knex('journeys').delete();
    nextStep();
  });

  /** Goes to the beginning of the next step, so that the test ends within it. */
  const nextStep = () => app.clock.advance(STEP_MS - (app.clock.now().getTime() % STEP_MS) + 100);
  const codeOf = (seed: string) => totpAt(seed, app.clock.now().getTime() / 1000);
  /** A code of none of the steps around now. */
  const wrongCode = (seed: string) => {
    const at = app.clock.now().getTime() / 1000;
    const near = [-2, -1, 0, 1, 2].map((away) => totpAt(seed, at + away * 30));
    return ['000000', '111111', '222222'].find((code) => !near.includes(code)) as string;
  };
  const rows = () => app.database.knex('totp_credentials');
  const mailsToCamille = () => app.mailbox.messages().filter(({ to }) => to === CAMILLE.email).length;

  /** The page that shows a seed. */
  async function begin(visitor: Visitor): Promise<Page> {
    const page = await visitor.submit(await visitor.get(TOTP), {}, '/application');
    shown.push(seedOf(page));
    return page;
  }

  it('shows one seed as QR code, address and groups of four, and neither in the form nor in an address or cookie', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await begin(visitor);
    const seed = seedOf(page);
    expect(seed).to.match(/^[A-Z2-7]{32}$/);
    expect(wordsOf(page))
      .to.match(/(?:[A-Z2-7]{4} ){8}/)
      .and.include('Saisissez le code affiché');
    expect(page.text).to.include('otpauth://totp/').and.include(`secret=${seed}`);
    expect(page.text).to.match(/<img[^>]*src="data:image\/[^"]+"[^>]*alt="QR code[^"]+"/);
    expect(page.headers.get('content-security-policy')).to.include("img-src 'self' data:");
    expect(page.headers.get('cache-control')).to.equal('no-store');
    expect(/<form.*?<\/form>/s.exec(page.text)?.[0]).not.to.include(seed);
    expect(page.url).not.to.include(seed);
    for (const cookie of await visitor.jar.getCookies(app.issuer)) expect(cookie.value).not.to.include(seed);
    expect(seedOf(await visitor.get(page.url)), 'reloaded').to.equal(seed);
    expect(await rows(), 'nothing is set up yet').to.have.length(0);
  });

  it('is set up by a code, which is thereby used, tells the contacts and ends other sessions', async () => {
    const other = await signedIn(app, CAMILLE);
    const visitor = await signedIn(app, CAMILLE);
    const form = await begin(visitor);
    const seed = seedOf(form);
    const after = mailsToCamille();
    const page = await visitor.submit(form, { code: codeOf(seed) });
    expect(wordsOf(page)).to.include('est en place');
    expect(page.text, 'never again').not.to.include(seed);
    expect((await visitor.get(TOTP)).text).not.to.include(seed);
    expect((await changesOf(app, CAMILLE)).at(-1)).to.include({ change: 'totp-added' });
    const told = await app.waitForMessage(CAMILLE.email, { after });
    expect(told.subject).to.equal("Une application d'authentification a été ajoutée à votre compte");
    expect(wordsOf(await other.get('/'))).to.include('Un seul compte');

    const next = new Visitor(app.issuer);
    const asked = await next.submit(await next.get('/connexion'), {
      email: CAMILLE.email,
      password: DEMO_PASSWORD,
    });
    const again = await next.submit(asked, { code: codeOf(seed) }, '/application');
    expect(again.status, 'its step is used').to.equal(422);
    nextStep();
    const home = await next.submit(again, { code: codeOf(seed) }, '/application');
    expect(wordsOf(home)).to.include('Bonjour Camille');
  });

  it('keeps the same seed after a wrong code, and counts the tries', async () => {
    const visitor = await signedIn(app, CAMILLE);
    let page = await begin(visitor);
    const seed = seedOf(page);
    const code = wrongCode(seed);
    for (const typed of ['', '12 34', code]) {
      page = await visitor.submit(page, { code: typed });
      expect(page.status, typed).to.equal(422);
      expect(page.text, typed).to.match(/<input[^>]*id="code"[^>]*value=""[^>]*aria-invalid="true"/);
      expect(seedOf(page), typed).to.equal(seed);
    }
    const { limit } = throttleRules.codeFailurePerAccount;
    const answers = await Promise.all(Array.from({ length: 3 * limit }, () => visitor.send(page, { code })));
    const refused = answers.filter((answer) => wordsOf(answer).includes("n'est pas celui"));
    expect(refused).to.have.length(limit - 1);
    page = await visitor.submit(page, { code: codeOf(seed) });
    expect(wordsOf(page)).to.include("Trop d'essais en peu de temps.");
    expect(await rows()).to.have.length(0);
  });

  it('is set up once by a form sent twice', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const before = (await changesOf(app, CAMILLE)).length;
    const form = await begin(visitor);
    const code = codeOf(seedOf(form));
    const answers = await Promise.all([visitor.send(form, { code }), visitor.send(form, { code })]);
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 303]);
    expect((await changesOf(app, CAMILLE)).length - before).to.equal(1);
    expect((await visitor.send(form, { code })).headers.get('location')).to.equal(TOTP);
    expect(await app.database.knex('journeys').where({ kind: 'totp' })).to.have.length(0);
  });

  it('is set up without a failure by two tabs at the same moment', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const forms = [await begin(visitor), await begin(visitor)];
    const answers = await Promise.all(
      forms.map((form) => visitor.send(form, { code: codeOf(seedOf(form)) })),
    );
    for (const answer of answers) expect(answer.status, wordsOf(answer)).to.be.below(500);
    expect(await rows()).to.have.length(1);
  });

  it('forgets a seed after ten minutes, and shows it to no other browser and no other person', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await begin(visitor);
    const otherBrowser = await signedIn(app, CAMILLE);
    expect((await otherBrowser.request(form.url)).headers.get('location')).to.equal(TOTP);
    const [journey] = await app.database.knex('journeys').where({ kind: 'totp' });
    expect(Number(journey.expires_at) - Number(app.clock.now())).to.be.at.most(10 * MINUTE);
    expect(journey.state.toString('latin1')).not.to.include(seedOf(form));
    app.clock.advance(11 * MINUTE);
    const again = await visitor.send(form, { code: codeOf(seedOf(form)) });
    expect(again.headers.get('location'), 'the sign-in is too old by then').to.match(/^\/connexion\?vers=/);
    expect(await rows()).to.have.length(0);
  });

  it('is replaced by another one, which takes its place only once it works', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const first = await addTotp(app, CAMILLE.email);
    const [before] = await rows();
    const form = await begin(visitor);
    const seed = seedOf(form);
    expect(seed).not.to.equal(first);
    const refused = await visitor.submit(form, { code: codeOf(first) });
    expect(refused.status).to.equal(422);
    expect((await rows())[0].id).to.equal(before.id);
    await visitor.submit(refused, { code: codeOf(seed) });
    const after = await rows();
    expect(after).to.have.length(1);
    expect(after[0].id).not.to.equal(before.id);
  });

  it('is removed after a question, once, and tells so', async () => {
    const visitor = await signedIn(app, CAMILLE);
    expect((await visitor.request(REMOVE)).headers.get('location')).to.equal(TOTP);
    await addTotp(app, CAMILLE.email);
    const question = await visitor.get(REMOVE);
    expect(wordsOf(question)).to.include('votre seul second facteur');
    expect(await rows(), 'only asked').to.have.length(1);
    const before = (await changesOf(app, CAMILLE)).length;
    const answers = await Promise.all([
      visitor.send(question, {}, REMOVE),
      visitor.send(question, {}, REMOVE),
    ]);
    for (const answer of answers) expect(answer.status, wordsOf(answer)).to.be.below(500);
    expect(await rows()).to.have.length(0);
    expect((await changesOf(app, CAMILLE)).slice(before)).to.deep.equal([{ change: 'totp-removed' }]);
    expect(wordsOf(await visitor.get('/')), 'this session stays').to.include('Bonjour Camille');
  });

  it('is kept by an administrator who has nothing else, also when the rest went meanwhile', async () => {
    const { knex } = app.database;
    const visitor = await signedIn(app, ADMIN);
    await addTotp(app, ADMIN.email);
    const question = await visitor.get(REMOVE);
    const [phone] = await knex('phone_numbers').where({ number: ADMIN.codeTo });
    await knex('phone_numbers').where({ id: phone.id }).delete();
    try {
      const page = await visitor.submit(question, {}, REMOVE);
      expect(page.status).to.equal(422);
      expect(await rows()).to.have.length(1);
      expect(page.text).not.to.include(`href="${REMOVE}"`);
    } finally {
      await knex('phone_numbers').insert(phone);
    }
  });

  it('leaves no seed in the database, the log or a message', async () => {
    const { rows: tables } = await app.database.pool.query(
      `SELECT table_schema || '.' || quote_ident(table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    let text = app.logLines.join('') + JSON.stringify(app.mailbox.messages());
    for (const { name } of tables) {
      const { rows: found } = await app.database.pool.query(`SELECT to_jsonb(t)::text AS row FROM ${name} t`);
      text += found.map(({ row }) => row).join('\n');
    }
    expect(shown.length).to.be.greaterThan(2);
    for (const seed of shown)
      for (const form of [seed, Buffer.from(seed).toString('hex'), Buffer.from(seed).toString('base64')])
        expect(text.includes(form)).to.equal(false);
  });
});
