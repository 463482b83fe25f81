import { expect } from 'chai';
import { transition } from '../../src/accounts/transition.ts';
import { listEmailLinks } from '../../src/applications/email-links.ts';
import { MINUTE } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';
import {
  accountIdOf,
  CAMILLE,
  CONTACTS,
  changesOf,
  DOMINIQUE,
  EMAIL_ADDITION,
  emailIdOf,
  emailsOf,
  eventsOf,
  sendFields,
  signedIn,
} from './support.ts';

const CABINET = 'camille.cabinet@example.test';
const NEW = 'camille.neuve@example.test';

describe('the addresses of a person', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  const linksOf = async (email: string) =>
    (await listEmailLinks(app.database.knex, await accountIdOf(app, { email }))).map(
      ({ clientId, address }) => `${clientId} ${address}`,
    );
  const usesUrl = async (address: string) => `${CONTACTS}/emails/${await emailIdOf(app, address)}`;
  const removalUrl = async (address: string) => `${await usesUrl(address)}/retirer`;
  const receivedBy = (to: string) => app.mailbox.messages().filter((message) => message.to === to).length;

  async function askFor(visitor: Visitor, email: string) {
    const form = await visitor.get(EMAIL_ADDITION);
    return app.codeSentBy(email, () => visitor.submit(form, { email }, '/ajouter'));
  }

  it('are listed with the star, the one that signs in, and the applications that know each', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get(CONTACTS);
    const words = wordsOf(page);
    expect(words).to.match(
      /camille@example\.test reçoit vos notifications vous sert à vous connecter Utilisée pour : Messagerie/,
    );
    expect(words).to.include(CABINET).and.include('Ajouter une adresse');
    expect(page.text, 'the one that signs in stays').not.to.include(await removalUrl(CAMILLE.email));
    expect(page.text).to.include(await removalUrl(CABINET));
    const nobody = new Visitor(app.issuer);
    expect((await nobody.request(CONTACTS)).headers.get('location')).to.equal('/connexion?vers=coordonnees');
  });

  it('are added by the code that they receive, with the star and the applications that were ticked', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const elsewhere = await signedIn(app, CAMILLE);
    const { result: codePage, code } = await askFor(visitor, NEW);
    expect(wordsOf(codePage))
      .to.include('Code OTP')
      .and.include('Je souhaite utiliser cette adresse email pour recevoir les notifications')
      .and.include('Applications sur lesquelles je pense avoir un compte avec cette adresse')
      .and.include("Messagerie (aujourd'hui par camille@example.test)")
      .and.include('Valider mon adresse');
    expect(await emailsOf(app, CAMILLE), 'not before the code').not.to.include(NEW);

    const wrong = String((Number(code) + 1) % 1e6).padStart(6, '0');
    const refused = await sendFields(app, visitor, codePage, [
      ['code', wrong],
      ['star', 'yes'],
      ['applications', 'laboratoire'],
    ]);
    expect([refused.status, wordsOf(refused)].join(' ')).to.match(/^422 .*Il vous reste 4 essais/);
    expect(refused.text, 'the ticks come back').to.match(/name="star"[^>]* checked/);
    expect(refused.text).to.match(/value="laboratoire" checked/);
    expect(refused.text).not.to.match(/value="messagerie" checked/);

    const sent = [CAMILLE.email, CABINET].map((to) => [to, receivedBy(to)] as const);
    const done = await visitor.follow(
      await sendFields(app, visitor, codePage, [
        ['code', code],
        ['star', 'yes'],
        ['applications', 'messagerie'],
        ['applications', 'laboratoire'],
        ['applications', 'no-such-application'],
      ]),
    );
    expect(done.url).to.match(/\/mon-compte\/coordonnees$/);
    expect(wordsOf(done))
      .to.include("L'adresse est vérifiée")
      .and.include(`${NEW} reçoit vos notifications Utilisée pour : Laboratoire, Messagerie`);
    expect(await linksOf(NEW)).to.deep.equal([`laboratoire ${NEW}`, `messagerie ${NEW}`]);
    expect(await changesOf(app, CAMILLE)).to.deep.equal([
      { change: 'email-added', email: 'c***e@e***.test' },
    ]);
    for (const [to, after] of [...sent, [NEW, 1] as const]) {
      const { subject, text } = await app.waitForMessage(to, { after });
      expect(subject, to).to.equal('Une adresse e-mail a été ajoutée à votre compte');
      expect(text).to.include("Il s'agit de c***e@e***.test.");
    }
    expect((await elsewhere.request(CONTACTS)).status, 'the other session ended').to.equal(303);
    expect(await eventsOf(app, CAMILLE, 'notification-email.changed')).to.have.length(1);
    expect(app.logLines.join(''), 'in no log').not.to.include(NEW);
    const again = await visitor.send(await visitor.get(EMAIL_ADDITION), { code }, codePage.url);
    expect([again.status, again.headers.get('location')]).to.deep.equal([303, EMAIL_ADDITION]);
  });

  it('say what is wrong with one, and keep it in the field', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(EMAIL_ADDITION);
    for (const [email, words] of [
      ['', 'Indiquez votre adresse mail.'],
      ['camille@', "Cette adresse mail n'est pas valable."],
      ['Camille.Cabinet@example.test', 'Cette adresse est déjà sur votre compte.'],
      ['"><script>', "Cette adresse mail n'est pas valable."],
    ] as const) {
      const refused = await visitor.submit(form, { email }, '/ajouter');
      expect(refused.status, email).to.equal(422);
      expect(wordsOf(refused)).to.include(words);
      if (email && !email.includes('<')) expect(refused.text).to.include(`value="${email}"`);
      expect(refused.text).not.to.include('<script>');
    }
    for (let count = 0; count < 8; count += 1)
      await app.database.knex('email_addresses').insert({
        id: `00000000-0000-4000-8000-00000000000${count}`,
        account_id: await accountIdOf(app, CAMILLE),
        address: `plein${count}@example.test`,
        canonical: `plein${count}@example.test`,
        verified_at: app.clock.now(),
      });
    const full = await visitor.submit(form, { email: NEW }, '/ajouter');
    expect([full.status, wordsOf(full)].join(' ')).to.match(/^422 .*déjà 10 adresses/);
    expect(app.codesTo(NEW)).to.equal(0);
  });

  it("tell nothing of somebody else's address, whose owner is told by mail", async () => {
    const visitor = await signedIn(app, CAMILLE);
    const pageOf = async (email: string) => {
      const form = await visitor.get(EMAIL_ADDITION);
      const sent = await visitor.send(form, { email });
      expect(sent.status).to.equal(303);
      const page = await visitor.follow(sent);
      const wrong = await visitor.submit(page, { code: '000000' });
      return [page, wrong].map(({ status, text }) => [
        status,
        text
          .replaceAll(email, 'ADRESSE')
          .replace(/[\w-]{22}(?=["/?])/g, 'ID')
          .replace(/nonce="[^"]*"/g, ''),
      ]);
    };
    const known = await pageOf(DOMINIQUE.email);
    expect(known).to.deep.equal(await pageOf('personne@example.test'));
    const { subject, text } = await app.waitForMessage(DOMINIQUE.email);
    expect(subject).to.equal('Votre adresse a déjà un compte');
    expect(text).to.include('a voulu ajouter cette adresse à un autre compte');
    expect(app.codesTo(DOMINIQUE.email), 'no code').to.equal(0);
    expect(app.codesTo('personne@example.test')).to.equal(1);
    expect(await emailsOf(app, CAMILLE)).to.have.members([CAMILLE.email, CABINET]);
  });

  it('are added once, by one account, when two prove one at the same moment', async () => {
    const people = [await signedIn(app, CAMILLE), await signedIn(app, DOMINIQUE)];
    const asked = [];
    for (const visitor of people) asked.push({ visitor, ...(await askFor(visitor, NEW)) });
    const answers = await Promise.all(
      [...asked, ...asked].map(({ visitor, result, code }) => visitor.send(result, { code })),
    );
    expect(answers.map(({ status }) => status).every((status) => status < 500)).to.equal(true);
    expect(answers.filter(({ headers }) => headers.get('location') === CONTACTS)).to.have.length(1);
    const rows = await app.database.knex('email_addresses').where({ canonical: NEW });
    expect(rows).to.have.length(1);
    const added = [...(await changesOf(app, CAMILLE)), ...(await changesOf(app, DOMINIQUE))];
    expect(added, 'nobody else is told of what did not happen').to.have.length(1);
  });

  it('are proved to who asked, in the browser that asked, within ten minutes', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const { result: codePage, code } = await askFor(visitor, NEW);
    for (const stranger of [await signedIn(app, DOMINIQUE), await signedIn(app, CAMILLE)]) {
      const form = await stranger.get(EMAIL_ADDITION);
      const answer = await stranger.send(form, { code }, codePage.url);
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, EMAIL_ADDITION]);
    }
    const leave = async () => {
      for (const name of ['caducee', 'caducee.sig'])
        await visitor.jar.setCookie(`${name}=; Max-Age=0; Path=/`, app.issuer);
    };
    await leave();
    await signIn(app, visitor, '/connexion', DOMINIQUE);
    const other = await visitor.send(await visitor.get(EMAIL_ADDITION), { code }, codePage.url);
    expect(other.headers.get('location'), 'who signs in after them').to.equal(EMAIL_ADDITION);
    expect(await emailsOf(app, DOMINIQUE)).to.deep.equal([DOMINIQUE.email]);
    await leave();
    app.clock.advance(11 * MINUTE);
    await signIn(app, visitor, '/connexion', CAMILLE);
    expect((await visitor.request(codePage.url)).headers.get('location')).to.equal(EMAIL_ADDITION);
  });

  it('get another code half a minute later, on the same page', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const { result: codePage } = await askFor(visitor, NEW);
    expect(wordsOf(await visitor.submit(codePage, {}, '/renvoyer'))).to.include('Un code vient de partir.');
    app.clock.advance(MINUTE / 2);
    const { result, code } = await app.codeSentBy(NEW, () => visitor.submit(codePage, {}, '/renvoyer'));
    expect(wordsOf(result)).to.include(`Un nouveau code est parti vers ${NEW}`);
    expect(wordsOf(await visitor.submit(result, { code }))).to.include("L'adresse est vérifiée");
  });

  it('are changed as to the star and the applications, which is told to nobody', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const messages = app.mailbox.messages().length;
    const form = await visitor.get(await usesUrl(CABINET));
    expect(form.text).not.to.match(/checked/);
    const done = await visitor.follow(
      await sendFields(app, visitor, form, [
        ['star', 'yes'],
        ['applications', 'laboratoire'],
      ]),
    );
    expect(wordsOf(done))
      .to.include("C'est enregistré.")
      .and.include(`${CABINET} reçoit vos notifications Utilisée pour : Laboratoire`);
    expect(await linksOf(CABINET)).to.deep.equal([`laboratoire ${CABINET}`, `messagerie ${CAMILLE.email}`]);
    const starred = await visitor.get(await usesUrl(CABINET));
    expect(wordsOf(starred)).to.include('Cette adresse reçoit vos notifications.');
    expect(starred.text).to.match(/value="laboratoire" checked/);
    // Unticked here, and left alone where it knows another address.
    expect(wordsOf(await visitor.submit(starred, {}))).to.include('reçoit vos notifications');
    expect(await linksOf(CABINET)).to.deep.equal([`messagerie ${CAMILLE.email}`]);
    const events = await Promise.all(
      (['notification-email.changed', 'application-email.chosen', 'application-email.removed'] as const).map(
        async (event) =>
          (await eventsOf(app, CAMILLE, event)).length - (event === 'application-email.chosen' ? 1 : 0),
      ),
    );
    expect(events).to.deep.equal([1, 1, 1]);
    expect(await changesOf(app, CAMILLE)).to.deep.equal([]);
    expect(app.mailbox.messages().length).to.equal(messages);
    app.clock.advance(10 * MINUTE);
    expect((await visitor.get(await usesUrl(CABINET))).status, 'an ordinary change').to.equal(200);
  });

  it('are removed after a question, told to all with the removed one, and asked for again where used', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const elsewhere = await signedIn(app, CAMILLE);
    await sendFields(app, visitor, await visitor.get(await usesUrl(CABINET)), [
      ['star', 'yes'],
      ['applications', 'messagerie'],
    ]);
    const url = await removalUrl(CABINET);
    const question = await visitor.get(url);
    expect(wordsOf(question))
      .to.include('Vos notifications iront à camille@example.test')
      .and.include('redemanderont quelle adresse utiliser : Messagerie.');
    expect(await emailsOf(app, CAMILLE), 'a question removes nothing').to.include(CABINET);
    const sent = [CAMILLE.email, CABINET].map((to) => [to, receivedBy(to)] as const);
    const done = await visitor.submit(question, {});
    expect(wordsOf(done)).to.include("L'adresse est retirée").and.include('reçoit vos notifications');
    expect(await emailsOf(app, CAMILLE)).to.deep.equal([CAMILLE.email]);
    expect(await linksOf(CAMILLE.email)).to.deep.equal([]);
    for (const [to, after] of sent)
      expect((await app.waitForMessage(to, { after })).subject, to).to.include('a été retirée');
    expect(await changesOf(app, CAMILLE)).to.deep.equal([
      { change: 'email-removed', email: 'c***t@e***.test' },
    ]);
    expect((await elsewhere.request(CONTACTS)).status).to.equal(303);
    expect((await visitor.get(url)).status, 'no longer there').to.equal(404);
  });

  it('are never without one: the one that signs in is not removed, even when two tabs remove all', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get(CONTACTS);
    const form = await visitor.get(EMAIL_ADDITION);
    const urls = [await removalUrl(CAMILLE.email), await removalUrl(CABINET)];
    expect((await visitor.request(urls[0] as string)).headers.get('location')).to.equal(CONTACTS);
    const answers = await Promise.all([...urls, ...urls].map((url) => visitor.send(form, {}, url)));
    expect(answers.map(({ status }) => status).every((status) => status < 500)).to.equal(true);
    expect(await emailsOf(app, CAMILLE)).to.deep.equal([CAMILLE.email]);
    expect(await changesOf(app, CAMILLE)).to.have.length(1);
    const refused = await visitor.follow(await visitor.send(form, {}, urls[0]));
    expect(wordsOf(refused)).to.include("choisissez-en d'abord une autre");
    expect(page.status).to.equal(200);
  });

  it('are added and removed by who signed in a moment ago', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(EMAIL_ADDITION);
    const removal = await removalUrl(CABINET);
    app.clock.advance(6 * MINUTE);
    for (const [answer, page] of [
      [await visitor.request(EMAIL_ADDITION), 'ajouter-une-adresse'],
      [await visitor.send(form, { email: NEW }), 'ajouter-une-adresse'],
      [await visitor.request(removal), 'coordonnees'],
      [await visitor.send(form, {}, removal), 'coordonnees'],
    ] as const)
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, `/connexion?vers=${page}`]);
    expect((await visitor.get(CONTACTS)).status, 'seen without').to.equal(200);
    expect(await emailsOf(app, CAMILLE)).to.include(CABINET);
    expect(app.codesTo(NEW)).to.equal(0);
  });

  it('of others are not there, nor what names none', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const form = await visitor.get(EMAIL_ADDITION);
    const foreign = await emailIdOf(app, DOMINIQUE.email);
    for (const id of [foreign, '00000000-0000-4000-8000-000000000009', 'abc', '%00', "x'--"])
      for (const end of ['', '/retirer']) {
        const url = `${CONTACTS}/emails/${id}${end}`;
        expect((await visitor.get(url)).status, url).to.equal(404);
        const answer = await visitor.send(form, { star: 'yes', applications: 'messagerie' }, url);
        expect(answer.status, url).to.equal(404);
      }
    expect(await emailsOf(app, DOMINIQUE)).to.deep.equal([DOMINIQUE.email]);
    expect(await linksOf(DOMINIQUE.email)).to.deep.equal([]);
  });

  it('take no change without the token of the form', async () => {
    const visitor = await signedIn(app, CAMILLE);
    const page = await visitor.get('/healthz');
    for (const url of [EMAIL_ADDITION, await usesUrl(CABINET), await removalUrl(CABINET)])
      expect((await visitor.send(page, { email: NEW, star: 'yes' }, url)).status, url).to.equal(403);
  });

  it('receive notifications at the starred one, and notices of security everywhere', async () => {
    const visitor = await signedIn(app, CAMILLE);
    await visitor.submit(await visitor.get(await usesUrl(CABINET)), { star: 'yes' });
    const sent = [CAMILLE.email, CABINET].map(receivedBy);
    const by = { role: 'administrator', accountId: await accountIdOf(app, { email: 'admin@example.test' }) };
    await transition(app.database.knex, app.deps, {
      accountId: await accountIdOf(app, CAMILLE),
      to: 'suspended',
      by: by as { role: 'administrator'; accountId: string },
    });
    expect((await app.waitForMessage(CABINET, { after: sent[1] as number })).subject).to.include('suspendu');
    expect(receivedBy(CAMILLE.email), 'not to the one that signs in').to.equal(sent[0]);
  });

  it('stand beside the phones, with those that nothing proves yet', async () => {
    const account_id = await accountIdOf(app, DOMINIQUE);
    const number = '+33639980061';
    await app.database.knex('declared_phone_numbers').insert({ account_id, number });
    const visitor = await signedIn(app, DOMINIQUE);
    const page = await visitor.get(CONTACTS);
    expect(wordsOf(page))
      .to.include('+33 6 39 98 00 07 vérifié')
      .and.include('+33 6 39 98 00 61 à vérifier')
      .and.include('Vérifier +33 6 39 98 00 61');
    expect(wordsOf(await visitor.get(`/mon-compte/authentification-forte/telephones`))).to.include(
      'Vérifier +33 6 39 98 00 61',
    );
    const { result: codePage, code } = await app.codeSentBy(number, () =>
      visitor.submit(page, { number }, '/telephones'),
    );
    expect(wordsOf(await visitor.submit(codePage, { code }))).to.include('+33 6 39 98 00 61 est vérifié');
    const after = wordsOf(await visitor.get(CONTACTS));
    expect(after).to.include('+33 6 39 98 00 61 vérifié').and.not.include('à vérifier');
    expect(await app.database.knex('declared_phone_numbers').where({ account_id })).to.deep.equal([]);
  });
});
