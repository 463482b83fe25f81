import { expect } from 'chai';
import { DEMO_PASSWORD } from '../../seeds/demo/people.ts';
import { createPasswordHasher } from '../../src/credentials/password-hash.ts';
import { SECOND } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { linkEmail } from '../support/links.ts';
import { endWaits } from '../support/throttle.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const MINUTE = 60 * SECOND;
const CAMILLE = 'camille@example.test';
const DOMINIQUE = 'dominique@example.test';
const DOMINIQUE_PHONE = '+33639980007';
const ADMIN = 'admin@example.test';
const ADMIN_PHONE = '+33639980099';
const WRONG_PASSWORD = 'neuf girafes au soleil';

const BAD_CREDENTIALS = "L'adresse mail ou le mot de passe n'est pas correct. Vérifiez-les, puis réessayez.";
const WAIT = "Trop d'essais en peu de temps. Réessayez dans";
const WRONG_CODE = "Ce code n'est pas le bon. Il vous reste 4 essais.";
const EXHAUSTED = "Trop d'essais : ce code ne sert plus. Demandez-en un nouveau.";

const heading = (page: Page): string =>
  (/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(page.text)?.[1] ?? '').replace(/&#39;/g, "'").replace(/\s/g, ' ').trim();

const faultOf = (page: Page, field: string): string | undefined =>
  new RegExp(`id="${field}-fault">[\\s\\S]*?<span>([\\s\\S]*?)</span>`)
    .exec(page.text)?.[1]
    ?.replace(/&#39;/g, "'")
    .replace(/\s/g, ' ');

const valueIn = (page: Page, field: string): string | undefined =>
  new RegExp(`<input[^>]*\\bid="${field}"[^>]*?\\bvalue="([^"]*)"`).exec(page.text)?.[1];

/** The page without what differs from one answer to the next by nature. */
const bareOf = (page: Page, email: string): string =>
  page.text
    .replaceAll(email, 'email')
    .replaceAll(new URL(page.url).pathname.split('/')[2] ?? ' ', 'uid')
    .replace(/nonce="[^"]*"|name="_csrf" value="[^"]*"|data-options="[^"]*"/g, '');

const cookiesOf = (page: Page): string[] =>
  page.headers.getSetCookie().map((line) => line.replace(/=[^;]*/, '='));

const wrong = (code: string): string => (code === '000000' ? '111111' : '000000');

const ageCounters = (app: TestApp) =>
  app.database.knex('throttle_counters').update({ expire: Date.now() - 1 });

describe('sign-in', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp();
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const newVisitor = () => new Visitor(app.issuer);
  const received = (to: string) => app.mailbox.messages().filter((message) => message.to === to);

  async function begin(visitor = newVisitor()): Promise<{ visitor: Visitor; form: Page }> {
    return { visitor, form: await visitor.get((await client.authorize()).url) };
  }

  /** Does `act` and waits for the code that it sends to `to`. */
  async function codeSentTo(to: string, act: () => Promise<Page>): Promise<{ page: Page; code: string }> {
    const { result: page, code } = await app.codeSentBy(to, act);
    return { page, code };
  }

  const enter = (visitor: Visitor, form: Page, email: string, codeTo = email) =>
    codeSentTo(codeTo, () => visitor.submit(form, { email, password: DEMO_PASSWORD }));

  /** From a fresh browser to the code page. */
  async function untilCode(email = CAMILLE, codeTo = email) {
    const { visitor, form } = await begin();
    return { visitor, form, ...(await enter(visitor, form, email, codeTo)) };
  }

  const isBack = (page: Page): boolean =>
    page.headers.get('location')?.startsWith('http://localhost:4001/callback?code=') ?? false;

  describe('the password', () => {
    it('wrong, or of an unknown address, gets the very same answer', async () => {
      const sent = await app.database.knex('messages').count();
      const answers: string[][] = [];
      for (const email of [CAMILLE, 'nobody@example.test', 'sacha@example.test']) {
        const { visitor, form } = await begin();
        const page = await visitor.send(form, { email, password: WRONG_PASSWORD });
        expect(wordsOf(page)).to.include(BAD_CREDENTIALS);
        expect(valueIn(page, 'email')).to.equal(email);
        expect(page.text).not.to.include(WRONG_PASSWORD);
        answers.push([String(page.status), bareOf(page, email), ...cookiesOf(page)]);
      }
      expect(answers[0]?.[0]).to.equal('422');
      expect(answers[1]).to.deep.equal(answers[0]);
      expect(answers[2]).to.deep.equal(answers[0]);
      expect(await app.database.knex('messages').count(), 'nobody is written to').to.deep.equal(sent);
    });

    it('and the address are both asked for, each beside its field', async () => {
      const { visitor, form } = await begin();
      const empty = await visitor.submit(form, { email: ' ', password: '' });
      expect(empty.status).to.equal(422);
      expect(faultOf(empty, 'email')).to.equal('Indiquez votre adresse mail.');
      expect(faultOf(empty, 'password')).to.equal('Indiquez votre mot de passe.');
      const half = await visitor.submit(form, { email: 'camille', password: WRONG_PASSWORD });
      expect(faultOf(half, 'email')).to.equal(
        "Cette adresse mail n'est pas valable. Elle ressemble à prenom.nom@exemple.fr.",
      );
      expect(half.text).not.to.include(WRONG_PASSWORD);
    });

    for (const email of [CAMILLE, 'nobody@example.test']) {
      it(`may fail ten times for ${email}, then both right and wrong ones wait`, async () => {
        const { visitor, form } = await begin();
        for (let failures = 0; failures < 10; failures += 1) {
          await endWaits(app);
          const page = await visitor.submit(form, { email, password: WRONG_PASSWORD });
          expect(wordsOf(page)).to.include(BAD_CREDENTIALS);
        }
        for (const password of [WRONG_PASSWORD, DEMO_PASSWORD]) {
          const refused = await visitor.submit(form, { email, password });
          expect(refused.status).to.equal(422);
          expect(wordsOf(refused)).to.include(`${WAIT} 15 minutes.`);
          expect(wordsOf(refused)).not.to.include(BAD_CREDENTIALS);
        }
        await ageCounters(app);
        if (email !== CAMILLE) return;
        const { code, page } = await enter(visitor, form, email);
        expect(isBack(await visitor.submit(page, { code }, '/code'))).to.equal(true);
      });
    }

    it('refused because of a stop, or of a wait, gets the very same answer for an unknown address', async () => {
      for (const failures of [3, 10]) {
        const answers: string[][] = [];
        for (const email of [CAMILLE, 'nobody@example.test', 'sacha@example.test']) {
          await app.database.knex('throttle_counters').delete();
          const { visitor, form } = await begin();
          for (let tries = 0; tries < failures; tries += 1) {
            await visitor.send(form, { email, password: WRONG_PASSWORD });
            if (tries < failures - 1) await endWaits(app);
          }
          const page = await visitor.send(form, { email, password: DEMO_PASSWORD });
          expect(wordsOf(page)).to.include(failures === 3 ? `${WAIT} 5 secondes.` : `${WAIT} 15 minutes.`);
          answers.push([String(page.status), bareOf(page, email), ...cookiesOf(page)]);
        }
        expect(answers[1]).to.deep.equal(answers[0]);
        expect(answers[2]).to.deep.equal(answers[0]);
      }
    });

    for (const email of [CAMILLE, 'nobody@example.test']) {
      it(`wrong for ${email} makes the next one wait longer and longer, which is told`, async () => {
        const { visitor, form } = await begin();
        const fail = async () => wordsOf(await visitor.submit(form, { email, password: WRONG_PASSWORD }));
        for (const seconds of [0, 0, 5, 15, 30, 60, 60, 60, 60]) {
          expect(await fail()).to.include(BAD_CREDENTIALS);
          if (seconds === 0) continue;
          const right = await visitor.submit(form, { email, password: DEMO_PASSWORD });
          expect(right.status).to.equal(422);
          expect(wordsOf(right)).to.include(`${WAIT} ${seconds} secondes.`);
          await endWaits(app);
        }
      });
    }

    it('is compared three times, of twenty guesses made at once', async () => {
      const { visitor, form } = await begin();
      const pages = await Promise.all(
        Array.from({ length: 20 }, () => visitor.submit(form, { email: CAMILLE, password: WRONG_PASSWORD })),
      );
      const compared = pages.filter((page) => wordsOf(page).includes(BAD_CREDENTIALS));
      expect(compared).to.have.length(3);
      expect(pages.filter((page) => wordsOf(page).includes(WAIT))).to.have.length(17);
    });

    it('clears the count of failures when it is right', async () => {
      const { visitor, form } = await begin();
      for (let round = 0; round < 2; round += 1) {
        for (let failures = 0; failures < 9; failures += 1) {
          await endWaits(app);
          const page = await visitor.submit(form, { email: CAMILLE, password: WRONG_PASSWORD });
          expect(wordsOf(page)).to.include(BAD_CREDENTIALS);
        }
        await endWaits(app);
        const { page } = await enter(visitor, form, CAMILLE);
        expect(heading(page)).to.equal('Un code vous attend');
      }
    });

    it('is counted once for all writings of an address', async () => {
      const { visitor, form } = await begin();
      const writings = [
        CAMILLE,
        ' CAMILLE@EXAMPLE.TEST ',
        'Camille@Example.Test',
        'ｃamille@example.test',
        '\u00a0ＣＡＭＩＬＬＥ＠ｅｘａｍｐｌｅ．ｔｅｓｔ\u3000',
      ];
      for (let failures = 0; failures < 10; failures += 1) {
        const email = writings[failures % writings.length] as string;
        await endWaits(app);
        const page = await visitor.submit(form, { email, password: WRONG_PASSWORD });
        expect(wordsOf(page), email).to.include(BAD_CREDENTIALS);
      }
      for (const email of writings) {
        const page = await visitor.submit(form, { email, password: WRONG_PASSWORD });
        expect(wordsOf(page), email).to.include(WAIT);
      }
      const inside = await visitor.submit(form, {
        email: 'camille @example.test',
        password: WRONG_PASSWORD,
      });
      expect(faultOf(inside, 'email'), 'a space inside is no writing of it').to.include("n'est pas valable");
      await ageCounters(app);
      const { page } = await enter(visitor, form, ' CAMILLE@EXAMPLE.TEST ', CAMILLE);
      expect(heading(page), 'and all of them sign in').to.equal('Un code vous attend');
    });

    it('opens only with the address that signs in, not with another of the account', async () => {
      const { visitor, form } = await begin();
      const page = await visitor.submit(form, {
        email: 'camille.cabinet@example.test',
        password: DEMO_PASSWORD,
      });
      expect(wordsOf(page)).to.include(BAD_CREDENTIALS);
    });

    it('right, of an account that waits for approval, gets an explanation and no code', async () => {
      const { visitor, form } = await begin();
      const page = await visitor.submit(form, { email: 'sacha@example.test', password: DEMO_PASSWORD });
      expect(wordsOf(page)).to.include("Votre compte attend d'être vérifié par un administrateur");
      const code = await visitor.get(`${form.url}/code`);
      expect(code.url).to.equal(form.url);
      expect(app.codesTo('sacha@example.test')).to.equal(0);
    });

    it('comes after the address that the application hinted at', async () => {
      const page = await newVisitor().get((await client.authorize({ login_hint: CAMILLE })).url);
      expect(valueIn(page, 'email')).to.equal(CAMILLE);
    });
  });

  describe('the second step', () => {
    it('is a code by e-mail, told as such in the ID token', async () => {
      const authorization = await client.authorize();
      const visitor = newVisitor();
      const { page, code } = await enter(visitor, await visitor.get(authorization.url), CAMILLE);
      expect(heading(page)).to.equal('Un code vous attend');
      for (const text of [
        'c***e@e***.test',
        'Saisissez le code reçu',
        'Valider mon code à usage unique',
        'Renvoyer le code',
      ]) {
        expect(wordsOf(page)).to.include(text);
      }
      expect(page.text).not.to.include(CAMILLE);
      expect(wordsOf(page), 'there is no other channel').not.to.include('Recevoir le code autrement');
      const mail = received(CAMILLE)[0];
      expect(mail?.subject).to.equal('Votre code de connexion à Messagerie');
      expect(mail?.text).to.include('votre connexion à Messagerie');
      const back = await visitor.submit(page, { code: ` ${code.slice(0, 3)}-${code.slice(3)} ` }, '/code');
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()).to.deep.include({
        acr: 'urn:caducee:acr:2sv-email',
        amr: ['pwd', 'email'],
      });
    });

    it('is an SMS for who prefers it, told as such in the ID token', async () => {
      const authorization = await client.authorize();
      const visitor = newVisitor();
      const form = await visitor.get(authorization.url);
      const { page, code } = await enter(visitor, form, DOMINIQUE, DOMINIQUE_PHONE);
      expect(wordsOf(page)).to.include('3363***07');
      expect(received(DOMINIQUE_PHONE)[0]?.text).to.include('pour vous connecter à Messagerie');
      expect(received(DOMINIQUE_PHONE)[0]?.text.split('\n').at(-1)).to.equal(`@localhost #${code}`);
      expect(received(DOMINIQUE)).to.have.length(0);
      const back = await visitor.submit(page, { code }, '/code');
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()).to.deep.include({
        acr: 'urn:caducee:acr:2fa',
        amr: ['pwd', 'sms', 'mfa'],
      });
    });

    it('may be an e-mail instead, which voids the SMS', async () => {
      const authorization = await client.authorize();
      const visitor = newVisitor();
      const form = await visitor.get(authorization.url);
      const sms = await enter(visitor, form, DOMINIQUE, DOMINIQUE_PHONE);
      expect(wordsOf(sms.page)).to.include('Recevoir le code autrement');
      const channels = await visitor.get(`${form.url}/canal`);
      expect(heading(channels)).to.equal("Comment confirmer que c'est vous ?");
      expect(wordsOf(channels)).to.match(/Par SMS 3363\*\*\*07 .*Par e-mail d\*\*\*e@e\*\*\*\.test/);
      expect(channels.text).not.to.include(DOMINIQUE);
      const none = await visitor.submit(channels, { channel: 'pigeon' }, '/canal');
      expect(none.status).to.equal(422);
      expect(faultOf(none, 'channel')).to.equal('Choisissez un moyen de confirmation.');

      const mail = await codeSentTo(DOMINIQUE, () =>
        visitor.submit(channels, { channel: 'email' }, '/canal'),
      );
      expect(wordsOf(mail.page)).to.include('d***e@e***.test');
      if (sms.code !== mail.code) {
        const refused = await visitor.submit(mail.page, { code: sms.code }, '/code');
        expect(faultOf(refused, 'code')).to.equal(WRONG_CODE);
      }
      const back = await visitor.submit(mail.page, { code: mail.code }, '/code');
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()).to.deep.include({
        acr: 'urn:caducee:acr:2sv-email',
        amr: ['pwd', 'email'],
      });
    });

    it('is never an e-mail for an administrator', async () => {
      const { visitor, form, page, code } = await untilCode(ADMIN, ADMIN_PHONE);
      expect(wordsOf(page)).not.to.include('Recevoir le code autrement');
      const channels = await visitor.get(`${form.url}/canal`);
      expect(wordsOf(channels)).not.to.include('Par e-mail');
      const refused = await visitor.submit(channels, { channel: 'email' }, '/canal');
      expect(refused.status).to.equal(422);
      expect(isBack(await visitor.submit(page, { code }, '/code'))).to.equal(true);
      expect(received(ADMIN)).to.have.length(0);
    });

    it('sends a new code in place of the first', async () => {
      const { visitor, page, code, form } = await untilCode();
      app.clock.advance(30 * SECOND);
      const second = await codeSentTo(CAMILLE, () => visitor.submit(page, {}, '/renvoyer'));
      expect(wordsOf(second.page)).to.include(
        'Un nouveau code est parti vers c***e@e***.test. Le précédent ne sert plus.',
      );
      if (code !== second.code) {
        expect(faultOf(await visitor.submit(page, { code }, '/code'), 'code')).to.equal(WRONG_CODE);
      }
      expect(second.page.url, 'a page that can be reloaded').to.equal(`${form.url}/code`);
      const reloaded = await visitor.get(`${form.url}/renvoyer`);
      expect(heading(reloaded)).to.equal('Un code vous attend');
      expect(isBack(await visitor.submit(reloaded, { code: second.code }, '/code'))).to.equal(true);
    });

    it('sends no second code within half a minute, and the first one stays good', async () => {
      const { visitor, page, code } = await untilCode();
      const sent = app.codesTo(CAMILLE);
      app.clock.advance(29 * SECOND - 500);
      const early = await visitor.submit(page, {}, '/renvoyer');
      expect(early.status).to.equal(200);
      expect(wordsOf(early)).to.match(
        /Un code vient de partir\. Vous pourrez en demander un autre dans [12] secondes?\./,
      );
      expect(faultOf(early, 'code')).to.equal(undefined);
      expect(app.codesTo(CAMILLE)).to.equal(sent);
      expect(wordsOf(await visitor.get(early.url)), 'loaded again').to.include('Un code vient de partir.');
      app.clock.advance(3 * SECOND);
      expect(wordsOf(await visitor.get(early.url)), 'once it is over').not.to.include(
        'Un code vient de partir',
      );
      expect(isBack(await visitor.submit(early, { code }, '/code'))).to.equal(true);
    });

    it('says how long to wait who asked for five codes, of which the last stays good', async () => {
      let { visitor, page, code } = await untilCode();
      for (let sent = 1; sent < 5; sent += 1) {
        app.clock.advance(30 * SECOND);
        ({ page, code } = await codeSentTo(CAMILLE, () => visitor.submit(page, {}, '/renvoyer')));
      }
      app.clock.advance(30 * SECOND);
      const refused = await visitor.submit(page, {}, '/renvoyer');
      expect(wordsOf(refused)).to.include(
        'Vous avez demandé 5 codes. Le dernier reçu reste valable ; vous pourrez en demander un autre dans 60 minutes.',
      );
      expect(faultOf(refused, 'code')).to.equal(undefined);
      expect(isBack(await visitor.submit(refused, { code }, '/code'))).to.equal(true);
    });

    it('promises nothing of a last code that five wrong tries have spent', async () => {
      let { visitor, page, code } = await untilCode();
      for (let sent = 1; sent < 5; sent += 1) {
        app.clock.advance(30 * SECOND);
        ({ page, code } = await codeSentTo(CAMILLE, () => visitor.submit(page, {}, '/renvoyer')));
      }
      for (let tries = 0; tries < 5; tries += 1) await visitor.submit(page, { code: wrong(code) }, '/code');
      const refused = await visitor.submit(page, {}, '/renvoyer');
      expect(wordsOf(refused)).to.include(
        'Vous avez demandé 5 codes. Vous pourrez en demander un autre dans 60 minutes.',
      );
    });

    it('proposes the other channel to who did not get the code, and the way back to it', async () => {
      const { visitor, form, page, code } = await untilCode(DOMINIQUE, DOMINIQUE_PHONE);
      const channels = await visitor.get(`${form.url}/canal`);
      expect(channels.text).to.match(/<input[^>]*value="email"[^>]*checked/);
      expect(channels.text).not.to.match(/<input[^>]*value="sms-1"[^>]*checked/);
      expect(channels.text).to.include(`href="${new URL(page.url).pathname}"`);
      const again = await visitor.submit(channels, { channel: 'sms-1' }, '/canal');
      expect(faultOf(again, 'channel')).to.match(/^Un code vient de partir/);
      const other = await codeSentTo(DOMINIQUE, () =>
        visitor.submit(channels, { channel: 'email' }, '/canal'),
      );
      expect(wordsOf(other.page), 'another channel need not wait').to.include('d***e@e***.test');
      expect(code).to.match(/^\d{6}$/);
    });

    it('takes five wrong codes, and not the right one after them', async () => {
      const { visitor, page, code } = await untilCode();
      const empty = await visitor.submit(page, { code: '' }, '/code');
      expect(faultOf(empty, 'code')).to.equal('Saisissez le code que vous avez reçu.');
      const said: (string | undefined)[] = [];
      for (let tries = 0; tries < 5; tries += 1) {
        const answer = await visitor.submit(page, { code: wrong(code) }, '/code');
        expect(answer.status).to.equal(422);
        said.push(faultOf(answer, 'code'));
      }
      expect(said).to.deep.equal([
        WRONG_CODE,
        "Ce code n'est pas le bon. Il vous reste 3 essais.",
        "Ce code n'est pas le bon. Il vous reste 2 essais.",
        "Ce code n'est pas le bon. Il vous reste 1 essai.",
        EXHAUSTED,
      ]);
      const sixth = await visitor.submit(page, { code }, '/code');
      expect(faultOf(sixth, 'code')).to.equal(EXHAUSTED);
      app.clock.advance(30 * SECOND);
      const next = await codeSentTo(CAMILLE, () => visitor.submit(page, {}, '/renvoyer'));
      expect(isBack(await visitor.submit(next.page, { code: next.code }, '/code'))).to.equal(true);
    });

    it('counts wrong codes over all sign-ins of an account, and waits after twenty', async () => {
      let last = await untilCode();
      for (let round = 0; round < 4; round += 1) {
        if (round > 0) last = await untilCode();
        const { visitor, page, code } = last;
        for (let tries = 0; tries < 5; tries += 1) {
          await visitor.submit(page, { code: wrong(code) }, '/code');
        }
      }
      const { visitor, page, code } = await untilCode();
      const refused = await visitor.submit(page, { code }, '/code');
      expect(faultOf(refused, 'code')).to.equal(`${WAIT} 60 minutes.`);
      await ageCounters(app);
      expect(isBack(await visitor.submit(page, { code }, '/code'))).to.equal(true);
    });

    it('completes once for two clicks', async () => {
      const { visitor, page, code } = await untilCode();
      const answers = await Promise.all([
        visitor.send(page, { code }, page.url),
        visitor.send(page, { code }, page.url),
      ]);
      for (const { status } of answers) expect(status).to.be.oneOf([303, 400, 422]);
      const resumed = answers.filter(({ headers }) => headers.get('location')?.includes('/authorize/'));
      expect(resumed).to.have.length(1);
      expect(isBack(await visitor.follow(resumed[0] as Page))).to.equal(true);
    });

    it('is refused to who did not give the password', async () => {
      const { visitor, form } = await begin();
      const before = app.mailbox.messages().length;
      for (const path of ['code', 'canal', 'renvoyer']) {
        const page = await visitor.get(`${form.url}/${path}`);
        expect(page.url, path).to.equal(form.url);
      }
      for (const [path, fields] of [
        ['code', { code: '123456' }],
        ['canal', { channel: 'email' }],
        ['renvoyer', {}],
      ] as const) {
        const page = await visitor.follow(await visitor.send(form, fields, `${form.url}/${path}`));
        expect(page.url, path).to.equal(form.url);
        expect(heading(page)).to.equal('Connectez-vous');
      }
      expect(app.mailbox.messages()).to.have.length(before);
    });

    it('is refused to an account that was suspended in between', async () => {
      const { visitor, form, page, code } = await untilCode();
      const own = app.database
        .knex('accounts')
        .whereIn(
          'id',
          app.database.knex('email_addresses').where({ canonical: CAMILLE }).select('account_id'),
        );
      await own.clone().update({ state: 'suspended' });
      try {
        const answer = await visitor.submit(page, { code }, '/code');
        expect(answer.url).to.equal(form.url);
        expect(heading(answer)).to.equal('Connectez-vous');
        const again = await visitor.submit(answer, { email: CAMILLE, password: DEMO_PASSWORD });
        expect(wordsOf(again)).to.include('Votre compte est suspendu.');
        expect(again.text).to.include('<a href="mailto:assistance@example.test">assistance@example.test</a>');
      } finally {
        await own.clone().update({ state: 'active' });
      }
    });
  });

  describe('the way through it', () => {
    const over = "Cette connexion n'est plus en cours";

    it('may be walked in two tabs of one interaction: the newest code counts', async () => {
      const { visitor, form, page: one, code: first } = await untilCode();
      const tab = await visitor.get(form.url);
      expect(heading(tab)).to.equal('Connectez-vous');
      expect(valueIn(tab, 'email')).to.equal(CAMILLE);
      const { page: two, code: second } = await enter(visitor, tab, CAMILLE);
      if (first !== second) {
        expect(faultOf(await visitor.submit(one, { code: first }, '/code'), 'code')).to.equal(WRONG_CODE);
      }
      expect(isBack(await visitor.submit(one, { code: second }, '/code'))).to.equal(true);
      const late = await visitor.submit(two, { code: second }, '/code');
      expect(late.status).to.equal(400);
      expect(heading(late)).to.equal('Vous êtes déjà connecté');
    });

    it('may be walked for two applications side by side', async () => {
      const laboratoire = await createTestClient(app.issuer, 'laboratoire');
      await linkEmail(app, 'laboratoire', CAMILLE);
      const visitor = newVisitor();
      const [here, there] = [await client.authorize(), await laboratoire.authorize()];
      const forms = [await visitor.get(here.url), await visitor.get(there.url)] as const;
      const one = await enter(visitor, forms[0], CAMILLE);
      const two = await enter(visitor, forms[1], CAMILLE);
      if (one.code !== two.code) {
        const crossed = await visitor.submit(one.page, { code: two.code }, '/code');
        expect(faultOf(crossed, 'code'), 'a code of another sign-in').to.equal(WRONG_CODE);
      }
      const second = await visitor.submit(two.page, { code: two.code }, '/code');
      const first = await visitor.submit(one.page, { code: one.code }, '/code');
      const tokens = [
        await laboratoire.exchange(there, second.headers.get('location') as string),
        await client.exchange(here, first.headers.get('location') as string),
      ];
      expect(new Set(tokens.map((one) => one.claims()?.sub)).size).to.equal(1);
    });

    it('explains itself to who comes back after the end', async () => {
      const { visitor, form, page, code } = await untilCode();
      expect(isBack(await visitor.submit(page, { code }, '/code'))).to.equal(true);
      const late = [
        await visitor.get(form.url),
        await visitor.get(page.url),
        await visitor.get(`${form.url}/canal`),
        await visitor.submit(page, { code }, '/code'),
        await visitor.submit(page, {}, '/renvoyer'),
        await visitor.submit(form, { email: CAMILLE, password: DEMO_PASSWORD }),
      ];
      for (const answer of late) {
        expect(answer.status, answer.url).to.equal(400);
        expect(heading(answer), answer.url).to.equal('Vous êtes déjà connecté');
        expect(wordsOf(answer)).to.include('Retournez dans votre application');
      }
    });

    it('is closed to another browser', async () => {
      const { form, page, code } = await untilCode();
      const { visitor: other, form: own } = await begin();
      const answers = [
        await newVisitor().get(form.url),
        await other.get(form.url),
        await other.get(page.url),
        await other.follow(await other.send(own, { code }, page.url)),
        await other.follow(await other.send(own, { email: CAMILLE, password: DEMO_PASSWORD }, form.url)),
      ];
      for (const answer of answers) {
        expect(answer.status, answer.url).to.equal(400);
        expect(heading(answer)).to.equal(over);
      }
      const stolen = await other.jar.getCookies(page.url);
      expect(stolen.map(({ key }) => key)).not.to.include('caducee_interaction');
    });

    it('does not pass to another browser that holds the cookie of the interaction alone', async () => {
      const { visitor, form, page, code } = await untilCode();
      const other = newVisitor();
      for (const cookie of await visitor.jar.getCookies(form.url)) {
        if (cookie.key.startsWith('caducee_interaction')) await other.jar.setCookie(cookie, form.url);
      }
      const entered = await other.get(page.url);
      expect(heading(entered), 'the password step is not theirs').to.equal('Connectez-vous');
      const tried = await other.follow(await other.send(entered, { code }, page.url));
      expect(heading(tried)).to.equal('Connectez-vous');
    });

    it('may end as another person than the browser was signed in as', async () => {
      const visitor = newVisitor();
      await signIn(app, visitor, (await client.authorize()).url, { email: CAMILLE });
      const again = await client.authorize({ prompt: 'login' });
      const between = await signIn(app, visitor, again.url, { email: DOMINIQUE, codeTo: DOMINIQUE_PHONE });
      const xsrf = /name="xsrf" value="([^"]*)"/.exec(between.text)?.[1] ?? '';
      const back = await visitor.submit(between, { xsrf, logout: 'yes' });
      expect(isBack(back)).to.equal(true);
      expect(wordsOf(await visitor.get('/'))).to.include('Bonjour Dominique');
    });

    it('is over when the interaction expired', async () => {
      const { visitor, form, page, code } = await untilCode();
      await app.database
        .knex('oidc_payloads')
        .where({ model: 'Interaction' })
        .update({ expires_at: new Date(Date.now() - 11 * MINUTE) });
      await app.deps.engineStore.sweep();
      for (const answer of [
        await visitor.get(form.url),
        await visitor.get(page.url),
        await visitor.submit(page, { code }, '/code'),
      ]) {
        expect(answer.status, answer.url).to.equal(400);
        expect(heading(answer)).to.equal(over);
      }
    });

    it('asks for the password again after ten minutes without a step', async () => {
      const { visitor, form, page, code } = await untilCode();
      app.clock.advance(10 * MINUTE);
      const late = await visitor.submit(page, { code }, '/code');
      expect(late.url).to.equal(form.url);
      expect(heading(late)).to.equal('Connectez-vous');
      const again = await enter(visitor, late, CAMILLE);
      expect(isBack(await visitor.submit(again.page, { code: again.code }, '/code'))).to.equal(true);
    });
  });
});

