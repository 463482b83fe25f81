import { expect } from 'chai';
import { MINUTE, SECOND } from '../../src/lib/clock.ts';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';
import {
  ADMIN,
  accountIdOf,
  addPhone,
  CAMILLE,
  changesOf,
  DOMINIQUE,
  type Person,
  PHONES,
  phonesOf,
  signedIn,
  signedInBy,
} from './support.ts';

const NEW = '+33639980041';
const STRONGLY = '/connexion?vers=telephones&pour=telephones';

describe('phones as second factors', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  const removalOf = async (person: Person, number: string): Promise<string> => {
    const account_id = await accountIdOf(app, person);
    const { id } = await app.database.knex('phone_numbers').where({ account_id, number }).first('id');
    return `${PHONES}/${id}/retirer`;
  };

  it('are added by the code that they receive, told everywhere, and offered at the next sign-in', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const elsewhere = await signedIn(app, CAMILLE);
    const form = await visitor.get(PHONES);
    expect(wordsOf(form))
      .to.include("Aucun numéro n'est encore vérifié.")
      .and.to.include('peut être détourné');
    const { result: codePage, code } = await app.codeSentBy(NEW, () =>
      visitor.submit(form, { number: '06 39 98 00 41' }, '/telephones'),
    );
    expect((await app.waitForMessage(NEW)).text).to.include('pour vérifier ce téléphone');
    expect(wordsOf(codePage)).to.include('+33 6 39 98 00 41');
    expect(await phonesOf(app, CAMILLE), 'not before the code').to.deep.equal([]);
    const wrong = await visitor.submit(codePage, { code: String((Number(code) + 1) % 1e6).padStart(6, '0') });
    expect([wrong.status, wordsOf(wrong)].join(' ')).to.match(/^422 .*Il vous reste 4 essais/);

    const done = await visitor.submit(wrong, { code });
    expect(wordsOf(done)).to.include('Le +33 6 39 98 00 41 est vérifié');
    expect(await phonesOf(app, CAMILLE)).to.deep.equal([NEW]);
    expect(await changesOf(app, CAMILLE)).to.deep.equal([{ change: 'phone-added', phone: '3363***41' }]);
    // Two sign-ins were coded to the first address.
    for (const [to, after] of [
      [CAMILLE.email, 2],
      ['camille.cabinet@example.test', 0],
    ] as const)
      expect((await app.waitForMessage(to, { after })).subject, to).to.include('Un téléphone a été ajouté');
    expect((await elsewhere.request(PHONES)).status, 'the other session ended').to.equal(303);

    const next = await signedInBy(app, CAMILLE, { channel: 'sms-1', codeTo: NEW });
    expect(wordsOf(await next.get('/'))).to.include('Bonjour Camille');
    expect(app.logLines.join(''), 'in no log').not.to.include(NEW.slice(1));
  });

  it('say what is wrong with a number, and keep it in the field', async () => {
    const visitor = await signedIn(app, DOMINIQUE);
    const form = await visitor.get(PHONES);
    for (const [number, words] of [
      ['', 'Indiquez votre numéro de téléphone.'],
      ['06 39', "Ce numéro de téléphone n'est pas valable."],
      ['01 44 55 66 77', "Ce numéro de téléphone n'est pas valable."],
      ['06 39 98 00 07', 'Ce numéro est déjà sur votre compte.'],
      ['"><script>', "Ce numéro de téléphone n'est pas valable."],
    ] as const) {
      const refused = await visitor.submit(form, { number }, '/telephones');
      expect(refused.status, number).to.equal(422);
      expect(wordsOf(refused)).to.include(words);
      if (number && !number.includes('<')) expect(refused.text).to.include(`value="${number}"`);
      expect(refused.text).not.to.include('<script>');
    }
    expect(await phonesOf(app, DOMINIQUE)).to.deep.equal([DOMINIQUE.codeTo]);
  });

  it('may be on several accounts, once on each, and five at most', async () => {
    const visitor = await signedIn(app, CAMILLE);
    await addPhone(app, visitor, DOMINIQUE.codeTo);
    expect(await phonesOf(app, CAMILLE)).to.deep.equal([DOMINIQUE.codeTo]);
    const others = [51, 52, 53, 54].map((end) => `+336399800${end}`);
    const account_id = await accountIdOf(app, CAMILLE);
    await app.database.knex('phone_numbers').insert(
      others.map((number, index) => ({
        id: `00000000-0000-4000-8000-00000000000${index}`,
        account_id,
        number,
        verified_at: app.clock.now(),
      })),
    );
    const full = await visitor.get(PHONES);
    expect(wordsOf(full)).to.include('déjà 5 numéros').and.not.to.include('Recevoir un code');
    const refused = await visitor.send(await visitor.get('/inscription/ordre'), { number: NEW }, PHONES);
    expect(refused.status).to.equal(422);
    expect(app.codesTo(NEW)).to.equal(0);
  });

  it('are added once by one code, however often it is sent', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(PHONES);
    const { result: codePage, code } = await app.codeSentBy(NEW, () =>
      visitor.submit(form, { number: NEW }, '/telephones'),
    );
    const answers = await Promise.all(Array.from({ length: 4 }, () => visitor.send(codePage, { code })));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(answers.map(({ status }) => status).every((status) => status < 500)).to.equal(true);
    expect(await phonesOf(app, CAMILLE)).to.deep.equal([NEW]);
    expect(await changesOf(app, CAMILLE)).to.have.length(1);
  });

  it('are proved to who asked, in the browser that asked', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(PHONES);
    const { result: codePage, code } = await app.codeSentBy(NEW, () =>
      visitor.submit(form, { number: NEW }, '/telephones'),
    );
    const stranger = await signedIn(app, DOMINIQUE);
    for (const answer of [
      await stranger.request(codePage.url),
      await stranger.send(await stranger.get(PHONES), { code }, codePage.url),
      await (await signedIn(app, CAMILLE)).request(codePage.url),
    ])
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, PHONES]);
    const nobody = new Visitor(app.issuer);
    expect((await nobody.request(codePage.url)).headers.get('location')).to.equal(
      '/connexion?vers=telephones',
    );
    expect(await phonesOf(app, DOMINIQUE)).to.deep.equal([DOMINIQUE.codeTo]);
    expect(await phonesOf(app, CAMILLE)).to.deep.equal([]);
    expect(wordsOf(await visitor.submit(codePage, { code }))).to.include('est vérifié');
  });

  it('are proved to who asked, not to who signs in after them in the same browser', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(PHONES);
    const { result: codePage, code } = await app.codeSentBy(NEW, () =>
      visitor.submit(form, { number: NEW }, '/telephones'),
    );
    for (const name of ['caducee', 'caducee.sig'])
      await visitor.jar.setCookie(`${name}=; Max-Age=0; Path=/`, app.issuer);
    await signIn(app, visitor, '/connexion', DOMINIQUE);
    for (const answer of [
      await visitor.request(codePage.url),
      await visitor.send(await visitor.get(PHONES), { code }, codePage.url),
    ])
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, PHONES]);
    expect(await phonesOf(app, DOMINIQUE)).to.deep.equal([DOMINIQUE.codeTo]);
  });

  it('receive five codes an hour at most, half a minute apart', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(PHONES);
    let { result: page } = await app.codeSentBy(NEW, () =>
      visitor.submit(form, { number: NEW }, '/telephones'),
    );
    page = await visitor.submit(page, {}, '/renvoyer');
    expect(wordsOf(page)).to.include('Un code vient de partir.');
    for (let sent = 1; sent < 5; sent += 1) {
      app.clock.advance(MINUTE / 2);
      ({ result: page } = await app.codeSentBy(NEW, () => visitor.submit(page, {}, '/renvoyer')));
      expect(wordsOf(page)).to.include('Un nouveau code est parti vers +33 6 39 98 00 41');
    }
    app.clock.advance(MINUTE / 2);
    page = await visitor.submit(page, {}, '/renvoyer');
    expect(wordsOf(page)).to.include('Vous avez demandé 5 codes.');
    const again = await visitor.submit(await visitor.get(PHONES), { number: NEW }, '/telephones');
    expect([again.status, wordsOf(again)].join(' '), 'nor by beginning again').to.match(
      /^422 .*Trop d'essais/,
    );
    expect(app.codesTo(NEW)).to.equal(5);
  });

  it('are removed after a question, which tells what remains', async () => {
    const visitor = await signedIn(app, DOMINIQUE);
    const url = await removalOf(DOMINIQUE, DOMINIQUE.codeTo);
    const list = await visitor.get(PHONES);
    expect(list.text).to.include(`href="${url}"`);
    const question = await visitor.get(url);
    expect(wordsOf(question)).to.include('il ne restera que le code par e-mail');
    expect(await phonesOf(app, DOMINIQUE), 'a question removes nothing').to.have.length(1);
    const done = await visitor.submit(question, {});
    expect(wordsOf(done)).to.include('Le +33 6 39 98 00 07 est retiré');
    expect(await phonesOf(app, DOMINIQUE)).to.deep.equal([]);
    expect(
      (await app.waitForMessage(DOMINIQUE.codeTo, { after: 1 })).text,
      'the number itself is told',
    ).to.include('un téléphone a été retiré');
    const { preferred_factor } = await app.database
      .knex('accounts')
      .where({ id: await accountIdOf(app, DOMINIQUE) })
      .first('preferred_factor');
    expect(preferred_factor).to.equal(null);
    expect((await visitor.get(url)).status, 'no longer there').to.equal(404);
    await signedIn(app, { email: DOMINIQUE.email });
  });

  it('of others are not there', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get(PHONES);
    const foreign = await removalOf(DOMINIQUE, DOMINIQUE.codeTo);
    for (const url of [
      foreign,
      `${PHONES}/00000000-0000-4000-8000-000000000009/retirer`,
      `${PHONES}/abc/retirer`,
    ]) {
      expect((await visitor.get(url)).status, url).to.equal(404);
      expect((await visitor.send(page, {}, url)).status, url).to.equal(404);
    }
    expect(await phonesOf(app, DOMINIQUE)).to.have.length(1);
  });

  it('leave an administrator the last one, even when two are removed at once', async () => {
    const visitor = await signedIn(app, ADMIN);
    const only = await removalOf(ADMIN, ADMIN.codeTo);
    const page = await visitor.get(PHONES);
    expect(wordsOf(page)).to.include("C'est votre seul moyen fort");
    expect(page.text).not.to.include(only);
    expect((await visitor.request(only)).headers.get('location')).to.equal(PHONES);
    const refused = await visitor.send(page, {}, only);
    expect(refused.status).to.equal(422);
    expect(wordsOf(refused)).to.include('Votre compte doit garder au moins un moyen fort.');
    expect(await changesOf(app, ADMIN), 'nothing is told of what did not happen').to.deep.equal([]);

    await addPhone(app, visitor, NEW);
    const both = [only, await removalOf(ADMIN, NEW)];
    const form = await visitor.get(PHONES);
    const answers = await Promise.all(both.map((url) => visitor.send(form, {}, url)));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 422]);
    expect(await phonesOf(app, ADMIN)).to.have.length(1);
  });

  it('are changed by nobody who signed in by e-mail and had one: a mailbox is not enough', async () => {
    app.clock.advance(2 * SECOND);
    const visitor = await signedInBy(app, DOMINIQUE, { channel: 'email', codeTo: DOMINIQUE.email });
    const any = await visitor.get('/inscription/ordre');
    const removal = await removalOf(DOMINIQUE, DOMINIQUE.codeTo);
    for (const answer of [
      await visitor.request(PHONES),
      await visitor.send(any, { number: NEW }, PHONES),
      await visitor.request(removal),
      await visitor.send(any, {}, removal),
    ])
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, STRONGLY]);
    expect(app.codesTo(NEW)).to.equal(0);
    const form = await visitor.get(STRONGLY);
    const { result: codePage, code } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
      visitor.submit(form, { email: DOMINIQUE.email, password: 'demo-caducee-2026' }),
    );
    expect(wordsOf(await visitor.get(`${form.url}/canal`)), 'not by e-mail').not.to.include('Par e-mail');
    expect(wordsOf(await visitor.submit(codePage, { code }, '/code'))).to.include('Ajouter un numéro');
  });

  it('open nothing once they are removed, even by a code that they received before', async () => {
    const owner = await signedIn(app, DOMINIQUE);
    await addPhone(app, owner, NEW);
    const lost = new Visitor(app.issuer);
    const form = await lost.get('/connexion');
    const { result: codePage, code } = await app.codeSentBy(DOMINIQUE.codeTo, () =>
      lost.submit(form, { email: DOMINIQUE.email, password: 'demo-caducee-2026' }),
    );
    await owner.submit(await owner.get(await removalOf(DOMINIQUE, DOMINIQUE.codeTo)), {});
    const answer = await lost.submit(codePage, { code }, '/code');
    expect(answer.url).to.match(/\/canal$/);
    expect(wordsOf(answer)).to.include("Comment confirmer que c'est vous ?");
  });

  it('of others receive no more codes for the ones that their asker proves', async () => {
    const OWN = '+33639980042';
    const visitor = await signedIn(app, CAMILLE);
    const { limit } = throttleRules.codeSendPerAccount;
    const ask = async (number: string) =>
      visitor.submit(await visitor.get(PHONES), { number }, '/telephones');
    for (let at = 0; at < limit - 1; at += 1) await ask(`+3363998005${at}`);
    await addPhone(app, visitor, OWN);
    const refused = [await ask('+33639980061'), await ask('+33639980062')];
    expect(refused.map(({ status }) => status)).to.deep.equal([200, 422]);
    expect(wordsOf(refused[1] as (typeof refused)[0])).to.include("Trop d'essais");
  });

  it('are changed in the session that added the first one', async () => {
    const visitor = await signedIn(app, CAMILLE);
    app.clock.advance(2 * SECOND);
    await addPhone(app, visitor, NEW);
    const question = await visitor.get(await removalOf(CAMILLE, NEW));
    expect(wordsOf(await visitor.submit(question, {}))).to.include('est retiré');
  });
});

describe('phones where', () => {
  for (const [what, options, words] of [
    ['no SMS is sent', { sms: false }, "Aucun SMS n'est envoyé ici"],
    [
      'they do not count',
      { settings: { SECOND_FACTORS_PROFESSIONAL: 'email,totp,passkey' } },
      "n'est pas accepté pour votre compte",
    ],
  ] as const)
    it(`${what} are not added, and open nothing`, async () => {
      const app = await startTestApp(options);
      try {
        const visitor = await signedIn(app, { email: DOMINIQUE.email });
        const page = await visitor.get(PHONES);
        expect(wordsOf(page)).to.include(words).and.not.to.include('Recevoir un code');
        expect(wordsOf(page), 'what is there may go').to.include('Retirer');
        const answer = await visitor.send(await visitor.get('/inscription/ordre'), { number: NEW }, PHONES);
        expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, PHONES]);
        expect(await app.database.knex('one_time_codes').where({ purpose: 'phone' })).to.deep.equal([]);
      } finally {
        await app.close();
      }
    });
});
