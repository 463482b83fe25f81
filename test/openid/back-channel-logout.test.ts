import { expect } from 'chai';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { transition } from '../../src/accounts/transition.ts';
import { isOver, retryDelayMs, SEND_LOGOUTS_TASK } from '../../src/applications/logout-notices.ts';
import { DAY, HOUR, MINUTE } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type BackChannel, startBackChannel } from '../support/back-channel.ts';
import { createTestClient, type TestClient } from '../support/client.ts';
import { linkEmail } from '../support/links.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';

const CAMILLE = 'camille@example.test';
const DOMINIQUE = { email: 'dominique@example.test', codeTo: '+33639980007' };
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

describe('back-channel logout', () => {
  let app: TestApp;
  let channel: BackChannel;
  const clients: Record<string, TestClient> = {};
  beforeEach(async () => {
    channel = await startBackChannel();
    app = await startTestApp({
      settings: { OUTGOING_ALLOWED_HOSTS: 'localhost' },
      applicationUrl: channel.url,
    });
    await linkEmail(app, 'laboratoire', CAMILLE);
    for (const clientId of ['messagerie', 'laboratoire'])
      clients[clientId] = await createTestClient(app.issuer, clientId, {
        redirectUri: `${channel.url({ clientId })}/callback`,
      });
  });
  afterEach(async () => {
    await app.close();
    await channel.close();
  });

  /** Opens an application in a browser that is signed in. */
  async function open(visitor: Visitor, clientId: string) {
    const client = clients[clientId] as TestClient;
    const authorization = await client.authorize();
    const back = await visitor.get(authorization.url);
    return client.exchange(authorization, back.headers.get('location') as string);
  }

  async function signedIn(person: { email: string; codeTo?: string } = { email: CAMILLE }): Promise<Visitor> {
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', person);
    return visitor;
  }

  async function signOut(visitor: Visitor) {
    const page = await visitor.get('/deconnexion?client_id=caducee');
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    return visitor.submit(page, { xsrf, logout: 'yes' }, '/confirm');
  }

  const sidOf = (tokens: Awaited<ReturnType<typeof open>>) => tokens.claims()?.sid as string;
  const pending = () => app.database.knex('logout_notices').orderBy('client_id');
  /** How many attempts failed and will be made again. */
  const postponed = () => app.logLines.filter((line) => line.includes('not told of a logout yet')).length;
  const wake = () =>
    app.database.knex.raw('SELECT graphile_worker.add_job(?, job_key => ?)', [SEND_LOGOUTS_TASK, 'test']);

  async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!(await reached())) {
      if (Date.now() > deadline) throw new Error(`never: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('sends a token that the application can trust', async () => {
    const visitor = await signedIn();
    const sid = sidOf(await open(visitor, 'messagerie'));
    expect(sid).to.be.a('string');
    await signOut(visitor);
    const [received] = await channel.waitFor('messagerie');
    const keys = createRemoteJWKSet(new URL('/jwks', app.issuer));
    const { payload, protectedHeader } = await jwtVerify(received?.token ?? '', keys, {
      issuer: app.issuer,
      audience: 'messagerie',
      typ: 'logout+jwt',
      algorithms: ['ES256'],
    });
    expect(protectedHeader.kid).to.be.a('string');
    expect(payload.events).to.deep.equal({ [EVENT]: {} });
    expect(payload.sid).to.equal(sid);
    const { account_id } = await app.database.knex('email_addresses').where({ address: CAMILLE }).first();
    expect(payload.sub).to.equal(account_id);
    expect(payload).not.to.have.property('nonce');
    expect(payload.jti).to.match(/^[0-9a-f-]{36}$/);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).to.equal(120);
    await until('the notice is gone', async () => (await pending()).length === 0);
    expect(channel.received, 'the application that was not opened').to.have.length(1);
  });

  it('tells both applications that were opened at once', async () => {
    const visitor = await signedIn();
    const [first, second] = await Promise.all([open(visitor, 'messagerie'), open(visitor, 'laboratoire')]);
    await signOut(visitor);
    const told = [...(await channel.waitFor('messagerie')), ...(await channel.waitFor('laboratoire'))];
    expect(told.map(({ token }) => decodeJwt(token).sid)).to.deep.equal([sidOf(first), sidOf(second)]);
  });

  it('tells an application that two tabs opened at once by each name that it was given', async () => {
    const visitor = await signedIn();
    const both = await Promise.all([open(visitor, 'messagerie'), open(visitor, 'messagerie')]);
    await signOut(visitor);
    const sids = new Set(both.map(sidOf));
    const told = await channel.waitFor('messagerie', sids.size);
    expect(new Set(told.map(({ token }) => decodeJwt(token).sid))).to.deep.equal(sids);
  });

  it('tells the one application that was left, of a person who stays signed in', async () => {
    const visitor = await signedIn();
    const tokens = await open(visitor, 'messagerie');
    await open(visitor, 'laboratoire');
    const page = await visitor.get(`/deconnexion?client_id=messagerie&id_token_hint=${tokens.id_token}`);
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    await visitor.submit(page, { xsrf }, '/confirm');
    await channel.waitFor('messagerie');
    expect(wordsOf(await visitor.get('/'))).to.include('Bonjour Camille');
    await until('the notice is gone', async () => (await pending()).length === 0);
    expect(channel.received).to.have.length(1);
  });

  it('is not begun when the sign-out is not written', async () => {
    const { knex } = app.database;
    const visitor = await signedIn();
    await open(visitor, 'messagerie');
    await knex.raw(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
       CREATE TRIGGER refuse BEFORE DELETE ON oidc_sessions FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
    expect((await signOut(visitor)).status).to.equal(500);
    expect(await pending()).to.deep.equal([]);
    await knex.raw('DROP TRIGGER refuse ON oidc_sessions; DROP FUNCTION refuse()');
    await signOut(visitor);
    await channel.waitFor('messagerie');
    expect(channel.received).to.have.length(1);
  });

  it('is tried again, later each time, when the application fails', async () => {
    channel.answer('messagerie', 500);
    const visitor = await signedIn();
    const sid = sidOf(await open(visitor, 'messagerie'));
    await signOut(visitor);
    await channel.waitFor('messagerie');
    await until('it is postponed', async () => postponed() === 1);
    await wake();
    await until('the wake-up is over', async () => {
      const { rows } = await app.database.knex.raw(
        'SELECT count(*) FROM graphile_worker.jobs WHERE task_identifier = ?',
        [SEND_LOGOUTS_TASK],
      );
      return rows[0].count === 0;
    });
    expect(channel.received, 'not before its time').to.have.length(1);
    app.clock.advance(MINUTE + 1_000);
    await wake();
    await channel.waitFor('messagerie', 2);
    await until('it is postponed again', async () => postponed() === 2);
    channel.answer('messagerie', 204);
    app.clock.advance(5 * MINUTE);
    await wake();
    const told = await channel.waitFor('messagerie', 3);
    expect(told.map(({ token }) => decodeJwt(token).sid)).to.deep.equal([sid, sid, sid]);
    expect(new Set(told.map(({ token }) => decodeJwt(token).jti)).size, 'a token each').to.equal(3);
    await until('the notice is gone', async () => (await pending()).length === 0);
  });

  it('is given up after a day, and the journal says so', async () => {
    channel.answer('messagerie', 500);
    const visitor = await signedIn();
    await open(visitor, 'messagerie');
    await signOut(visitor);
    await channel.waitFor('messagerie');
    await until('it is postponed', async () => postponed() === 1);
    app.clock.advance(DAY + MINUTE);
    await wake();
    await until('the notice is gone', async () => (await pending()).length === 0);
    const row = await app.database.knex('journal').where({ event: 'logout.undelivered' }).first();
    expect(JSON.parse(row.entry)).to.deep.include({
      outcome: 'failure',
      details: { application: 'messagerie', attempts: 2 },
    });
    expect(app.logLines.join('')).to.include('given up');
  });

  it('keeps neither the person nor another application waiting for a dead one', async () => {
    channel.answer('messagerie', 'nothing');
    const visitor = await signedIn();
    await Promise.all([open(visitor, 'messagerie'), open(visitor, 'laboratoire')]);
    const from = performance.now();
    const done = await signOut(visitor);
    expect(wordsOf(done)).to.include('Vous êtes déconnecté');
    await channel.waitFor('laboratoire');
    expect(performance.now() - from).to.be.below(2_500);
    await until('the dead one is postponed', async () => {
      const [notice] = await pending();
      return notice?.client_id === 'messagerie' && notice.next_attempt_at > Date.now() + MINUTE / 2;
    });
  });

  it('follows no redirect', async () => {
    channel.answer('messagerie', 'redirect');
    const visitor = await signedIn();
    await open(visitor, 'messagerie');
    await signOut(visitor);
    await channel.waitFor('messagerie');
    await until('it is postponed', async () => /status 307/.test(app.logLines.join('')));
    expect(channel.received).to.have.length(1);
  });

  it('leaves no token in the log or in the database', async () => {
    channel.answer('messagerie', 500);
    const visitor = await signedIn();
    await open(visitor, 'messagerie');
    await signOut(visitor);
    const [received] = await channel.waitFor('messagerie');
    await until('it is postponed', async () => postponed() === 1);
    expect(received?.token).to.match(/^ey/);
    const signature = received?.token.split('.')[2] ?? '';
    expect(app.logLines.join('')).not.to.include(signature);
    expect(JSON.stringify(await pending())).not.to.include(signature);
  });

  it('tells who was suspended, and takes their tokens', async () => {
    const visitor = await signedIn();
    const tokens = await open(visitor, 'messagerie');
    const { account_id: accountId } = await app.database
      .knex('email_addresses')
      .where({ address: CAMILLE })
      .first();
    await transition(app.deps.knex, app.deps, { accountId, to: 'suspended', by: { role: 'system' } });
    const [received] = await channel.waitFor('messagerie');
    expect(decodeJwt(received?.token ?? '').sid).to.equal(sidOf(tokens));
  });

  it('tells the applications of the other sessions when a factor changes, and not those of this one', async () => {
    const [here, there] = [await signedIn(DOMINIQUE), await signedIn(DOMINIQUE)];
    const kept = await open(here, 'messagerie');
    const ended = await open(there, 'messagerie');
    const page = await here.get('/mon-compte/authentification-forte');
    await here.submit(page, { preferred: 'email' }, '/authentification-forte');
    const [received] = await channel.waitFor('messagerie');
    expect(decodeJwt(received?.token ?? '').sid)
      .to.equal(sidOf(ended))
      .and.not.to.equal(sidOf(kept));
    await until('the notice is gone', async () => (await pending()).length === 0);
    expect(channel.received).to.have.length(1);
    const { configuration } = clients.messagerie as TestClient;
    const subject = kept.claims()?.sub as string;
    expect(await oidc.fetchUserInfo(configuration, kept.access_token, subject)).to.include({ sub: subject });
  });
});

describe('an application on a private network that the settings do not name', () => {
  it('is asked nothing', async () => {
    const channel = await startBackChannel();
    const app = await startTestApp({
      settings: { OUTGOING_ALLOWED_HOSTS: '10.0.0.0/8' },
      applicationUrl: channel.url,
    });
    try {
      const client = await createTestClient(app.issuer, 'messagerie', {
        redirectUri: `${channel.url({ clientId: 'messagerie' })}/callback`,
      });
      const visitor = new Visitor(app.issuer);
      await signIn(app, visitor, (await client.authorize()).url, { email: CAMILLE });
      const page = await visitor.get('/deconnexion?client_id=caducee');
      const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
      await visitor.submit(page, { xsrf, logout: 'yes' }, '/confirm');
      const deadline = Date.now() + 8_000;
      while (!app.logLines.join('').includes('RefusedAddressError') && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(app.logLines.join('')).to.include('RefusedAddressError');
      expect(channel.received).to.deep.equal([]);
    } finally {
      await app.close();
      await channel.close();
    }
  });
});

describe('the delay before an application is told again', () => {
  it('grows, and ends within a day', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((attempts) => retryDelayMs(attempts) / MINUTE)).to.deep.equal([
      ...[1, 4, 16, 64, 256, 360, 360],
    ]);
    const createdAt = new Date('2026-11-24T08:00:00Z');
    const notice = { clientId: 'a', sid: 's', accountId: 'p', createdAt };
    const after = (hours: number) => ({ now: () => new Date(createdAt.getTime() + hours * HOUR) });
    for (const [hours, attempts, over] of [
      [0, 1, false],
      [17, 7, false],
      [18, 7, false],
      [18.1, 8, true],
      [23, 1, false],
      [24, 1, true],
    ] as const)
      expect(isOver(after(hours), { ...notice, attempts }), `${hours} h`).to.equal(over);
  });
});