describe('sign-in under load, on a node that sends no SMS', () => {
  let app: TestApp;
  let client: TestClient;
  before(async () => {
    app = await startTestApp({
      sms: false,
      settings: { HASH_CONCURRENCY: '1', HASH_QUEUE_LIMIT: '1', HASH_TIME_COST: '3' },
    });
    client = await createTestClient(app.issuer, 'messagerie');
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  async function tryAtOnce(email: string, password: string, count: number): Promise<Page[]> {
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get((await client.authorize()).url);
    return Promise.all(Array.from({ length: count }, () => visitor.send(form, { email, password })));
  }

  it('asks who finds the queue full to come back in a moment', async () => {
    const pages = await tryAtOnce('nobody@example.test', WRONG_PASSWORD, 10);
    const busy = pages.filter(({ status }) => status === 503);
    expect(pages.filter(({ status }) => status === 422)).to.have.length.at.least(2);
    expect(busy).to.have.length.at.least(1);
    expect(busy.length + pages.filter(({ status }) => status === 422).length).to.equal(10);
    for (const page of busy) {
      expect(page.headers.get('retry-after')).to.match(/^[1-9]\d*$/);
      expect(heading(page)).to.equal('Beaucoup de monde en ce moment');
      expect(page.text).not.to.include(WRONG_PASSWORD);
    }
  });

  it('does not count against the person a password that it did not compare', async () => {
    const pages = await tryAtOnce(CAMILLE, WRONG_PASSWORD, 9);
    expect(pages.filter(({ status }) => status === 503)).to.have.length.at.least(1);
    let compared = pages.filter((page) => wordsOf(page).includes(BAD_CREDENTIALS)).length;
    for (; compared < 10; compared += 1) {
      await endWaits(app);
      const [page] = await tryAtOnce(CAMILLE, WRONG_PASSWORD, 1);
      expect(wordsOf(page as Page), `attempt ${compared + 1}`).to.include(BAD_CREDENTIALS);
    }
    const [page] = await tryAtOnce(CAMILLE, WRONG_PASSWORD, 1);
    expect(wordsOf(page as Page)).to.include(WAIT);
  });

  it('hashes a password again when the settings have grown since', async () => {
    const account = app.database
      .knex('accounts')
      .whereIn('id', app.database.knex('email_addresses').where({ canonical: CAMILLE }).select('account_id'));
    const older = createPasswordHasher({ timeCost: 2, concurrency: 1, queueLimit: 1 });
    await account.clone().update({ password_hash: await older.hash(DEMO_PASSWORD) });
    const stored = async () => (await account.clone().first('password_hash')).password_hash as string;
    expect(await stored()).to.match(/\bt=2\b/);

    await tryAtOnce(CAMILLE, WRONG_PASSWORD, 1);
    expect(await stored(), 'not by a wrong one').to.match(/\bt=2\b/);
    for (let round = 0; round < 2; round += 1) {
      const { url } = await client.authorize();
      const back = await signIn(app, new Visitor(app.issuer), url, { email: CAMILLE });
      expect(back.headers.get('location')).to.include('/callback?code=');
    }
    expect(await stored()).to.match(/\bt=3\b/);
  });

  for (const [form, other] of [
    ['NFC', 'NFD'],
    ['NFD', 'NFC'],
  ] as const) {
    it(`takes 128 characters of any script, chosen as ${form} and typed as ${other}`, async () => {
      const account = app.database
        .knex('accounts')
        .whereIn(
          'id',
          app.database.knex('email_addresses').where({ canonical: CAMILLE }).select('account_id'),
        );
      const { password_hash: before } = await account.clone().first('password_hash');
      const password = 'Été à Œuvré, 水 и 🐎 '.repeat(8).slice(0, 130).trim();
      expect(Array.from(password.normalize('NFC')).length).to.be.within(110, 128);
      await account.clone().update({ password_hash: await app.deps.hasher.hash(password.normalize(form)) });
      try {
        const { url } = await client.authorize();
        const back = await signIn(app, new Visitor(app.issuer), url, {
          email: CAMILLE,
          password: password.normalize(other),
        });
        expect(back.headers.get('location')).to.include('/callback?code=');
        const [cut] = await tryAtOnce(CAMILLE, password.slice(0, -2), 1);
        expect(wordsOf(cut as Page), 'the end counts too').to.include(BAD_CREDENTIALS);
      } finally {
        await account.clone().update({ password_hash: before });
      }
    });
  }

  it('sends an e-mail to who would prefer an SMS', async () => {
    const { url } = await client.authorize();
    const back = await signIn(app, new Visitor(app.issuer), url, { email: DOMINIQUE });
    expect(back.headers.get('location')).to.include('/callback?code=');
  });

  it('closes to an administrator, who has no second factor left', async () => {
    const [page] = await tryAtOnce(ADMIN, DEMO_PASSWORD, 1);
    expect(page?.status).to.equal(422);
    expect(wordsOf(page as Page)).to.include(
      "Aucun moyen de confirmation de votre compte n'est accepté ici.",
    );
    expect(app.mailbox.messages().filter(({ to }) => to === ADMIN)).to.have.length(0);
  });
});
