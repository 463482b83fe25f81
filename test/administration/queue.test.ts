import { expect } from 'chai';
import { findSheet } from '../../src/approvals/decide.ts';
import {
  createApplicant,
  createSharedApplicant,
  createTestAdministrator,
  signInAdministrator,
} from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Page, Visitor, wordsOf } from '../support/visitor.ts';

const PASSWORD = 'demo-caducee-2026';
const LISE = { email: 'lise@example.test', phone: '+33639980098' };

describe('the queue of the administration', () => {
  let app: TestApp;
  let passwordHash: string;
  let andrea: Visitor;
  let lise: Visitor;
  let people = 0;

  before(async () => {
    app = await startTestApp({ nodes: 2 });
    passwordHash = await app.deps.hasher.hash(PASSWORD);
    await createTestAdministrator(app.deps, { ...LISE, passwordHash });
    andrea = new Visitor(app.issuer);
    await signInAdministrator(app, andrea);
    lise = new Visitor(app.issuer);
    await signInAdministrator(app, lise, LISE);
  });
  after(() => app.close());

  async function apply(more: Partial<Parameters<typeof createApplicant>[1]> = {}) {
    people += 1;
    const email = `dossier-${people}@example.test`;
    const made = await createApplicant(app.deps, { email, passwordHash, ...more });
    return { email, ...made, url: `/administration/demandes/${made.approvalId}` };
  }
  const seenOf = (page: Page): string => /name="seen" value="([0-9a-f]{64})"/.exec(page.text)?.[1] ?? '';
  const stateOf = async (id: string) =>
    (await app.database.knex('accounts').where({ id }).first('state')).state;
  const decide = (visitor: Visitor, page: Page, fields: Record<string, string>) =>
    visitor.send(page, { seen: seenOf(page), reason: '', note: '', ...fields });

  describe('lists what waits', () => {
    it('from the portal’s link, with age in words, either way round', async () => {
      const { knex } = app.database;
      await knex('approvals').delete();
      const old = await apply({ familyName: 'ANCIENNE' });
      await knex('approvals')
        .where({ id: old.approvalId })
        .update({ created_at: new Date(app.clock.now().getTime() - 30 * 24 * 3600_000) });
      await apply({ familyName: 'NOUVELLE' });
      const home = await andrea.get('/');
      const link = /<a class="quiet top__link" href="(\/administration[^"]*)"/.exec(home.text)?.[1];
      const page = await andrea.get(link as string);
      expect(page.url).to.equal(`${app.issuer}/administration/demandes`);
      expect(wordsOf(page))
        .to.contain('2 demandes attendent une décision.')
        .and.to.contain('Création de compte · Professionnel de santé · Médecin')
        .and.to.match(/ANCIENNE.*En retard.*NOUVELLE.*Dans les temps : 0 h sur 48 h ouvrées/);
      expect(wordsOf(await andrea.get('/administration/demandes?ordre=recentes'))).to.match(
        /NOUVELLE.*ANCIENNE/,
      );
    });

    it('in pages, and says when nothing waits', async () => {
      const { knex } = app.database;
      await knex('approvals').delete();
      expect(wordsOf(await andrea.get('/administration/demandes'))).to.contain("Aucune demande n'attend");
      for (let index = 0; index < 51; index += 1) await apply({ familyName: `NOM${index}` });
      const links = (page: Page) => [...page.text.matchAll(/rel="(prev|next)"/g)].map(([, rel]) => rel);
      const first = await andrea.get('/administration/demandes');
      expect(first.text.match(/queue__item/g)).to.have.length(50);
      expect(links(first)).to.deep.equal(['next']);
      const second = await andrea.get('/administration/demandes?page=2');
      expect(second.text.match(/queue__item/g)).to.have.length(1);
      expect(links(second)).to.deep.equal(['prev']);
      for (const page of ['0', '-1', '99999', '1e9', 'x'])
        expect((await andrea.get(`/administration/demandes?page=${page}`)).status, page).to.equal(200);
      await knex('approvals').delete();
    }).timeout(30_000);

    it('the demo’s secretary, once, however often the demo starts', async () => {
      const fresh = await startTestApp();
      try {
        const rows = await fresh.database.knex('approvals').join('accounts', 'accounts.id', 'account_id');
        expect(rows.map(({ given_name, kind, decided_at }) => [given_name, kind, decided_at])).to.deep.equal([
          ['Sacha', 'secretary', null],
        ]);
        const { seedApprovals, seedDemo, seedDirectory } = await import('../../seeds/demo/seed.ts');
        await seedDemo(fresh.deps, () => 'http://localhost:4001');
        await seedApprovals(fresh.deps);
        expect(await fresh.database.knex('approvals')).to.have.length(1);
        expect(await fresh.database.knex('messages')).to.deep.equal([]);
        // As the demo starts: the workplaces first.
        await fresh.database.knex('approvals').delete();
        await seedDirectory(fresh.deps);
        await seedApprovals(fresh.deps);
        const { id } = await fresh.database.knex('approvals').first('id');
        const sheet = await findSheet(fresh.database.knex, id);
        expect(sheet?.changed).to.equal(false);
        expect(sheet?.declared.professionCode).to.equal('SECRETARIAT_MEDICAL');
      } finally {
        await fresh.close();
      }
    });
  });

  describe('shows a request and takes the decision', () => {
    it('with what was declared beside the registers, and what was proved', async () => {
      const { url, email } = await apply({
        rpps: '99700900022',
        familyName: 'DOC-0090002',
        givenName: 'Frederique',
      });
      const words = wordsOf(await andrea.get(url));
      expect(words)
        .to.contain("Demande d'accès")
        .and.to.contain('La clé du numéro RPPS est juste.')
        .and.to.contain('Frédérique identique')
        .and.to.contain('DOC0090002 différent')
        .and.to.contain('Madame identique')
        .and.to.contain(email)
        .and.to.contain('Identité déclarée, sans preuve');
      expect(words).not.to.match(/29\/02\/1984|1984-02-29|39980002/);
    });

    it('approves', async () => {
      const { url, accountId, email } = await apply();
      const done = await decide(andrea, await andrea.get(url), { decision: 'approve', note: 'Vu.' });
      expect([done.status, done.headers.get('location')]).to.deep.equal([303, url]);
      expect(await stateOf(accountId)).to.equal('active');
      const after = await lise.get(url);
      expect(wordsOf(after))
        .to.contain('Demande approuvée par Andréa GESTION0090100 le')
        .and.to.contain('Vu.')
        .and.to.contain('Réussi — Demande approuvée');
      expect(after.text).to.contain('aria-current="true"><svg');
      const other = await apply();
      expect(wordsOf(await lise.get(url))).to.contain('Demande suivante');
      await app.database.knex('approvals').where({ id: other.approvalId }).delete();
      expect(after.text).not.to.contain('name="decision"');
      expect((await app.waitForMessage(email, { after: 1 })).subject).to.equal('Votre compte est certifié');
    });

    it('refuses to approve with a reason for refusal, and keeps it', async () => {
      const { url, accountId } = await apply();
      const answer = await decide(andrea, await andrea.get(url), {
        decision: 'approve',
        reason: 'Un motif.',
      });
      expect(answer.status).to.equal(422);
      expect(wordsOf(answer)).to.contain('Vous avez écrit un motif de refus : effacez-le, ou refusez.');
      expect(answer.text).to.contain('Un motif.</textarea>');
      expect(await stateOf(accountId)).to.equal('pending');
    });

    it('says at once that an active account has the number, and offers no approval', async () => {
      const { url, accountId } = await apply({ rpps: '99700900048' });
      const page = await andrea.get(url);
      expect(wordsOf(page)).to.contain('Un compte actif a déjà ce numéro RPPS : cette demande ne peut pas');
      expect(page.text).to.contain('value="refuse"').and.not.to.contain('value="approve"');
      expect((await decide(andrea, page, { decision: 'approve' })).status, 'the check stays').to.equal(409);
      expect(await stateOf(accountId)).to.equal('pending');
    });

    it('shows what a secretary declared as it is, and of a shared account who asks for it', async () => {
      const { knex } = app.database;
      const email = 'anne.dossier@example.test';
      const { approvalId } = await createSharedApplicant(app.deps, { email, passwordHash });
      const shared = await andrea.get(`/administration/demandes/${approvalId}`);
      expect(wordsOf(shared))
        .to.contain("Demande d'accès de Secrétariat du port")
        .and.match(/Intitulé\s*Secrétariat du port/)
        .and.match(/Première secrétaire\s*Madame Anne PETIT, anne\.dossier@example\.test/);
      const secretary = await apply();
      await knex('accounts')
        .where({ id: secretary.accountId })
        .update({ kind: 'secretary', profession_code: 'SECRETARIAT_MEDICAL' });
      const page = await andrea.get(secretary.url);
      expect(wordsOf(page)).to.contain('Ce qui est déclaré').and.to.contain('Secrétariat médical');
      for (const { text } of [shared, page]) expect(text).not.to.match(/non comparable|class="compare"/);
    });

    it('has no column for a register that does not know the number', async () => {
      const { url } = await apply({ rpps: '99700900022' });
      const page = await andrea.get(url);
      expect(
        [...page.text.matchAll(/<th role="columnheader"[^>]*>([^<]*)</g)].map(([, name]) => name),
      ).to.deep.equal(['Champ', 'Déclaré', 'Tableau de l&#39;Ordre']);
    });

    it('asks the reason of a refusal beside its field, and keeps what was typed', async () => {
      const { url, accountId } = await apply();
      const page = await andrea.get(url);
      const missing = await decide(andrea, page, {
        decision: 'refuse',
        reason: '  ',
        note: 'à rappeler <b>',
      });
      expect(missing.status).to.equal(422);
      expect(missing.text).to.contain('id="reason-fault"').and.to.contain('à rappeler &lt;b&gt;');
      for (const [fields, fault] of [
        [{ reason: 'x'.repeat(1001) }, 'reason'],
        [{ reason: 'ok', note: 'y'.repeat(1001) }, 'note'],
        [{ reason: 'a\u0000b' }, 'reason'],
        [{ reason: 'a\u001b[2Jb' }, 'reason'],
      ] as const) {
        const answer = await decide(andrea, page, { decision: 'refuse', ...fields });
        expect(answer.status).to.equal(422);
        expect(answer.text).to.contain(`id="${fault}-fault"`);
      }
      expect(await stateOf(accountId)).to.equal('pending');
      const done = await decide(andrea, missing, {
        decision: 'refuse',
        reason: 'Pièce illisible.\r\nMerci.',
      });
      expect(done.status).to.equal(303);
      expect(await stateOf(accountId)).to.equal('refused');
      expect(wordsOf(await andrea.get(url))).to.contain('Pièce illisible.');
    });

    it('gives hostile text back as text', async () => {
      const { url, accountId } = await apply({ givenName: '<script>alert(1)</script>' });
      const page = await andrea.get(url);
      expect(page.text).to.contain('&lt;script&gt;').and.not.to.contain('<script>alert');
      for (const text of [
        '</textarea><script>alert(1)</script>',
        "' OR '1'='1' --",
        '{{ 7*7 }}{% raw %}',
        '\u2028\u202e',
        '__proto__',
      ])
        for (const name of ['reason', 'note', 'seen']) {
          const fields = { decision: 'refuse', reason: 'Un motif.', seen: '0', [name]: text };
          const answer = await decide(andrea, page, fields);
          expect(answer.status, `${name}=${text}`).to.equal(409);
          expect(answer.text).not.to.match(/<script>alert|>49</);
        }
      expect(await stateOf(accountId)).to.equal('pending');
    });

    it('does nothing without one of the two buttons', async () => {
      const { url, accountId } = await apply();
      const page = await andrea.get(url);
      for (const decision of ['', 'approved', 'toString', '__proto__'])
        expect((await decide(andrea, page, { decision })).headers.get('location')).to.equal(url);
      expect(await stateOf(accountId)).to.equal('pending');
    });

    it('tells the second administrator who decided, and what', async () => {
      const { url, accountId } = await apply();
      const [hers, theirs] = [await lise.get(url), await andrea.get(url)];
      const answers = await Promise.all([
        decide(lise, hers, { decision: 'refuse', reason: 'Un motif.' }),
        decide(andrea, theirs, { decision: 'approve' }),
      ]);
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([303, 409]);
      const state = await stateOf(accountId);
      const told = wordsOf(answers.find(({ status }) => status === 409) as Page);
      expect(told).to.contain(
        state === 'active'
          ? 'Cette demande a déjà été approuvée par Andréa GESTION0090100 le'
          : 'Cette demande a déjà été refusée par Lise DOC0091000 le',
      );
    });

    it('shows the new data when they changed, and decides nothing meanwhile', async () => {
      const { url, accountId } = await apply();
      const page = await andrea.get(url);
      await app.database.knex('accounts').where({ id: accountId }).update({ given_name: 'Noé' });
      const told = await decide(andrea, page, { decision: 'approve', note: 'déjà écrite' });
      expect(told.status).to.equal(409);
      expect(wordsOf(told))
        .to.contain('Ces données ont changé pendant que vous les lisiez.')
        .and.to.contain('Noé')
        .and.to.contain('Le compte a changé depuis la demande.')
        .and.to.contain('déjà écrite');
      expect(await stateOf(accountId)).to.equal('pending');
      expect((await decide(andrea, told, { decision: 'approve' })).status).to.equal(303);
    });

    it('shows one’s own request without a form, and refuses one that comes all the same', async () => {
      const { knex } = app.database;
      const { url, accountId, email } = await apply();
      const before = await andrea.get(url);
      const andreaId = (await knex('email_addresses').where({ canonical: 'admin@example.test' }).first())
        .account_id;
      await knex('email_addresses').insert({
        id: accountId,
        account_id: andreaId,
        address: email,
        canonical: email,
        verified_at: app.clock.now(),
        released_at: app.clock.now(),
      });
      const page = await andrea.get(url);
      expect(wordsOf(page)).to.contain('Cette demande est la vôtre.');
      expect(page.text).not.to.contain('name="decision"');
      const refused = await decide(andrea, before, { decision: 'approve' });
      expect(refused.status).to.equal(403);
      expect(await stateOf(accountId)).to.equal('pending');
      await knex('email_addresses').where({ id: accountId }).delete();
    });

    it('answers in English too', async () => {
      const { url } = await apply();
      const page = await new Visitor(app.issuer).get('/?langue=en');
      expect(page.status).to.equal(200);
      expect(wordsOf(await lise.get(`${url}?langue=en`)))
        .to.contain('Access request')
        .and.to.contain('Approve');
      await lise.get('/?langue=fr');
    });
  });
});
