import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import Koa from 'koa';
import { healthRoutes } from '../../src/http/health.ts';
import { openKnex } from '../../src/lib/database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { headerOf, type RawAnswer, sendRaw } from '../support/raw.ts';
import { startUnder } from '../support/under.ts';
import { Visitor } from '../support/visitor.ts';

const DISCOVERY = '/.well-known/openid-configuration';

describe('the host of a request', () => {
  let app: TestApp;
  let port: number;
  let host: string;
  before(async () => {
    app = await startTestApp();
    const issuer = new URL(app.issuer);
    host = issuer.host;
    port = Number(issuer.port);
  });
  after(() => app.close());

  const get = (hostLines: readonly string[], target = '/') =>
    sendRaw(port, [`GET ${target} HTTP/1.1`, 'Accept: text/html', ...hostLines]);

  function expectMisdirected(answer: RawAnswer, what: string): void {
    expect(answer.status, what).to.equal(421);
    expect(headerOf(answer, 'content-type'), what).to.equal('text/html; charset=utf-8');
    expect(headerOf(answer, 'content-security-policy'), what).to.contain("frame-ancestors 'none'");
    expect(headerOf(answer, 'location'), what).to.equal(undefined);
    expect(answer.text, what)
      .to.contain('<html lang="fr">')
      .and.to.contain('Ce site ne répond pas sous cette adresse.');
    expect(answer.text, what).not.to.contain('evil');
  }

  function expectOnIssuer(answer: RawAnswer, issuer: string, what: string): void {
    expect(answer.status, what).to.equal(200);
    const metadata = JSON.parse(answer.text) as Record<string, unknown>;
    expect(metadata.issuer, what).to.equal(issuer);
    const urls = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(urls.length, what).to.be.greaterThan(4);
    for (const [name, url] of urls) expect(url, `${what}: ${name}`).to.match(new RegExp(`^${issuer}/`));
  }

  it('is the issuer’s, in any case of letters', async () => {
    for (const one of [host, host.toUpperCase()]) {
      const answer = await get([`Host: ${one}`]);
      expect(answer.status, one).to.equal(200);
      expectOnIssuer(await get([`Host: ${one}`], DISCOVERY), app.issuer, one);
    }
  });

  it('is refused when it is another', async () => {
    for (const one of [
      'evil.test',
      `evil.test:${port}`,
      'localhost',
      'localhost:80',
      `localhost:${port}0`,
      `127.0.0.1:${port}`,
      `localhost.:${port}`,
      `localhost:${port}.evil.test`,
      `evil.localhost:${port}`,
      `evil@${host}`,
      `evil:x@${host}`,
      `${host}@evil.test`,
      `${host}/evil`,
      `${host}, evil.test`,
      `${host}#@evil.test`,
      '',
    ]) {
      expectMisdirected(await get([`Host: ${one}`]), one);
      expectMisdirected(await get([`Host: ${one}`], DISCOVERY), one);
    }
  });

  it('may not be missing, nor come twice', async () => {
    expectMisdirected(await sendRaw(port, ['GET / HTTP/1.0', 'Accept: text/html']), 'HTTP/1.0 without Host');
    expect((await get([])).status, 'HTTP/1.1 without Host').to.equal(400);
    expectMisdirected(await get(['Host: evil.test', `Host: ${host}`]), 'evil first');
    const last = await get([`Host: ${host}`, 'Host: evil.test'], DISCOVERY);
    if (last.status === 200) expectOnIssuer(last, app.issuer, 'evil last');
    else expect(last.status, 'evil last').to.be.oneOf([400, 421]);
  });

  it('is not what a target in absolute form says', async () => {
    for (const target of [
      'http://evil.test/',
      `http://evil.test${DISCOVERY}`,
      `${app.issuer}${DISCOVERY}`,
      '*',
    ]) {
      expectMisdirected(
        await sendRaw(port, [`OPTIONS ${target} HTTP/1.1`, 'Accept: text/html', `Host: ${host}`]),
        target,
      );
    }
    expectMisdirected(await get([`Host: ${host}`], 'http://evil.test/'), 'absolute form');
    for (const target of [
      '//evil.test/',
      '//evil.test/%2f..',
      '/\\evil.test',
      '/%5cevil.test/',
      '/.//evil.test/',
    ]) {
      const answer = await get([`Host: ${host}`], target);
      expect(answer.status, target).to.equal(404);
      expect(headerOf(answer, 'location'), target).to.equal(undefined);
    }
  });

  it('is not what forwarded headers say', async () => {
    for (const line of [
      'X-Forwarded-Host: evil.test',
      `X-Forwarded-Host: evil.test, ${host}`,
      `X-Forwarded-Host: ${host}, evil.test`,
      'Forwarded: host=evil.test;proto=https',
      `Forwarded: for=192.0.2.1;host="evil.test"`,
      'X-Forwarded-Proto: https',
      'X-Forwarded-Proto: gopher, https',
      'X-Forwarded-Port: 666',
      'X-Forwarded-Server: evil.test',
      'X-Host: evil.test',
      'X-Original-URL: /evil',
      'X-Rewrite-URL: /evil',
    ]) {
      expectOnIssuer(await get([`Host: ${host}`, line], DISCOVERY), app.issuer, line);
      const start = await get([`Host: ${host}`, line], '/connexion');
      expect(headerOf(start, 'location'), line).to.match(new RegExp(`^${app.issuer}/authorize\\?`));
      const target = (headerOf(start, 'location') as string).slice(app.issuer.length);
      const interaction = await get([`Host: ${host}`, line], target);
      expect(headerOf(interaction, 'location'), line).to.match(/^\/connexion\/[\w-]+$/);
    }
  });

  it('may name the default port, or not', async () => {
    const cases: [issuer: string, good: string[], bad: string[]][] = [
      [
        'https://identite.example.fr',
        ['identite.example.fr', 'identite.example.fr:443', 'IDENTITE.EXAMPLE.FR'],
        ['identite.example.fr:80', 'identite.example.fr:8443', 'identite.example.fr.', 'example.fr', host],
      ],
      ['http://localhost', ['localhost', 'localhost:80'], ['localhost:443', host]],
    ];
    for (const [issuer, good, bad] of cases) {
      const other = await startUnder(app, { ISSUER: issuer });
      try {
        for (const one of good) {
          const answer = await sendRaw(other.port, [`GET ${DISCOVERY} HTTP/1.1`, `Host: ${one}`]);
          expectOnIssuer(answer, issuer, one);
          expect((await sendRaw(other.port, ['GET / HTTP/1.1', `Host: ${one}`])).status, one).to.equal(200);
        }
        for (const one of bad) {
          expectMisdirected(
            await sendRaw(other.port, ['GET / HTTP/1.1', 'Accept: text/html', `Host: ${one}`]),
            one,
          );
        }
      } finally {
        await other.close();
      }
    }
  });

  describe('and the address it comes from', () => {
    const HOSTILE = [
      'a',
      '',
      ' ',
      '203.0.113.7',
      '203.0.113.7, 198.51.100.9',
      ',,,',
      'fe80::1%eth0',
      '"; DROP TABLE journal; --',
      'x'.repeat(10_000),
      ' '.repeat(12_000),
      Array(1_500).fill('1.1.1.1').join(','),
    ];

    /** A wrong password from these headers; @returns the source that the journal keeps. */
    async function sourceOf(base: number, hostName: string, lines: string[]): Promise<string> {
      const visitor = new Visitor(app.issuer);
      const form = await visitor.get('/connexion');
      const token = /name="_csrf" value="([^"]*)"/.exec(form.text)?.[1] ?? '';
      const cookie = await visitor.jar.getCookieString(form.url);
      const body = new URLSearchParams({
        _csrf: token,
        email: 'nobody@example.test',
        password: 'x',
      }).toString();
      const started = performance.now();
      const answer = await sendRaw(
        base,
        [
          `POST ${new URL(form.url).pathname} HTTP/1.1`,
          `Host: ${hostName}`,
          `Cookie: ${cookie}`,
          'Content-Type: application/x-www-form-urlencoded',
          `Content-Length: ${body.length}`,
          ...lines,
        ],
        body,
      );
      expect(answer.status, lines.join().slice(0, 80)).to.equal(422);
      expect(performance.now() - started, 'no header costs time').to.be.lessThan(2_000);
      const last = await app.database.knex('journal').orderBy('seq', 'desc').first('entry');
      await app.database.knex('throttle_counters').delete();
      const entry = JSON.parse(last.entry);
      expect(entry.event).to.equal('sign-in.refused');
      return entry.source;
    }

    it('is the connection’s when no proxy is trusted, whatever X-Forwarded-For says', async () => {
      for (const value of HOSTILE) {
        expect(await sourceOf(port, host, [`X-Forwarded-For: ${value}`]), value.slice(0, 40)).to.equal(
          '127.0.0.1',
        );
      }
    });

    it('is what the one trusted proxy added, not what stood before it', async () => {
      const behind = await startUnder(app, { TRUSTED_PROXIES: '1' });
      try {
        for (const value of HOSTILE.slice(0, 8)) {
          const lines = [
            `X-Forwarded-For: ${[value, '192.0.2.44'].filter((part) => part.trim()).join(', ')}`,
          ];
          expect(await sourceOf(behind.port, host, lines), value).to.equal('192.0.2.44');
        }
        expect(await sourceOf(behind.port, host, [])).to.equal('127.0.0.1');
      } finally {
        await behind.close();
      }
    });
  });
});

