import { expect } from 'chai';
import { down, up } from '../../migrations/031_languages.ts';
import { languageOf, rememberLanguage } from '../../src/accounts/language.ts';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { findSignInByEmail } from '../../src/accounts/principals.ts';
import { transition } from '../../src/accounts/transition.ts';
import { createApplicant, createSharedApplicant } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Page, signIn, Visitor } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const NEW_PASSWORD = 'une phrase de passe assez longue';
const SECRETARY = {
  profession: 'SECRETARIAT_MEDICAL',
  civilite: 'M',
  familyName: 'SECRETAIRE0090310',
  givenName: 'Noa',
};

describe('the language of an account', () => {
  let app: TestApp;
  let passwordHash: string;

  before(async () => {
    app = await startTestApp();
    passwordHash = await app.deps.hasher.hash(PASSWORD);
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const enter = async (email: string, lang: 'fr' | 'en') => {
    const visitor = new Visitor(app.issuer);
    await visitor.get(`/?langue=${lang}`);
    await signIn(app, visitor, '/connexion', { email });
  };

  const upToAddress = async (visitor: Visitor, path: string, fields: Record<string, string>) =>
    visitor.submit(
      await visitor.submit(await visitor.get(path), fields),
      { action: 'continue', none: 'yes' },
      '/lieux',
    );

  async function finish(visitor: Visitor, address: Page, email: string): Promise<void> {
    const { result, code } = await app.codeSentBy(email, () =>
      visitor.submit(address, { email }, '/adresse'),
    );
    const credentials = await visitor.submit(result, { code }, '/code');
    const typed = { password: NEW_PASSWORD, passwordConfirmation: NEW_PASSWORD, terms: 'yes' };
    await visitor.submit(credentials, typed, '/identifiants');
  }

  it('is the one of the last sign-in, and that of the mails which others bring about', async () => {
    const { knex } = app.database;
    const email = 'dominique@example.test';
    const accountId = (await findSignInByEmail(knex, email))?.account.id ?? '';
    expect(await languageOf(knex, { accountId })).to.equal('fr');
    for (const lang of ['en', 'fr', 'en'] as const) {
      const visitor = new Visitor(app.issuer);
      await visitor.get(`/?langue=${lang}`);
      await signIn(app, visitor, '/connexion', { email, codeTo: '+33639980007' });
      expect(await languageOf(knex, { accountId })).to.equal(lang);
    }
    await transition(knex, app.deps, { accountId, to: 'suspended', by: { role: 'system' } });
    expect((await app.waitForMessage(email)).subject).to.equal('Your account is suspended');
  });

  it('is each member’s own on a shared account', async () => {
    const { knex } = app.database;
    const person = (givenName: string) => ({
      familyName: 'SECRETAIRE',
      givenName,
      email: { address: `${givenName}@example.test`, canonical: `${givenName}@example.test` },
      passwordHash,
      termsVersion: 'test',
    });
    const { accountId, memberId: anne } = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat du phare',
      state: 'active',
      firstMember: person('anne'),
    });
    const basile = await addMember(knex, app.deps, accountId, person('basile'), { invitedBy: anne });
    await enter('basile@example.test', 'en');
    expect(await languageOf(knex, { accountId, memberId: basile })).to.equal('en');
    expect(await languageOf(knex, { accountId, memberId: anne })).to.equal('fr');
    expect(await languageOf(knex, { accountId })).to.equal('fr');
    await enter('anne@example.test', 'en');
    const before = app.mailbox.messages().filter(({ to }) => to === 'anne@example.test').length;
    await transition(knex, app.deps, { accountId, to: 'suspended', by: { role: 'system' } });
    const mail = await app.waitForMessage('anne@example.test', { after: before });
    expect(mail.subject).to.equal('Your account is suspended');
  });

  it('is the one of the sign-up until then', async () => {
    const { knex } = app.database;
    const visitor = new Visitor(app.issuer);
    await visitor.get('/?langue=en');
    const email = 'english@example.test';
    await finish(visitor, await upToAddress(visitor, '/inscription/secretariat', SECRETARY), email);
    const accountId = (await findSignInByEmail(knex, email))?.account.id ?? '';
    expect(await languageOf(knex, { accountId })).to.equal('en');
    expect((await app.waitForMessage(email, { after: 1 })).subject).to.equal('We have received your request');
  });

  it('is also that of whoever is told that a stranger gave their address or their number', async () => {
    const { knex } = app.database;
    const email = 'camille@example.test';
    const accountId = (await findSignInByEmail(knex, email))?.account.id ?? '';
    await rememberLanguage(knex, { accountId }, 'en');
    const stranger = new Visitor(app.issuer);
    const address = await upToAddress(stranger, '/inscription/secretariat', SECRETARY);
    const before = app.mailbox.messages().filter(({ to }) => to === email).length;
    await stranger.submit(address, { email }, '/adresse');
    const used = await app.waitForMessage(email, { after: before });
    expect(used.subject).to.equal('Your address already has an account');

    const doctor = { ...SECRETARY, profession: '10', rpps: '99700900048', manual: 'yes', action: 'continue' };
    const other = new Visitor(app.issuer);
    await finish(other, await upToAddress(other, '/inscription/medecin', doctor), 'autre@example.test');
    const declared = await app.waitForMessage(email, { after: before + 1 });
    expect(declared.subject).to.equal('Your RPPS number was declared');
    expect((await app.waitForMessage('autre@example.test', { after: 1 })).subject).to.equal(
      'Nous avons bien reçu votre demande',
    );
  });

  it('comes, with the migration, from the request that the account made', async () => {
    const { knex } = app.database;
    const english = await createApplicant(app.deps, {
      email: 'a@example.test',
      passwordHash,
      language: 'en',
    });
    const french = await createApplicant(app.deps, { email: 'b@example.test', passwordHash });
    const shared = await createSharedApplicant(app.deps, {
      email: 'c@example.test',
      passwordHash,
      language: 'en',
    });
    const languages = async () => [
      await languageOf(knex, english),
      await languageOf(knex, french),
      await languageOf(knex, shared),
      (await knex('account_members').where({ account_id: shared.accountId }).first()).language,
    ];
    await down(knex);
    expect(await knex.schema.hasColumn('accounts', 'language')).to.equal(false);
    expect((await knex('approvals').where({ id: english.approvalId }).first()).lang).to.equal('en');
    await up(knex);
    expect(await languages()).to.deep.equal(['en', 'fr', 'en', 'en']);
  });
});
