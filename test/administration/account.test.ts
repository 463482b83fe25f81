import { expect } from 'chai';
import { throttleRules } from '../../src/throttle/throttle.ts';
import { createSharedApplicant, createTestAdministrator, signInAdministrator } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const CAMILLE = 'camille@example.test';
const CABINET = 'camille.cabinet@example.test';
const RPPS = '99700900048';
const LISE = { email: 'lise@example.test', phone: '+33639980098' };
const UNKNOWN = "Aucun compte n'a cette adresse ou ce numéro.";
const BUTTON = 'Débloquer les tentatives de connexion';
const SUBJECT = 'Vous pouvez de nouveau vous connecter';

describe('an administrator unblocks sign-ins', () => {
  let app: TestApp;
  let andrea: Visitor;
  let passwordHash: string;
  let camille: string;
  let lise: string;
  before(async () => {
    app = await startTestApp({ nodes: 2 });
    const { knex } = app.database;
    passwordHash = await app.deps.hasher.hash(PASSWORD);
    lise = await createTestAdministrator(app.deps, { ...LISE, passwordHash });
    andrea = new Visitor(app.issuer);
    await signInAdministrator(app, andrea);
    camille = (await knex('email_addresses').where({ canonical: CAMILLE }).first()).account_id;
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  const search = async (account: string): Promise<Page> =>
    andrea.submit(await andrea.get('/administration/comptes'), { account });
  const entries = async (event: string) => {
    const rows = await app.database.knex('journal').where({ event }).orderBy('seq');
    return rows.map(({ entry }) => JSON.parse(entry));
  };
  const notices = () => app.database.knex('messages').where({ template: 'sign-in-unblocked' });

  /** Uses up the tries of this person. */
  async function stop(id: string, rule: keyof typeof throttleRules = 'codeFailurePerAccount'): Promise<void> {
    for (let tries = 0; tries < throttleRules[rule].limit; tries += 1)
      await app.deps.throttle.consume(throttleRules[rule], id);
  }
  const isStopped = async (id: string): Promise<boolean> => {
    const { codeFailurePerAccount, codeFailurePerAccountDaily, signInPerAccount } = throttleRules;
    for (const rule of [codeFailurePerAccount, codeFailurePerAccountDaily, signInPerAccount])
      if (!(await app.deps.throttle.peek(rule, id)).allowed) return true;
    return false;
  };

  it('found by any proved address or by the RPPS number, whole and however they are written', async () => {
    for (const typed of [
      CAMILLE,
      ' CAMILLE@example.TEST ',
      'ｃamille@example.test',
      CABINET,
      RPPS,
      '997 00 90 00 48',
    ]) {
      const page = await search(typed);
      expect(new URL(page.url).pathname, typed).to.equal(`/administration/comptes/${camille}`);
      expect(wordsOf(page)).to.include('Camille');
      expect(wordsOf(page)).to.include(RPPS);
      expect(wordsOf(page)).to.include('Aucun blocage en cours.');
      expect(wordsOf(page)).not.to.include(BUTTON);
    }
  });

  for (const [typed, said] of [
    ['', 'Indiquez une adresse mail ou un numéro RPPS.'],
    ['camille', 'ne contient que des chiffres'],
    ['camille@', "Cette adresse mail n'est pas valable."],
    ['camill@example.test', UNKNOWN],
    ['%@example.test', UNKNOWN],
    ['99700900014', UNKNOWN],
    ['9970090004', 'Le numéro RPPS compte 11 chiffres'],
    ["99700900048' OR 1=1", 'ne contient que des chiffres'],
    [`${'a'.repeat(5_000)}@example.test`, "Cette adresse mail n'est pas valable."],
  ] as const) {
    it(`finds nobody by « ${typed.slice(0, 30)} », and says why beside the field`, async () => {
      const page = await search(typed);
      expect(page.status).to.equal(422);
      expect(wordsOf(page)).to.include(said);
    });
  }

  it('has nothing to show for what is no account', async () => {
    for (const id of ['x', '00000000-0000-4000-8000-000000000000', `${camille}'`])
      expect((await andrea.get(`/administration/comptes/${id}`)).status, id).to.equal(404);
  });

  for (const rule of [
    'codeFailurePerAccount',
    'codeFailurePerAccountDaily',
    'signInPerAccountDaily',
  ] as const) {
    it(`after ${rule}: shown, cleared, recorded and told`, async () => {
      await stop(camille, rule);
      const [cleared, told] = [(await entries('account.counters-cleared')).length, (await notices()).length];
      const sheet = await search(CAMILLE);
      expect(wordsOf(sheet)).to.match(/Bloquées jusqu'au \d{1,2}(er)? \S+ \d{4} à \d{2}:\d{2}/);
      const after = await andrea.submit(sheet, {}, '/debloquer');
      expect(wordsOf(after)).to.include('Les tentatives de connexion sont débloquées.');
      expect(wordsOf(after)).to.include('Aucun blocage en cours.');
      expect(await isStopped(camille)).to.equal(false);
      const added = (await entries('account.counters-cleared')).slice(cleared);
      expect(added).to.have.length(1);
      expect(added[0]).to.include({ outcome: 'success', subject: camille });
      expect(added[0].actor).not.to.equal(camille);
      expect(await notices(), 'both addresses').to.have.length(told + 2);
      expect(wordsOf(await andrea.get(after.url)), 'said once').not.to.include('sont débloquées');
    });
  }

  it('is told to the person, in words', async () => {
    const before = app.mailbox.messages().filter(({ to }) => to === CABINET).length;
    await stop(camille);
    await andrea.submit(await search(CAMILLE), {}, '/debloquer');
    const mail = await app.waitForMessage(CABINET, { after: before });
    expect(mail.subject).to.equal(SUBJECT);
    expect(mail.text).to.include('un administrateur a débloqué les tentatives de connexion');
    expect(mail.text).to.include(`${app.issuer}/connexion`);
  });

  it('does nothing to who is not stopped', async () => {
    const told = (await notices()).length;
    await app.deps.throttle.consume(throttleRules.codeFailurePerAccount, camille);
    const page = await search(CAMILLE);
    await andrea.follow(await andrea.send(page, {}, `/administration/comptes/${camille}/debloquer`));
    expect(await notices()).to.have.length(told);
  });

  it('is not offered for one’s own account, and refused when sent all the same', async () => {
    const visitor = new Visitor(app.issuer);
    await signInAdministrator(app, visitor, LISE);
    await stop(lise);
    const sheet = await visitor.get(`/administration/comptes/${lise}`);
    expect(wordsOf(sheet)).to.include('Ce compte est le vôtre.');
    expect(wordsOf(sheet)).not.to.include(BUTTON);
    const form = await visitor.get('/administration/comptes');
    const sent = await visitor.send(form, {}, `/administration/comptes/${lise}/debloquer`);
    expect(sent.status).to.equal(403);
    expect(await isStopped(lise)).to.equal(true);
    await andrea.submit(await search(LISE.email), {}, '/debloquer');
    expect(await isStopped(lise), 'another one may').to.equal(false);
  });

  it('wants the token of the form', async () => {
    await stop(camille);
    const page = await andrea.get(`/administration/comptes/${camille}`);
    const bare = { ...page, text: '' };
    expect((await andrea.send(bare, {}, `${page.url}/debloquer`)).status).to.equal(403);
    expect(await isStopped(camille)).to.equal(true);
  });

  it('of one member of a shared account, and not of their colleagues', async () => {
    const email = 'paul@example.test';
    await createSharedApplicant(app.deps, { email, passwordHash });
    const { member_id: member } = await app.database
      .knex('email_addresses')
      .where({ canonical: email })
      .first();
    await stop(member);
    const sheet = await search(email);
    expect(wordsOf(sheet)).to.include('Secrétariat du port');
    await andrea.submit(sheet, {}, '/debloquer');
    expect(await isStopped(member)).to.equal(false);
    const [last] = (await entries('account.counters-cleared')).slice(-1);
    expect(last.details).to.deep.equal({ member });
  });
});