describe('health', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());

  const get = async (path: string) => {
    const answer = await fetch(`${app.issuer}${path}`);
    return { status: answer.status, body: await answer.json(), cache: answer.headers.get('cache-control') };
  };

  it('tells that the process answers, to any host', async () => {
    expect(await get('/healthz')).to.deep.equal({ status: 200, body: { status: 'ok' }, cache: 'no-store' });
    const answer = await sendRaw(Number(new URL(app.issuer).port), [
      'GET /healthz HTTP/1.1',
      'Host: 10.0.0.7',
    ]);
    expect(answer.status).to.equal(200);
  });

  it('tells that the database answers, with the schema that this code needs', async () => {
    expect(await get('/readyz')).to.deep.equal({ status: 200, body: { status: 'ready' }, cache: 'no-store' });
    const { knex } = app.database;
    const last = await knex('migrations').orderBy('id', 'desc').first();
    await knex('migrations').where({ id: last.id }).delete();
    expect(await get('/readyz')).to.include({ status: 503 });
    await knex('migrations').insert(last);
    expect(await get('/readyz')).to.include({ status: 200 });
  });

  it('tells that the database is away, and nothing of where it is', async () => {
    const knex = openKnex({ url: 'postgres://someone:hush@127.0.0.1:1/nowhere', poolMax: 1 });
    const koa = new Koa();
    koa.use(healthRoutes({ ...app.deps, knex }));
    const server = createServer(koa.callback());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const ready = await fetch(`${base}/readyz`);
      expect(ready.status).to.equal(503);
      expect(await ready.json()).to.deep.equal({ status: 'database away' });
      expect((await fetch(`${base}/healthz`)).status).to.equal(200);
    } finally {
      server.closeAllConnections();
      server.close();
      await knex.destroy();
    }
  });
});
