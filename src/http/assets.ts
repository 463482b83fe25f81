import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type Koa from 'koa';

export type Assets = {
  /** The address of an asset, which changes whenever its content does. */
  url(name: string): string;
  middleware: Koa.Middleware;
};

type Asset = { type: string; etag: string; body: Buffer };

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.woff2': 'font/woff2',
};

const PREFIX = '/assets/';
const FOR_EVER = 'public, max-age=31536000, immutable';
const A_DAY = 'public, max-age=86400';

const own = (name: string) => new URL(`../../views/assets/${name}`, import.meta.url);
const fromPackage = (name: string, path: string) =>
  join(dirname(findPackageJSON(name, import.meta.url) as string), path);

const WEBAUTHN = '@simplewebauthn/browser';
const FONT = '@fontsource-variable/atkinson-hyperlegible-next';

/** The order counts: a stylesheet comes after what it refers to. */
const SOURCES: { name: string; files: (string | URL)[] }[] = [
  {
    name: 'atkinson-latin.woff2',
    files: [fromPackage(FONT, 'files/atkinson-hyperlegible-next-latin-wght-normal.woff2')],
  },
  {
    name: 'atkinson-latin-ext.woff2',
    files: [fromPackage(FONT, 'files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2')],
  },
  { name: 'mark.svg', files: [own('mark.svg')] },
  { name: 'caducee.js', files: [own('caducee.js')] },
  // For the pages that make or use a passkey alone. The library first: it leaves its functions in a global.
  {
    name: 'passkeys.js',
    files: [fromPackage(WEBAUTHN, 'dist/bundle/index.umd.min.js'), own('passkeys.js')],
  },
  // One stylesheet, one request: the reset travels in front of the design that stands on it.
  {
    name: 'caducee.css',
    files: [fromPackage('modern-normalize', 'modern-normalize.css'), own('caducee.css')],
  },
];

export function loadAssets(): Assets {
  const urls = new Map<string, string>();
  const byPath = new Map<string, Asset>();

  const url = (name: string) => {
    const found = urls.get(name);
    if (found === undefined) throw new Error(`No asset is called ${name}`);
    return found;
  };

  for (const { name, files } of SOURCES) {
    const extension = extname(name);
    let body = Buffer.concat(files.map((file) => readFileSync(file)));
    if (extension === '.css') {
      const text = body.toString('utf8').replace(/url\("asset:([^"]+)"\)/g, (_, to) => `url("${url(to)}")`);
      body = Buffer.from(text, 'utf8');
    }
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
    const path = `${PREFIX}${name.slice(0, -extension.length)}.${hash}${extension}`;
    urls.set(name, path);
    byPath.set(path, { type: TYPES[extension]!, etag: `"${hash}"`, body });
  }
  const mark = byPath.get(url('mark.svg'))!;

  return {
    url,
    middleware: async (ctx, next) => {
      const favicon = ctx.path === '/favicon.ico' || ctx.path === '/favicon.svg';
      const asset = favicon ? mark : byPath.get(ctx.path);
      if (asset === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
      ctx.status = 200;
      ctx.set('Cache-Control', favicon ? A_DAY : FOR_EVER);
      ctx.set('ETag', asset.etag);
      ctx.set('X-Content-Type-Options', 'nosniff');
      if (ctx.fresh) {
        ctx.status = 304;
        return;
      }
      ctx.set('Content-Type', asset.type);
      ctx.body = asset.body;
    },
  };
}
