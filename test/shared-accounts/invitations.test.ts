import { expect } from 'chai';
import { addMember, createSharedAccount, listMembers } from '../../src/accounts/members.ts';
import { INVITATION_DAYS } from '../../src/invitations/invitations.ts';
import { DAY, MINUTE } from '../../src/lib/clock.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'sept girafes sous la pluie';
const NEW_PASSWORD = 'cheval batterie agrafe';
const TITLE = 'Secrétariat du 3e étage';
const PAGE = '/secretaires';
const AT_ONCE = 20;

const faultOf = (page: Page, field: string): string | undefined =>
  new RegExp(`id="${field}-fault">[\\s\\S]*?<span>([\\s\\S]*?)</span>`)
    .exec(page.text)?.[1]
    ?.replace(/&#39;/g, "'");

describe('invitations to a shared account', () => {
  let app: TestApp;
  let passwordHash: string;
  let made = 0;

  before(async () => {
    app = await startTestApp({ nodes: 2 });
    passwordHash = await app.deps.hasher.hash(PASSWORD);
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const accountOf = (email: string) => ({ address: email, canonical: email.toLowerCase() });
  const member = (givenName: string, email: string) => ({
    familyName: 'SECRETAIRE',
    givenName,
    email: accountOf(email),
    passwordHash,
    termsVersion: 'test',
  });

  async function shared() {
    made += 1;
    const { knex } = app.database;
    const emails = { anne: `anne.${made}@example.test`, basile: `basile.${made}@example.test` };
    const { accountId, memberId: anne } = await createSharedAccount(knex, app.deps, {
      title: TITLE,
      state: 'active',
      firstMember: member('Anne', emails.anne),
    });
    return { accountId, anne, emails, invited: `chloe.${made}@example.test` };
  }

  const addBasile = (accountId: string, anne: string, email: string) =>
    addMember(app.database.knex, app.deps, accountId, member('Basile', email), { invitedBy: anne });

  const enter = async (email: string, visitor = new Visitor(app.issuer)) => {
    await signIn(app, visitor, '/connexion', { email, password: PASSWORD });
    return visitor;
  };

  /** Signed in a moment ago, on the page « Inviter un secrétaire ». */
  async function atMembers(email: string) {
    const visitor = await enter(email);
    return { visitor, page: await visitor.get(PAGE) };
  }

  const mailsTo = (to: string) => app.mailbox.messages().filter((message) => message.to === to);

  async function linkAfter(to: string, act: () => Promise<Page>): Promise<{ link: string; page: Page }> {
    const after = mailsTo(to).length;
    const page = await act();
    const { text } = await app.waitForMessage(to, { after });
    const link = /https?:\S+\/invitation\/[\w-]+/.exec(text)?.[0];
    if (!link) throw new Error('no link in the mail');
    return { link, page };
  }

  const invite = (visitor: Visitor, page: Page, email: string) =>
    linkAfter(email, () => visitor.submit(page, { email }, PAGE));

  async function invitation() {
    const account = await shared();
    const { visitor, page } = await atMembers(account.emails.anne);
    const { link } = await invite(visitor, page, account.invited);
    return { ...account, visitor, link };
  }

  const answers = {
    civilite: 'MME',
    givenName: 'Chloé',
    familyName: 'Martin',
    password: NEW_PASSWORD,
    passwordConfirmation: NEW_PASSWORD,
    terms: 'yes',
  };

  /** Opens the link and presses: the form, in a browser of its own. */
  async function press(link: string, visitor = new Visitor(app.issuer)) {
    return { visitor, form: await visitor.submit(await visitor.get(link), {}) };
  }

  const membersOf = async (accountId: string) =>
    (await listMembers(app.database.knex, accountId)).map(({ givenName }) => givenName);
  const eventsOf = async (subject: string) =>
    (await app.database.knex('journal').where({ subject }).orderBy('seq')).map(({ event }) => event);

  it('bring in a member, who signs in at once with what they chose', async () => {
    const { accountId, invited, link } = await invitation();
    const mail = mailsTo(invited)[0];
    expect(mail?.subject).to.include(TITLE);
    expect(mail?.text).to.include('Anne SECRETAIRE vous invite').and.to.include(TITLE);

    const visitor = new Visitor(app.issuer);
    const opened = await visitor.get(link);
    expect(wordsOf(opened)).to.include('Anne SECRETAIRE').and.to.include(TITLE).and.to.include(invited);
    expect(await membersOf(accountId)).to.deep.equal(['Anne']);
    const { form } = await press(link, visitor);
    expect(form.url, 'the link left the address').not.to.include(link.split('/').at(-1));
    const done = await visitor.submit(form, answers);
    expect(wordsOf(done)).to.include('Votre accès est créé').and.to.include(invited);

    expect(await membersOf(accountId)).to.deep.equal(['Anne', 'Chloé']);
    const events = await eventsOf(accountId);
    expect(events.filter((event) => event.startsWith('member.'))).to.deep.equal([
      'member.invited',
      'member.added',
    ]);
    await signIn(app, visitor, '/connexion', { email: invited, password: NEW_PASSWORD });
    expect(wordsOf(await visitor.get('/'))).to.include(`Chloé Martin, ${TITLE}`);
    expect((await new Visitor(app.issuer).get(link)).status).to.equal(410);
  });

  it('are not used up by whoever only opens them, as scanners of mails do', async () => {
    const { accountId, link } = await invitation();
    for (let time = 0; time < 3; time += 1)
      expect((await new Visitor(app.issuer).get(link)).status).to.equal(200);
    await press(link);
    const { visitor, form } = await press(link);
    await visitor.submit(form, answers);
    expect(await membersOf(accountId)).to.deep.equal(['Anne', 'Chloé']);
  });

  it(`make one member, of ${AT_ONCE} forms of as many browsers sent at once`, async () => {
    const { accountId, link } = await invitation();
    const rooms = await Promise.all(Array.from({ length: AT_ONCE }, () => press(link)));
    const pages = await Promise.all(rooms.map(({ visitor, form }) => visitor.submit(form, answers)));
    expect(pages.filter((page) => wordsOf(page).includes('Votre accès est créé'))).to.have.length(1);
    expect(pages.filter(({ status }) => status === 410)).to.have.length(AT_ONCE - 1);
    expect(await membersOf(accountId)).to.deep.equal(['Anne', 'Chloé']);
  });

  it(`make one member, of one form sent ${AT_ONCE} times at once`, async () => {
    const { accountId, link } = await invitation();
    const { visitor, form } = await press(link);
    const sent = await Promise.all(Array.from({ length: AT_ONCE }, () => visitor.send(form, answers)));
    expect(sent.every(({ status }) => status < 500)).to.equal(true);
    expect(await membersOf(accountId)).to.deep.equal(['Anne', 'Chloé']);
    expect(wordsOf(await visitor.get(form.url))).to.include('Votre accès est créé');
  });

  it('keep their form in the browser that pressed', async () => {
    const { link, accountId } = await invitation();
    const { form } = await press(link);
    const other = new Visitor(app.issuer);
    const page = await other.get('/connexion');
    expect((await other.get(form.url)).status).to.equal(410);
    expect((await other.send(page, answers, form.url)).status).to.equal(410);
    expect(await membersOf(accountId)).to.deep.equal(['Anne']);
  });

  it('tell every fault of the form beside its field, and never give a password back', async () => {
    const { link } = await invitation();
    const { visitor, form } = await press(link);
    const bare = await visitor.submit(form, {});
    expect(bare.status).to.equal(422);
    for (const field of ['civilite', 'givenName', 'familyName', 'password', 'passwordConfirmation', 'terms'])
      expect(faultOf(bare, field), field).to.be.a('string');
    const names = [...bare.text.matchAll(/<(?:input|select)\b[^>]* name="(?!_csrf)([^"]+)"/g)];
    expect(names.map(([, name]) => name)).to.deep.equal([
      'civilite',
      'familyName',
      'givenName',
      'email',
      'password',
      'passwordConfirmation',
      'terms',
    ]);
    const wrong = { ...answers, civilite: 'X', familyName: '<b>', passwordConfirmation: 'autre chose ici' };
    const page = await visitor.submit(form, wrong);
    for (const field of ['civilite', 'familyName', 'passwordConfirmation'])
      expect(faultOf(page, field), field).to.be.a('string');
    expect(page.text).to.include('value="Chloé"').and.not.to.include(NEW_PASSWORD);
    const weak = { ...answers, password: 'motdepasse123', passwordConfirmation: 'motdepasse123' };
    expect(faultOf(await visitor.submit(form, weak), 'password')).to.be.a('string');
    expect(wordsOf(await visitor.submit(form, answers))).to.include('Votre accès est créé');
  });

  it('are refused without the token of the form, press and answer alike', async () => {
    const { accountId, link } = await invitation();
    const visitor = new Visitor(app.issuer);
    const opened = await visitor.get(link);
    expect((await visitor.send({ ...opened, text: '' }, {})).status).to.equal(403);
    const { form } = await press(link, visitor);
    expect((await visitor.send({ ...form, text: '' }, answers)).status).to.equal(403);
    expect(await membersOf(accountId)).to.deep.equal(['Anne']);
  });

  it('are one per address: a new one voids the one before', async () => {
    const { visitor, invited, link } = await invitation();
    const page = await visitor.get(PAGE);
    const again = await invite(visitor, page, invited.toUpperCase().replace('EXAMPLE.TEST', 'example.test'));
    expect(again.page.text.match(/annuler"/g)).to.have.length(1);
    expect((await new Visitor(app.issuer).get(link)).status).to.equal(410);
    expect((await new Visitor(app.issuer).get(again.link)).status).to.equal(200);
  });

  it('may be withdrawn, even while somebody fills the form', async () => {
    const { accountId, visitor, link } = await invitation();
    const { visitor: guest, form } = await press(link);
    const page = await visitor.submit(await visitor.get(PAGE), {}, '/annuler');
    expect(wordsOf(page)).to.include("L'invitation est annulée");
    expect((await guest.submit(form, answers)).status).to.equal(410);
    expect((await guest.get(link)).status).to.equal(410);
    expect(await membersOf(accountId)).to.deep.equal(['Anne']);
    expect((await eventsOf(accountId)).at(-1)).to.equal('invitation.revoked');
  });

  it('look the same for an address that has an account, whose owner is told', async () => {
    const { emails, accountId } = await shared();
    const email = `owner.${made}@example.test`;
    await createTestAccount(app.deps, { email, passwordHash });
    const { visitor, page } = await atMembers(emails.anne);
    const answer = await visitor.submit(page, { email }, PAGE);
    expect(wordsOf(answer)).to.include(`Une invitation part à l'instant vers ${email}`);
    const mail = await app.waitForMessage(email);
    expect(wordsOf(answer)).to.include('Si cette adresse a déjà un compte, la personne en est avertie.');
    expect(mail.text)
      .to.include(
        `Anne SECRETAIRE vous invite dans « ${TITLE} », mais cette adresse a déjà un compte Caducée.`,
      )
      .and.not.to.include('commencé à créer un espace');
    expect(mail.text).not.to.include('/invitation/');
    expect(wordsOf(await visitor.get(PAGE))).to.include(email);
    expect(await membersOf(accountId)).to.deep.equal(['Anne']);
  });

  it('say so when the address got an account meanwhile', async () => {
    const { accountId, invited, link } = await invitation();
    const { visitor, form } = await press(link);
    await createTestAccount(app.deps, { email: invited, passwordHash });
    const page = await visitor.submit(form, answers);
    expect(page.status).to.equal(422);
    expect(wordsOf(page)).to.include('Un compte est déjà associé à cette adresse mail');
    expect(await membersOf(accountId)).to.deep.equal(['Anne']);
  });

  it('are refused for a colleague, or for what is no address', async () => {
    const { emails } = await shared();
    const { visitor, page } = await atMembers(emails.anne);
    for (const [email, fault] of [
      [emails.anne.toUpperCase(), "Cette adresse est déjà celle d'un secrétaire de ce compte."],
      ['chloe', "Cette adresse mail n'est pas valable. Elle ressemble à prenom.nom@exemple.fr."],
      ['a@example.test\r\nBcc: b@example.test', undefined],
      ['', 'Indiquez votre adresse mail.'],
    ] as const) {
      const answer = await visitor.submit(page, { email }, PAGE);
      expect(answer.status).to.equal(422);
      if (fault) expect(faultOf(answer, 'email')).to.equal(fault);
    }
    expect(await app.database.knex('member_invitations').where({ canonical: 'chloe' })).to.have.length(0);
  });

  it('are not sent without end to one address', async () => {
    const { emails, invited } = await shared();
    const { visitor, page } = await atMembers(emails.anne);
    for (let time = 0; time < 5; time += 1)
      expect((await visitor.submit(page, { email: invited }, PAGE)).status).to.equal(200);
    const answer = await visitor.submit(page, { email: invited.toUpperCase() }, PAGE);
    expect(faultOf(answer, 'email')).to.include("Trop d'essais en peu de temps");
  });

  describe('and the members page', () => {
    it('are for who is signed in to a shared account', async () => {
      const stranger = new Visitor(app.issuer);
      expect(wordsOf(await stranger.get(PAGE))).to.include('Connectez-vous');
      const person = new Visitor(app.issuer);
      await signIn(app, person, '/connexion', { email: 'camille@example.test' });
      expect((await person.get(PAGE)).status).to.equal(404);
      expect(wordsOf(await person.get('/'))).not.to.include('Inviter un secrétaire');
      const { emails } = await shared();
      const secretary = await enter(emails.anne);
      expect(wordsOf(await secretary.get('/'))).to.include('Inviter un secrétaire');
    });

    it('name who removes, end the sessions of who is removed, and tell them', async () => {
      const { accountId, anne, emails } = await shared();
      await addBasile(accountId, anne, emails.basile);
      const basile = await enter(emails.basile);
      const { visitor, page } = await atMembers(emails.anne);
      const members = await listMembers(app.database.knex, accountId);
      const after = mailsTo(emails.basile).length;
      const asked = await visitor.get(`${PAGE}/${members[1]?.id}/retirer`);
      expect(page.text).to.include(`href="${PAGE}/${members[1]?.id}/retirer"`);
      expect(wordsOf(asked)).to.include('Retirer Basile SECRETAIRE ?').and.to.include(emails.basile);
      expect(await membersOf(accountId), 'nothing yet').to.deep.equal(['Anne', 'Basile']);
      const answer = await visitor.submit(asked, {}, `${members[1]?.id}/retirer`);
      expect(wordsOf(answer)).to.include('Basile SECRETAIRE ne peut plus se connecter à ce compte.');
      expect(answer.text, 'nobody is left to remove').not.to.include('/retirer"');
      expect(wordsOf(await basile.get('/'))).not.to.include(TITLE);
      const notice = await app.waitForMessage(emails.basile, { after });
      expect(notice.text).to.include('Anne SECRETAIRE vous a retiré').and.to.include(TITLE);
      const rows = await app.database.knex('journal').where({ subject: accountId, event: 'member.removed' });
      expect(rows.map(({ actor }) => actor)).to.deep.equal([anne]);
    });

    it('write to who joined in English in English, whoever removes them', async () => {
      const { accountId, invited, link, visitor } = await invitation();
      const guest = new Visitor(app.issuer);
      await guest.get('/?langue=en');
      const { form } = await press(link, guest);
      expect(wordsOf(await guest.submit(form, answers))).to.include('Your access is created');
      const chloe = (await listMembers(app.database.knex, accountId)).at(-1);
      const after = mailsTo(invited).length;
      const asked = await visitor.get(`${PAGE}/${chloe?.id}/retirer`);
      await visitor.submit(asked, {}, `${chloe?.id}/retirer`);
      const notice = await app.waitForMessage(invited, { after });
      expect(notice.subject).to.equal(`You are no longer part of ${TITLE}`);
    });

    it('keep the last member, and refuse who is not one of this account', async () => {
      const one = await shared();
      const two = await shared();
      const { visitor, page } = await atMembers(one.emails.anne);
      for (const id of [one.anne, two.anne, 'x'])
        expect((await visitor.get(`${PAGE}/${id}/retirer`)).url).to.equal(`${app.issuer}${PAGE}`);
      const last = await visitor.send(page, {}, `${PAGE}/${one.anne}/retirer`);
      expect(last.status).to.equal(422);
      expect(wordsOf(last)).to.include('Ce compte doit garder au moins un secrétaire.');
      for (const id of [two.anne, 'x', one.accountId])
        expect((await visitor.send(page, {}, `${PAGE}/${id}/retirer`)).status).to.equal(404);
      expect(await membersOf(two.accountId)).to.deep.equal(['Anne']);

      const other = await atMembers(two.emails.anne);
      await invite(other.visitor, other.page, two.invited);
      const { id } = await app.database
        .knex('member_invitations')
        .where({ account_id: two.accountId })
        .first();
      expect((await visitor.send(page, {}, `${PAGE}/invitations/${id}/annuler`)).status).to.equal(404);
    });

    it('void the invitations of who leaves', async () => {
      const { accountId, anne, emails, visitor, link } = await invitation();
      await addBasile(accountId, anne, emails.basile);
      expect(wordsOf(await visitor.get(PAGE))).to.include('Quitter ce compte');
      const asked = await visitor.get(`${PAGE}/${anne}/retirer`);
      expect(wordsOf(asked)).to.include('Quitter ce compte ?').and.to.include(emails.anne);
      expect(await membersOf(accountId), 'nothing yet').to.deep.equal(['Anne', 'Basile']);
      const after = mailsTo(emails.anne).length;
      const left = await visitor.submit(asked, {}, `${anne}/retirer`);
      expect(wordsOf(left)).not.to.include(TITLE);
      expect(wordsOf(left)).to.include('Vous avez quitté ce compte partagé');
      expect(wordsOf(await visitor.get('/')), 'said once').not.to.include('Vous avez quitté');
      const told = await app.waitForMessage(emails.anne, { after });
      expect(told.text).to.include('Vous avez quitté le compte partagé').and.not.to.include('vous a retiré');
      expect((await new Visitor(app.issuer).get(link)).status).to.equal(410);
      expect(await membersOf(accountId)).to.deep.equal(['Basile']);
    });

    it('refuse a form without its token', async () => {
      const { emails, anne } = await shared();
      const { visitor, page } = await atMembers(emails.anne);
      for (const action of [PAGE, `${PAGE}/${anne}/retirer`, `${PAGE}/invitations/${anne}/annuler`])
        expect(
          (await visitor.send({ ...page, text: '' }, { email: 'a@example.test' }, action)).status,
        ).to.equal(403);
    });
  });

  it('come back to no other address than our own pages', async () => {
    for (const path of [
      '/retour?state=https://evil.example',
      '/retour?state=__proto__',
      '/retour?state=/x',
    ]) {
      const answer = await new Visitor(app.issuer).request(path);
      expect(answer.headers.get('location')).to.equal('/');
    }
  });

  describe('in time', () => {
    // Last, because it moves.
    it('need a sign-in of five minutes at most, and come back after it', async () => {
      const { accountId, emails, invited } = await shared();
      const { visitor, page } = await atMembers(emails.anne);
      app.clock.advance(4.9 * MINUTE);
      expect(wordsOf(await visitor.get(PAGE))).to.include('Inviter un secrétaire');
      app.clock.advance(0.2 * MINUTE);
      const stale = await visitor.submit(page, { email: invited }, PAGE);
      expect(wordsOf(stale)).to.include('Connectez-vous').and.not.to.include('Une invitation part');
      expect(await app.database.knex('member_invitations').where({ account_id: accountId })).to.have.length(
        0,
      );

      const back = await signIn(app, visitor, PAGE, { email: emails.anne, password: PASSWORD });
      expect(new URL(back.url).pathname).to.equal(PAGE);
      expect(wordsOf(back)).to.include('Inviter un secrétaire');
      await invite(visitor, back, invited);
    });

    it('serve for seven days', async () => {
      const { accountId, link } = await invitation();
      app.clock.advance(INVITATION_DAYS * DAY - 5 * MINUTE);
      const { visitor, form } = await press(link);
      app.clock.advance(4 * MINUTE);
      expect((await visitor.get(link)).status).to.equal(200);
      app.clock.advance(2 * MINUTE);
      expect((await visitor.get(link)).status).to.equal(410);
      expect(wordsOf(await visitor.get(link))).to.include('valable sept jours');
      const late = await visitor.submit(form, answers);
      expect(late.status).to.equal(410);
      expect(wordsOf(late)).to.include('pendant que vous remplissiez le formulaire');
      expect(await membersOf(accountId)).to.deep.equal(['Anne']);
    });
  });
});
