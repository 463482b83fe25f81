import { expect } from 'chai';
import { DOCUMENT_PATHS } from '../../src/openid/documents.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { headerOf, type RawAnswer, sendRaw } from '../support/raw.ts';
import { startUnder } from '../support/under.ts';

describe('kept documents', () => {
  let app: TestApp;
  let host: string;
  before(async () => {
    app = await startTestApp();
    host = new URL(app.issuer).host;
  });
  after(() => app.close());

  /** Everything that may be compared: the date and the nonce are new each time. */
  const comparable = ({ status, headers, text }: RawAnswer) => ({
    status,
    headers: headers
      .filter(([name]) => name !== 'date')
      .map(([name, value]) => `${name}: ${value.replace(/'nonce-[\w-]+'/, "'nonce'")}`),
    text,
  });
  const get = (port: number, path: string, ...lines: string[]) =>
    sendRaw(port, [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines]);

  const REQUESTS: readonly (readonly [string, readonly string[]])[] = [
    ['a plain request', []],
    ['another origin', ['Origin: https://messagerie.example.test']],
    ['an empty origin', ['Origin:']],
    ['a conditional request', ['If-None-Match: *', 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT']],
    ['another type wanted', ['Accept: text/html', 'Accept-Language: en', 'Cookie: langue=en']],
    ['what a proxy forwards', ['X-Forwarded-Host: evil.test', 'X-Forwarded-Proto: https']],
  ];

  for (const path of DOCUMENT_PATHS) {
    for (const [name, lines] of REQUESTS) {
      it(`are those of the engine: ${path}, ${name}`, async () => {
        const fresh = await startUnder(app, {});
        try {
          const engine = await get(fresh.port, path, ...lines);
          const kept = await get(fresh.port, path, ...lines);
          expect(engine.status).to.equal(200);
          expect(comparable(kept)).to.deep.equal(comparable(engine));
        } finally {
          await fresh.close();
        }
      });
    }
  }

  it('do not remember who asked first', async () => {
    const fresh = await startUnder(app, {});
    try {
      await get(fresh.port, '/jwks', 'Origin: https://first.example.test');
      const [other, none] = [
        await get(fresh.port, '/jwks', 'Origin: https://second.example.test'),
        await get(fresh.port, '/jwks'),
      ];
      expect(headerOf(other, 'access-control-allow-origin')).to.equal('https://second.example.test');
      expect(headerOf(none, 'access-control-allow-origin')).to.equal('*');
      expect(headerOf(none, 'vary')).to.match(/\bOrigin\b/);
    } finally {
      await fresh.close();
    }
  });

  it('have a nonce of their own in every answer', async () => {
    const [port] = app.nodePorts as [number];
    const policies = new Set<string>();
    for (let index = 0; index < 4; index += 1) {
      policies.add(headerOf(await get(port, '/jwks'), 'content-security-policy') ?? '');
    }
    expect(policies.size).to.equal(4);
  });

  it('leave other methods, addresses and hosts to those that answer them', async () => {
    const [port] = app.nodePorts as [number];
    const [path] = DOCUMENT_PATHS as [string];
    await get(port, path);
    await get(port, path);
    const send = (line: string, ...lines: string[]) => sendRaw(port, [`${line} HTTP/1.1`, ...lines]);
    const mine = `Host: ${host}`;

    const head = await send(`HEAD ${path}`, mine);
    expect([head.status, head.text]).to.deep.equal([200, '']);
    const preflight = await send(
      `OPTIONS ${path}`,
      mine,
      'Origin: https://messagerie.example.test',
      'Access-Control-Request-Method: GET',
    );
    expect(preflight.status).to.equal(204);
    expect(headerOf(preflight, 'access-control-allow-methods')).to.equal('GET');
    expect((await send(`GET ${path}`, 'Host: evil.test')).status).to.equal(421);
    const english = await send(`GET ${path}?langue=en`, mine);
    expect(headerOf(english, 'set-cookie')).to.match(/^langue=en/);
  });
});
