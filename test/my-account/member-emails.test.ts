import { expect } from 'chai';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { listEmailLinks } from '../../src/applications/email-links.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { linkEmail } from '../support/links.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';
import {
  CONTACTS,
  changesOf,
  DOMINIQUE,
  EMAIL_ADDITION,
  emailIdOf,
  emailsOf,
  SETTINGS,
  SIGN_IN_EMAIL,
  signedIn,
} from './support.ts';

const PASSWORD = 'demo-caducee-2026';
const ANNE = { email: 'anne@example.test' };
const BASILE = { email: 'basile@example.test' };
const NEW = 'anne.nouvelle@example.test';

describe('what a member of a shared account signs in with', () => {
  let app: TestApp;
  let passwordHash: string;
  let accountId: string;
  before(async () => {
    app = await startTestApp();
    passwordHash = await app.deps.hasher.hash(PASSWORD);
  });
  after(() => app.close());
  beforeEach(async () => {
    const { knex } = app.database;
    await knex('throttle_counters').delete();
    await knex('accounts').where({ kind: 'shared' }).delete();
    const member = (givenName: string, email: string) => ({
      familyName: 'SECRETAIRE',
      givenName,
      email: { address: email, canonical: email },
      passwordHash,
      termsVersion: 'test',
    });
    const shared = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du port',
      state: 'active',
      firstMember: member('Anne', ANNE.email),
    });
    accountId = shared.accountId;
    await addMember(knex, app.deps, accountId, member('Basile', BASILE.email), {
      invitedBy: shared.memberId,
    });
    await linkEmail(app, 'messagerie', ANNE.email);
    await linkEmail(app, 'laboratoire', BASILE.email);
  });

  const receivedBy = (to: string) => app.mailbox.messages().filter((message) => message.to === to).length;

  async function askFor(visitor: Visitor, email = NEW): Promise<{ result: Page; code: string }> {
    const form = await visitor.get(SIGN_IN_EMAIL);
    return app.codeSentBy(email, () =>
      visitor.submit(form, { email, currentPassword: PASSWORD }, '/adresse-de-connexion'),
    );
  }

  async function opens(email: string, password = PASSWORD): Promise<boolean> {
    const visitor = new Visitor(app.issuer);
    const page = await visitor.submit(await visitor.get('/connexion'), { email, password });
    return page.status !== 422;
  }

  it("is their own address, shown with the account's star, which they do not move", async () => {
    const visitor = await signedIn(app, BASILE);
    const page = await visitor.get(CONTACTS);
    expect(wordsOf(page))
      .to.match(/basile@example\.test vous sert à vous connecter Utilisée pour : Laboratoire/)
      .and.match(/anne@example\.test reçoit vos notifications d'un autre secrétaire de ce compte/);
    expect(page.text).to.include(`href="${SIGN_IN_EMAIL}"`).and.not.include('/emails/');
    expect((await visitor.request(EMAIL_ADDITION)).headers.get('location')).to.equal(SIGN_IN_EMAIL);
    const form = await visitor.get(SIGN_IN_EMAIL);
    for (const address of [ANNE.email, BASILE.email])
      for (const end of ['', '/retirer']) {
        const url = `${CONTACTS}/emails/${await emailIdOf(app, address)}${end}`;
        expect((await visitor.get(url)).status, url).to.equal(404);
        expect((await visitor.send(form, { star: 'yes' }, url)).status, url).to.equal(404);
      }
    const star = await app.database
      .knex('email_addresses')
      .where({ is_notification: true, account_id: accountId });
    expect(star.map(({ address }) => address)).to.deep.equal([ANNE.email]);
  });

  it('changes once the new address is proved, and only for them', async () => {
    const visitor = await signedIn(app, ANNE);
    const elsewhere = await signedIn(app, ANNE);
    const colleague = await signedIn(app, BASILE);
    const { result: codePage, code } = await askFor(visitor);
    expect(wordsOf(codePage)).to.include('Code OTP').and.not.include('notifications');
    expect(await emailsOf(app, BASILE), 'not before the code').not.to.include(NEW);
    const [after, colleagues] = [receivedBy(ANNE.email), receivedBy(BASILE.email)];
    const done = await visitor.submit(codePage, { code });
    expect(wordsOf(done)).to.include('avec votre nouvelle adresse').and.include(NEW);
    expect((await app.waitForMessage(ANNE.email, { after })).subject, 'the old one is told').to.equal(
      "L'adresse qui ouvre votre compte a changé",
    );
    expect((await app.waitForMessage(NEW, { after: 1 })).subject).to.include('a changé');
    expect(await emailsOf(app, BASILE)).to.have.members([NEW, BASILE.email]);
    const [own] = await app.database.knex('email_addresses').where({ address: NEW });
    expect(own.is_notification, 'the star stays theirs').to.equal(true);
    const links = await listEmailLinks(app.database.knex, accountId);
    expect(
      links.map(({ clientId }) => clientId),
      'asked for again where the old one was used',
    ).to.deep.equal(['laboratoire']);
    expect((await elsewhere.request(CONTACTS)).status).to.equal(303);
    expect((await colleague.request(CONTACTS)).status, "the colleague's session stays").to.equal(200);
    expect(receivedBy(BASILE.email), 'and they are told nothing').to.equal(colleagues);
    expect([await opens(ANNE.email), await opens(NEW), await opens(BASILE.email)]).to.deep.equal([
      false,
      true,
      true,
    ]);
    expect(await changesOf(app, BASILE)).to.deep.equal([
      { change: 'sign-in-email-changed', email: 'a***e@e***.test' },
    ]);
  });

  it('asks for the current password, and keeps what was typed', async () => {
    const visitor = await signedIn(app, ANNE);
    const form = await visitor.get(SIGN_IN_EMAIL);
    const codes = app.codesTo(NEW);
    for (const [fields, words] of [
      [{ email: NEW }, 'Indiquez votre mot de passe actuel.'],
      [{ email: NEW, currentPassword: 'faux' }, "Ce n'est pas votre mot de passe actuel."],
      [{ email: 'anne@', currentPassword: PASSWORD }, "n'est pas valable"],
      [{ email: 'ANNE@example.test', currentPassword: PASSWORD }, 'déjà sur votre compte'],
    ] as [Record<string, string>, string][]) {
      const refused = await visitor.submit(form, fields, '/adresse-de-connexion');
      expect([refused.status, wordsOf(refused)].join(' '))
        .to.include('422')
        .and.include(words);
      expect(refused.text).to.include(`value="${fields.email}"`).and.not.include(PASSWORD);
    }
    expect(app.codesTo(NEW)).to.equal(codes);
  });

  it("tells nothing of a colleague's address, nor of a stranger's", async () => {
    const visitor = await signedIn(app, ANNE);
    for (const email of [BASILE.email, DOMINIQUE.email]) {
      const codes = app.codesTo(email);
      const after = receivedBy(email);
      const page = await visitor.submit(
        await visitor.get(SIGN_IN_EMAIL),
        { email, currentPassword: PASSWORD },
        '/adresse-de-connexion',
      );
      expect([page.status, wordsOf(page)].join(' ')).to.match(/^200 .*Nous avons écrit à/);
      expect((await app.waitForMessage(email, { after })).subject).to.equal('Votre adresse a déjà un compte');
      expect(app.codesTo(email)).to.equal(codes);
    }
  });

  it('is one address when two members prove the same at once', async () => {
    const asked = [];
    for (const person of [ANNE, BASILE]) {
      const visitor = await signedIn(app, person);
      asked.push({ visitor, ...(await askFor(visitor)) });
    }
    const answers = await Promise.all(
      asked.map(({ visitor, result, code }) => visitor.send(result, { code })),
    );
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([303, 422]);
    const emails = await app.database.knex('email_addresses').where({ account_id: accountId });
    expect(emails).to.have.length(2);
    expect(emails.filter(({ address }) => address === NEW)).to.have.length(1);
  });

  it('is a password of their own', async () => {
    const visitor = await signedIn(app, ANNE);
    const colleague = await signedIn(app, BASILE);
    const form = await visitor.get(SETTINGS);
    const next = 'quatre girafes sous la pluie';
    const fields = { currentPassword: PASSWORD, password: next, passwordConfirmation: next };
    expect(wordsOf(await visitor.submit(form, fields, '/parametres'))).to.include('est modifié !');
    expect([await opens(ANNE.email), await opens(ANNE.email, next), await opens(BASILE.email)]).to.deep.equal(
      [false, true, true],
    );
    expect((await colleague.request(CONTACTS)).status).to.equal(200);
    const personal = { ...fields, currentPassword: next, password: 'secretariat du port' };
    const refused = await visitor.submit(form, personal, '/parametres');
    expect(wordsOf(refused)).to.include('contient votre nom');
  });
});
