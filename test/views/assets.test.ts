import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import Koa from 'koa';
import { loadAssets } from '../../src/http/assets.ts';

describe('assets', () => {
  const assets = loadAssets();
  const app = new Koa().use(assets.middleware);
  let server: ReturnType<typeof app.listen>;
  let origin: string;

  before(async () => {
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  for (const [name, type] of [
    ['caducee.css', 'text/css; charset=utf-8'],
    ['caducee.js', 'text/javascript; charset=utf-8'],
    ['mark.svg', 'image/svg+xml; charset=utf-8'],
    ['atkinson-latin.woff2', 'font/woff2'],
    ['atkinson-latin-ext.woff2', 'font/woff2'],
  ] as const)
    it(`serve ${name} for ever under its own content's address`, async () => {
      const url = assets.url(name);
      const [stem, extension] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.'))];
      expect(url.startsWith(`/assets/${stem}.`) && url.endsWith(extension)).to.equal(true);
      const answer = await fetch(origin + url);
      expect(answer.status).to.equal(200);
      expect(answer.headers.get('content-type')).to.equal(type);
      expect(answer.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
      expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
      const length = (await answer.arrayBuffer()).byteLength;
      expect(length).to.be.greaterThan(0);

      const head = await fetch(origin + url, { method: 'HEAD' });
      expect(head.status).to.equal(200);
      expect(Number(head.headers.get('content-length'))).to.equal(length);

      const known = await fetch(origin + url, {
        // « no-cache », which fetch would add, asks for the whole answer.
        headers: { 'If-None-Match': answer.headers.get('etag')!, 'Cache-Control': 'max-age=0' },
      });
      expect(known.status).to.equal(304);
    });

  it('let the stylesheet find its fonts and fetch nothing elsewhere', async () => {
    const css = await (await fetch(origin + assets.url('caducee.css'))).text();
    const urls = [...css.matchAll(/url\("([^"]*)"\)/g)].map((found) => found[1]!);
    expect(urls).to.have.members([
      assets.url('atkinson-latin.woff2'),
      assets.url('atkinson-latin-ext.woff2'),
    ]);
    expect(css.replace(/\/\*.*?\*\//gs, '')).to.not.match(/asset:|@import|https?:/);
  });

  it('answer the browsers that ask for an icon unasked', async () => {
    const answer = await fetch(`${origin}/favicon.ico`);
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-type')).to.contain('image/svg+xml');
    expect(answer.headers.get('cache-control')).to.equal('public, max-age=86400');
  });

  it('leave everything else to others', async () => {
    const old = assets.url('caducee.css').replace(/\.[0-9a-f]{16}\./, '.0000000000000000.');
    for (const path of [old, '/assets/', '/assets/../package.json', '/assets/%2e%2e/package.json', '/'])
      expect((await fetch(origin + path)).status).to.equal(404);
    expect((await fetch(origin + assets.url('mark.svg'), { method: 'POST' })).status).to.equal(404);
  });

  it('refuse to name what they do not hold', () => {
    expect(() => assets.url('other.css')).to.throw('other.css');
  });
});
