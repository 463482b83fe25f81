import { expect } from 'chai';
import * as oidc from 'openid-client';
import { endAccessOfMember } from '../../src/accounts/access.ts';
import { addMember, createSharedAccount } from '../../src/accounts/members.ts';
import { DAY, HOUR, MINUTE } from '../../src/lib/clock.ts';
import { sweepSessions } from '../../src/openid/browser-sessions.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type BackChannel, startBackChannel } from '../support/back-channel.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';
import { accountIdOf, CAMILLE, DOMINIQUE, type Person } from './support.ts';

const SESSIONS = '/mon-compte/sessions';
const OTHERS = `${SESSIONS}/fermer-les-autres`;
const PASSWORD = 'demo-caducee-2026';
const PHONE = 'Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0';
const DESK =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

describe('sessions and devices', () => {
  let app: TestApp;
  let channel: BackChannel;
  let client: TestClient;
  beforeEach(async () => {
    channel = await startBackChannel();
    app = await startTestApp({
      settings: { OUTGOING_ALLOWED_HOSTS: 'localhost', TRUSTED_PROXIES: '1' },
      applicationUrl: channel.url,
    });
    client = await createTestClient(app.issuer, 'messagerie', {
      redirectUri: `${channel.url({ clientId: 'messagerie' })}/callback`,
    });
  });
  afterEach(async () => {
    await app.close();
    await channel.close();
  });

  async function signedIn(person: Person, source: string, userAgent: string): Promise<Visitor> {
    const visitor = new Visitor(app.issuer, source);
    visitor.userAgent = userAgent;
    await signIn(app, visitor, '/connexion', person);
    return visitor;
  }

  async function open(visitor: Visitor, more = {}) {
    // No address is asked for: which one to give is another question.
    const authorization = await client.authorize({ scope: 'openid profile offline_access', ...more });
    const back = await visitor.get(authorization.url);
    return client.exchange(authorization, back.headers.get('location') as string);
  }
  type Tokens = Awaited<ReturnType<typeof open>>;

  const isOut = async (visitor: Visitor) =>
    (await visitor.request(SESSIONS)).headers.get('location') === '/connexion?vers=sessions';
  /** Whether nothing of these tokens works any more. */
  async function areDead({ access_token, refresh_token, claims }: Tokens): Promise<boolean> {
    const refused = (error: Error) => error.name;
    const answers = [
      await oidc.fetchUserInfo(client.configuration, access_token, claims()?.sub ?? '').catch(refused),
      await oidc.refreshTokenGrant(client.configuration, refresh_token ?? '').catch(refused),
    ];
    return answers.every((answer) => typeof answer === 'string');
  }
  const endOf = (text: string): string => /action="([^"]*\/fermer)"/.exec(text)?.[1] ?? '';
  const ended = async () => {
    const entries = await app.database.knex('journal').where({ event: 'session.ended' }).orderBy('seq');
    return entries.map(({ entry }) => JSON.parse(entry));
  };

  it('are shown with where, when and how, this one first', async () => {
    const desk = await signedIn(CAMILLE, '198.51.100.7', DESK);
    await signedIn(DOMINIQUE, '203.0.113.9', PHONE);
    expect(wordsOf(await desk.get(SESSIONS))).to.include('ouvert nulle part ailleurs');
    await signedIn(CAMILLE, '203.0.113.9', PHONE);
    const page = await desk.get(SESSIONS);
    const words = wordsOf(page);
    expect(words).to.match(
      /Chrome, Windows cet appareil Connexion le .* \(mot de passe, code par e-mail\)\..*198\.51\.100\.7.*Firefox, Android Connexion .*203\.0\.113\.9/,
    );
    expect(page.text.match(/\/fermer"/g), 'one other').to.have.length(1);
    expect(words).not.to.include('code par SMS');
  });

  it('are seen again when a page is read, every five minutes and not more often', async () => {
    const desk = await signedIn(CAMILLE, '198.51.100.7', DESK);
    const row = () => app.database.knex('browser_sessions').first();
    const first = await row();
    desk.forwardedFor = '198.51.100.8';
    app.clock.advance(4 * MINUTE);
    await desk.get('/');
    expect(await row()).to.deep.equal(first);
    app.clock.advance(2 * MINUTE);
    await desk.get('/');
    const later = await row();
    expect(later.last_seen_at - first.last_seen_at).to.be.above(5 * MINUTE);
    expect(later).to.include({ source: '198.51.100.8', id: first.id });
  });

  it('end one by one: out at the next request, and every token of it', async () => {
    const desk = await signedIn(CAMILLE, '198.51.100.7', DESK);
    const phone = await signedIn(CAMILLE, '203.0.113.9', PHONE);
    const [kept, lost] = [await open(desk), await open(phone)];
    const page = await desk.get(SESSIONS);
    const done = await desk.submit(page, {}, endOf(page.text));
    expect(wordsOf(done)).to.include('La session est fermée.').and.to.include('ouvert nulle part ailleurs');
    expect(await isOut(phone)).to.equal(true);
    expect(await areDead(lost)).to.equal(true);
    const straight = await phone.get((await client.authorize()).url);
    expect(straight.status, 'asked to sign in').to.equal(200);
    expect(await areDead(kept)).to.equal(false);
    expect(await isOut(desk)).to.equal(false);
    const [received] = await channel.waitFor('messagerie');
    expect(received?.token.split('.')).to.have.length(3);
    const id = await accountIdOf(app, CAMILLE);
    expect(await ended()).to.have.length(1);
    expect((await ended())[0]).to.deep.include({ actor: id, subject: id, source: '198.51.100.7' });
    expect((await ended())[0].details).to.include({ device: 'Firefox, Android', at: '203.0.113.9' });
    expect((await desk.send(page, {}, endOf(page.text))).status, 'twice').to.equal(404);
  });

  it('end all but this one, with what was given outside of it', async () => {
    const desk = await signedIn(CAMILLE, '198.51.100.7', DESK);
    const others = [
      await signedIn(CAMILLE, '203.0.113.9', PHONE),
      await signedIn(CAMILLE, '203.0.113.10', PHONE),
    ];
    const stranger = await signedIn(DOMINIQUE, '203.0.113.11', PHONE);
    const kept = await open(desk);
    const lost = await Promise.all(others.map((other) => open(other)));
    const theirs = await open(stranger);
    const done = await desk.submit(await desk.get(SESSIONS), {}, OTHERS);
    expect(wordsOf(done)).to.include('Toutes les autres sessions sont fermées.');
    for (const other of others) expect(await isOut(other)).to.equal(true);
    for (const tokens of lost) expect(await areDead(tokens)).to.equal(true);
    expect(await areDead(kept)).to.equal(false);
    expect(await areDead(theirs)).to.equal(false);
    expect(await isOut(stranger)).to.equal(false);
    await channel.waitFor('messagerie', 2);
    expect((await ended())[0].details).to.deep.equal({ others: true, count: 2 });
  });

  it('of another person do not exist, nor those that never did', async () => {
    const desk = await signedIn(CAMILLE, '198.51.100.7', DESK);
    const stranger = await signedIn(DOMINIQUE, '203.0.113.9', PHONE);
    await open(stranger);
    await signedIn(CAMILLE, '203.0.113.9', PHONE);
    const page = await desk.get(SESSIONS);
    const { id } = await app.database
      .knex('browser_sessions')
      .where({ account_id: await accountIdOf(app, DOMINIQUE) })
      .first('id');
    for (const action of [
      `${SESSIONS}/${id}/fermer`,
      `${SESSIONS}/00000000-0000-4000-8000-000000000000/fermer`,
      `${SESSIONS}/x/fermer`,
      `${SESSIONS}/%00/fermer`,
      '/mon-compte/applications/messagerie/retirer',
      '/mon-compte/applications/%00/retirer',
      '/mon-compte/applications/unknown/retirer',
    ])
      expect((await desk.send(page, {}, action)).status, action).to.equal(404);
    for (const query of ['0', '-1', 'x', '1e3', "1' OR '1'='1", '9'.repeat(20), '1&avant=2'])
      expect((await desk.request(`/mon-compte/activite?avant=${query}`)).status, query).to.equal(404);
    expect(await isOut(stranger)).to.equal(false);
    expect(await ended()).to.deep.equal([]);
  });

  it('are for who is signed in, who sends our own form', async () => {
    const visitor = new Visitor(app.issuer);
    for (const [path, page] of [
      [SESSIONS, 'sessions'],
      ['/mon-compte/applications', 'applications'],
      ['/mon-compte/activite', 'activite'],
    ])
      expect((await visitor.request(path as string)).headers.get('location')).to.equal(
        `/connexion?vers=${page}`,
      );
    const desk = await signedIn(CAMILLE, '198.51.100.7', DESK);
    const page = await desk.get(SESSIONS);
    for (const action of [OTHERS, `${SESSIONS}/x/fermer`, '/mon-compte/applications/messagerie/retirer'])
      expect((await desk.send(page, { _csrf: '' }, action)).status, action).to.equal(403);
  });

  it('are each secretary’s own, on a shared account', async () => {
    const { knex } = app.database;
    const passwordHash = await app.deps.hasher.hash(PASSWORD);
    const member = (email: string) => ({
      ...{ familyName: 'SECRETAIRE', givenName: email.slice(0, 4), passwordHash, termsVersion: '1' },
      email: { address: email, canonical: email },
    });
    const { accountId, memberId } = await createSharedAccount(knex, app.deps, {
      title: 'Secrétariat',
      state: 'active',
      firstMember: member('anne@example.test'),
    });
    const noelId = await addMember(knex, app.deps, accountId, member('noel@example.test'), {
      invitedBy: memberId,
    });
    const anne = await signedIn({ email: 'anne@example.test' }, '198.51.100.7', DESK);
    const noel = await signedIn({ email: 'noel@example.test' }, '203.0.113.9', PHONE);
    const [hers, his] = [await open(anne), await open(noel)];
    const page = await anne.get(SESSIONS);
    expect(wordsOf(page)).to.include('Chrome').and.not.to.include('Firefox');
    const { id } = await knex('browser_sessions').where({ member_id: noelId }).first('id');
    // Alone, this page has no form; any other page's has the browser's token.
    const form = await anne.get('/secretaires');
    expect((await anne.send(form, {}, `${SESSIONS}/${id}/fermer`)).status).to.equal(404);

    expect(wordsOf(await anne.get('/mon-compte/activite')))
      .to.include('198.51.100.7')
      .and.not.to.include('203.0.113');
    await anne.send(form, {}, OTHERS);
    await anne.send(form, {}, '/mon-compte/applications/messagerie/retirer');
    expect(await areDead(hers)).to.equal(true);
    expect(await isOut(noel)).to.equal(false);
    expect(await areDead(his)).to.equal(false);

    const again = await open(noel);
    await channel.waitFor('messagerie');
    await knex.transaction((trx) => endAccessOfMember(trx, noelId));
    expect(await isOut(noel)).to.equal(true);
    expect(await areDead(again)).to.equal(true);
    await channel.waitFor('messagerie', 2);
    expect(await isOut(anne)).to.equal(false);
  });

  it('that ended leave nothing behind', async () => {
    const { knex } = app.database;
    const desk = await signedIn(CAMILLE, '198.51.100.7', DESK);
    await open(desk);
    await knex('session_applications').update({ created_at: new Date(Date.now() - DAY) });
    app.clock.advance(2 * HOUR);
    await sweepSessions(knex, app.clock);
    const counted = async () => [
      Number((await knex('browser_sessions').count())[0]?.count),
      Number((await knex('session_applications').count())[0]?.count),
    ];
    expect(await counted(), 'while it lives').to.deep.equal([1, 2]);
    await knex('oidc_sessions').delete();
    await sweepSessions(knex, app.clock);
    expect(await counted()).to.deep.equal([0, 0]);
  });
});
