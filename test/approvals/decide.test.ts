import { expect } from 'chai';
import { findOwnerOfRpps } from '../../src/accounts/accounts.ts';
import { rememberLanguage } from '../../src/accounts/language.ts';
import { transition } from '../../src/accounts/transition.ts';
import { findApproval, submitSignUp, sweepRefused, withdrawStale } from '../../src/approvals/approvals.ts';
import { type DecisionMade, decide, findSheet, isSamePerson } from '../../src/approvals/decide.ts';
import { fromNow, SECOND } from '../../src/lib/clock.ts';
import {
  createApplicant,
  createSharedApplicant,
  createTestAccount,
  createTestAdministrator,
} from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const DAY = 24 * 3600 * SECOND;

describe('a decision', () => {
  let app: TestApp;
  let passwordHash: string;
  let andrea: string;
  let lise: string;
  let people = 0;

  before(async () => {
    app = await startTestApp({ nodes: 2 });
    passwordHash = await app.deps.hasher.hash(PASSWORD);
    andrea = (await app.database.knex('account_roles').first('account_id')).account_id;
    lise = await createTestAdministrator(app.deps, {
      email: 'lise@example.test',
      phone: '+33639980098',
      passwordHash,
    });
  });
  after(() => app.close());

  async function apply(more: Partial<Parameters<typeof createApplicant>[1]> = {}) {
    people += 1;
    const email = `candidat-${people}@example.test`;
    const applied = await createApplicant(app.deps, { email, passwordHash, ...more });
    // Two mails on their way at once may arrive in either order.
    await app.waitForMessage(email);
    return { email, ...applied };
  }
  const seen = async (approvalId: string) => (await findSheet(app.database.knex, approvalId))?.seenHash ?? '';
  const make = async (approvalId: string, more: Partial<DecisionMade> = {}) =>
    decide(app.database.knex, app.deps, {
      approvalId,
      by: { accountId: andrea, source: '192.0.2.7' },
      decision: 'approved',
      reason: '',
      note: '',
      seenHash: await seen(approvalId),
      ...more,
    });
  const stateOf = async (id: string) =>
    (await app.database.knex('accounts').where({ id }).first('state')).state;
  const journalOf = (subject: string) => app.database.knex('journal').where({ subject }).orderBy('seq');

  it('opens the account, tells the person that it is certified, and is journaled without the note', async () => {
    const { email, accountId, approvalId } = await apply();
    const client = await createTestClient(app.issuer, 'messagerie');
    expect(await make(approvalId, { note: 'vu au téléphone' })).to.deep.equal({ ok: true });
    expect(await stateOf(accountId)).to.equal('active');
    const mail = await app.waitForMessage(email, { after: 1 });
    expect(mail.subject).to.equal('Votre compte est certifié');
    expect(mail.text).to.contain('Bonjour Noa,').and.to.contain(`${app.issuer}/connexion`);
    const approval = await findApproval(app.database.knex, approvalId);
    expect(approval?.decided).to.include({
      decision: 'approved',
      by: 'Andréa GESTION0090100',
      reason: undefined,
      note: 'vu au téléphone',
    });
    const entries = await journalOf(accountId);
    expect(entries.map(({ event, actor, outcome }) => [event, actor, outcome])).to.deep.equal([
      ['approval.requested', accountId, 'success'],
      ['account.approved', andrea, 'success'],
    ]);
    expect(JSON.parse(entries[1].entry)).to.deep.include({
      source: '192.0.2.7',
      details: { from: 'pending', to: 'active', by: 'administrator', approval: approvalId },
    });
    expect(JSON.stringify(entries)).not.to.contain('téléphone');

    const visitor = new Visitor(app.issuer);
    const back = await signIn(app, visitor, (await client.authorize()).url, { email });
    expect(back.headers.get('location')).to.contain('code=');
  });

  it('tells the first member of a shared account, by name, that colleagues may be invited', async () => {
    const email = 'anne.partage@example.test';
    const { accountId, approvalId } = await createSharedApplicant(app.deps, { email, passwordHash });
    expect((await app.waitForMessage(email)).text)
      .to.contain('Bonjour Anne,')
      .and.to.contain('Votre demande de compte partagé «\u00a0Secrétariat du port\u00a0» est enregistrée.');
    expect(await make(approvalId)).to.deep.equal({ ok: true });
    expect(await stateOf(accountId)).to.equal('active');
    expect((await journalOf(accountId)).map(({ event }) => event)).not.to.contain('account.responsible-told');
    expect((await app.waitForMessage(email, { after: 1 })).text)
      .to.contain('Bonjour Anne,')
      .and.to.contain('le compte partagé « Secrétariat du port »')
      .and.to.contain('Vous pouvez maintenant inviter vos collègues.')
      .and.to.contain(email);
  });

  it('on a shared account is told to the professional said to answer for it, in their language', async () => {
    const { knex } = app.database;
    const rpps = '99700900071';
    const told = () =>
      app.mailbox.messages().filter(({ subject }) => subject?.startsWith('A shared account names you'));
    const ask = async (responsibleRpps: string) => {
      people += 1;
      const email = `partage-${people}@example.test`;
      const applied = await createSharedApplicant(app.deps, { email, passwordHash, responsibleRpps });
      await app.waitForMessage(email);
      return { email, ...applied };
    };
    const professional = await findOwnerOfRpps(knex, rpps);
    const accountId = professional?.id ?? '';
    await rememberLanguage(knex, { accountId }, 'en');
    const before = app.mailbox.messages().filter(({ to }) => to === professional?.email).length;
    const shared = await ask(rpps);
    expect(await make(shared.approvalId)).to.deep.equal({ ok: true });
    const mail = await app.waitForMessage(professional?.email ?? '', { after: before });
    expect(mail.subject).to.equal('A shared account names you as the professional in charge');
    expect(mail.text)
      .to.contain('Anne PETIT')
      .and.to.contain('“Secrétariat du port”')
      .and.to.contain(rpps)
      .and.to.contain(`write to support: ${app.deps.settings.SUPPORT_EMAIL}`);
    const entries = await journalOf(shared.accountId);
    const entry = entries.find(({ event }) => event === 'account.responsible-told');
    expect(JSON.parse(entry.entry)).to.deep.include({ actor: andrea, details: { responsible: accountId } });

    const refused = await ask(rpps);
    expect(await make(refused.approvalId, { decision: 'refused', reason: 'inconnu' })).to.deep.equal({
      ok: true,
    });
    const unknown = await ask('99700900097');
    expect(await make(unknown.approvalId)).to.deep.equal({ ok: true });
    await knex('accounts').where({ id: accountId }).update({ state: 'suspended' });
    const suspended = await ask(rpps);
    expect(await make(suspended.approvalId)).to.deep.equal({ ok: true });
    await knex('accounts').where({ id: accountId }).update({ state: 'active' });
    for (const { email, accountId: subject } of [refused, unknown, suspended]) {
      await app.waitForMessage(email, { after: 1 });
      expect((await journalOf(subject)).map(({ event }) => event)).not.to.contain('account.responsible-told');
    }
    expect(told()).to.have.length(1);
    await rememberLanguage(knex, { accountId }, 'fr');
  });

  it('leaves a pending person an explanation, and no token', async () => {
    const { email } = await apply();
    const client = await createTestClient(app.issuer, 'messagerie');
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get((await client.authorize()).url);
    const page = await visitor.submit(form, { email, password: PASSWORD });
    expect(wordsOf(page)).to.contain("Votre compte attend d'être vérifié par un administrateur");
    expect(wordsOf(await visitor.get('/')))
      .to.contain('Bienvenue')
      .and.not.to.contain('Vos applications');
    expect(app.codesTo(email)).to.equal(0);
    expect((await app.waitForMessage(email)).subject).to.equal('Nous avons bien reçu votre demande');
  });

  it('refuses with a reason that the person reads, in their language, and nobody else', async () => {
    const { email, accountId, approvalId } = await apply({ language: 'en', rpps: '99700900097' });
    expect(await make(approvalId, { decision: 'refused', reason: ' \n ' })).to.deep.equal({
      ok: false,
      why: 'no-reason',
    });
    expect(await stateOf(accountId)).to.equal('pending');

    const reason = 'This number is somebody else’s.';
    expect(
      await make(approvalId, { decision: 'refused', reason: `  ${reason}\n`, note: 'louche' }),
    ).to.deep.equal({
      ok: true,
    });
    expect(await stateOf(accountId)).to.equal('refused');
    const mail = await app.waitForMessage(email, { after: 1 });
    expect(mail.subject).to.equal('Your request for an account was not accepted');
    expect(mail.text).to.contain(reason).and.to.contain('same e-mail address').and.not.to.contain('louche');
    expect(JSON.stringify(await journalOf(accountId))).not.to.match(/somebody|louche/);

    // The person who signs in is told; the same address and number may ask again.
    const visitor = new Visitor(app.issuer);
    const told = await visitor.submit(await visitor.get('/connexion'), { email, password: PASSWORD });
    expect(wordsOf(told))
      .to.contain("Votre demande de compte n'a pas été acceptée. La raison est dans l'e-mail")
      .and.to.contain('vous pouvez faire une nouvelle demande');
    expect(await findOwnerOfRpps(app.database.knex, '99700900097')).to.equal(undefined);
    const again = await createApplicant(app.deps, { email, passwordHash, rpps: '99700900097' });
    const sheet = await findSheet(app.database.knex, again.approvalId);
    expect(sheet?.evidence.lookAlikes).to.deep.include({
      accountId,
      displayName: 'Noa DOC0092000',
      kind: 'professional',
      state: 'refused',
      rpps: '99700900097',
      likenesses: ['rpps', 'email', 'name'],
    });
    expect(await make(again.approvalId)).to.deep.equal({ ok: true });
    expect(await stateOf(again.accountId)).to.equal('active');
    expect(await stateOf(accountId)).to.equal('refused');
  });

  it('is one, of many at the same time, and the others are told which', async () => {
    const { email, accountId, approvalId } = await apply();
    const seenHash = await seen(approvalId);
    const mails = () =>
      app.database.knex('messages').whereIn('template', ['account-approved', 'account-refused']).pluck('id');
    const before = await mails();
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        make(approvalId, {
          seenHash,
          by: { accountId: index % 2 ? andrea : lise },
          decision: index % 3 ? 'approved' : 'refused',
          reason: 'un motif',
        }),
      ),
    );
    expect(results.filter(({ ok }) => ok)).to.have.length(1);
    const { decided } = (await findApproval(app.database.knex, approvalId)) ?? {};
    for (const result of results)
      if (!result.ok) expect(result).to.deep.equal({ ok: false, why: 'decided', decided });
    expect(await stateOf(accountId)).to.equal(decided?.decision === 'approved' ? 'active' : 'refused');
    const entries = await journalOf(accountId);
    expect(entries.map(({ event }) => event)).to.deep.equal([
      'approval.requested',
      `account.${decided?.decision}`,
    ]);
    await app.waitForMessage(email, { after: 1 });
    expect(await mails()).to.have.length(before.length + 1);
  });

  it('is never on one’s own request, and the try is journaled', async () => {
    const { knex } = app.database;
    const mine = await apply();
    // The administrator once had this address, on an account that ended.
    await knex('email_addresses').insert({
      id: mine.accountId,
      account_id: lise,
      address: mine.email,
      canonical: mine.email,
      verified_at: app.clock.now(),
      released_at: app.clock.now(),
    });
    for (const decision of ['approved', 'refused'] as const) {
      const result = await make(mine.approvalId, { by: { accountId: lise }, decision, reason: 'un motif' });
      expect(result).to.deep.equal({ ok: false, why: 'own-request' });
    }
    expect(await stateOf(mine.accountId)).to.equal('pending');
    const failures = (await journalOf(mine.accountId)).filter(({ outcome }) => outcome === 'failure');
    expect(failures.map(({ event, actor }) => [event, actor])).to.deep.equal([
      ['account.approved', lise],
      ['account.refused', lise],
    ]);
    expect(await make(mine.approvalId), 'a colleague may').to.deep.equal({ ok: true });
  });

  it('knows one person’s two accounts by number and addresses', () => {
    const person = (accountId: string, rpps?: string, ...emails: string[]) => ({
      accountId,
      rpps,
      emails,
      phones: [] as string[],
    });
    const one = person('1', '99700900014', 'a@x.fr', 'b@x.fr');
    expect(isSamePerson(one, person('1'))).to.equal(true);
    expect(isSamePerson(one, person('2', '99700900014'))).to.equal(true);
    expect(isSamePerson(one, person('2', undefined, 'c@x.fr', 'b@x.fr'))).to.equal(true);
    expect(isSamePerson(one, person('2', '99700900022', 'c@x.fr'))).to.equal(false);
    expect(isSamePerson(person('1'), person('2'))).to.equal(false);
    const calls = (id: string, phone: string) => ({ ...person(id), phones: [phone] });
    expect(isSamePerson(calls('1', '+33639980001'), calls('2', '+33639980001'))).to.equal(true);
    expect(isSamePerson(calls('1', '+33639980001'), calls('2', '+33639980002'))).to.equal(false);
  });

  it('is one’s own when the address is a sub-address of one’s own', async () => {
    const { knex } = app.database;
    const admin = await knex('email_addresses')
      .where({ account_id: andrea, is_sign_in: true })
      .first('address');
    const [box, domain] = admin.address.split('@');
    const { approvalId } = await createApplicant(app.deps, { email: `${box}+moi@${domain}`, passwordHash });
    expect(await make(approvalId)).to.deep.equal({ ok: false, why: 'own-request' });
  });

  it('gives one number to one of two accounts that are approved at the same moment', async () => {
    const [one, two] = [await apply({ rpps: '99700900121' }), await apply({ rpps: '99700900121' })];
    const decisions = await Promise.all([make(one.approvalId), make(two.approvalId)]);
    expect(decisions.filter(({ ok }) => ok)).to.have.length(1);
    const lost = decisions.find(({ ok }) => !ok);
    // The first decision also changes what the second administrator was shown: a look-alike became active.
    expect(lost && !lost.ok && lost.why).to.be.oneOf(['rpps-taken', 'changed']);
  });

  it('is refused when what was shown has changed: the declaration, the register or a look-alike', async () => {
    const { knex } = app.database;
    const { accountId, approvalId } = await apply({ rpps: '99700900055', givenName: 'Maxence' });
    const changes: [string, () => Promise<unknown>][] = [
      ['the declaration', () => knex('accounts').where({ id: accountId }).update({ given_name: 'Max' })],
      [
        'the register',
        () => knex('ordinal_register').where({ rpps: '99700900055' }).update({ ended_on: '2026-01-01' }),
      ],
      ['a look-alike', () => apply({ givenName: 'Max' })],
    ];
    expect((await findSheet(knex, approvalId))?.changed).to.equal(false);
    for (const [what, change] of changes) {
      const seenHash = await seen(approvalId);
      await change();
      for (const decision of ['approved', 'refused'] as const)
        expect(await make(approvalId, { seenHash, decision, reason: 'un motif' }), what).to.deep.equal({
          ok: false,
          why: 'changed',
        });
    }
    for (const seenHash of ['', 'abc', '0'.repeat(64)])
      expect(await make(approvalId, { seenHash })).to.deep.equal({ ok: false, why: 'changed' });
    expect(await stateOf(accountId)).to.equal('pending');
    expect((await findSheet(knex, approvalId))?.changed, 'since the request').to.equal(true);
    expect(await make(approvalId)).to.deep.equal({ ok: true });
  });

  it('is an active administrator’s only', async () => {
    const { accountId, approvalId } = await apply();
    const doctor = await createTestAccount(app.deps, { email: 'docteur@example.test', passwordHash });
    const former = await createTestAdministrator(app.deps, {
      email: 'ancienne@example.test',
      phone: '+33639980097',
      passwordHash,
    });
    await transition(app.database.knex, app.deps, {
      accountId: former,
      to: 'suspended',
      by: { role: 'administrator', accountId: andrea },
    });
    for (const id of [doctor, former, accountId, '00000000-0000-4000-8000-000000000000'])
      expect(await make(approvalId, { by: { accountId: id } }).catch((error) => error.message)).to.equal(
        'only an active administrator decides',
      );
    expect(await stateOf(accountId)).to.equal('pending');
  });

  it('has no object once the account was closed otherwise', async () => {
    const { knex } = app.database;
    const { accountId, approvalId } = await apply();
    await transition(knex, app.deps, { accountId, to: 'closed', by: { role: 'person', accountId } });
    expect(await make(approvalId)).to.deep.equal({ ok: false, why: 'changed' });
    await withdrawStale(knex, app.clock);
    expect((await findApproval(knex, approvalId))?.decided).to.include({
      decision: 'withdrawn',
      by: undefined,
    });
    expect(await make(approvalId)).to.deep.include({ ok: false, why: 'decided' });
    expect(await stateOf(accountId)).to.equal('closed');
  });

  it('waits for pending accounts only, once each', async () => {
    const { knex } = app.database;
    const { accountId } = await apply();
    const twice = await submitSignUp(knex, app.deps, { accountId }).catch((error) => error);
    expect(twice).to.include({ constraint: 'approvals_one_pending' });
    const active = await submitSignUp(knex, app.deps, { accountId: lise }).catch((error) => error);
    expect(active.message).to.equal('only a pending account waits for approval');
    expect(await journalOf(lise)).to.deep.equal([]);
  });

  it('keeps what was refused for half a year, then erases it', async () => {
    const { knex, clock } = { knex: app.database.knex, clock: app.clock };
    const { accountId, approvalId } = await apply();
    await make(approvalId, { decision: 'refused', reason: 'un motif' });
    const later = (days: number) => ({ now: () => fromNow(clock, days * DAY) });
    await sweepRefused(knex, later(179));
    expect(await stateOf(accountId)).to.equal('refused');
    expect(await sweepRefused(knex, later(181))).to.be.at.least(1);
    for (const [table, column] of [
      ['accounts', 'id'],
      ['approvals', 'account_id'],
      ['email_addresses', 'account_id'],
    ] as const)
      expect(await knex(table).where({ [column]: accountId }), table).to.deep.equal([]);
    expect(await journalOf(accountId)).to.have.length(2);
  });
});
