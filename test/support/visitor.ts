/** A browser without a screen: cookies, redirects one at a time, and the forms of the page it is on. */
import { CookieJar } from 'tough-cookie';
import type { TestApp } from './app.ts';

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const decode = (text: string): string =>
  text
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');

/** What a person reads: no markup, one space between words. */
export const wordsOf = (page: Page): string =>
  decode(
    page.text.replace(/<(script|style|head|svg)\b[\s\S]*?<\/\1>/g, ' ').replace(/<[^>]+>/g, ' '),
  ).replace(/\s+/g, ' ');

export class Visitor {
  readonly #issuer: string;
  readonly jar = new CookieJar(undefined, { allowSpecialUseDomain: true });
  /** What a proxy writes into X-Forwarded-For of every request. */
  forwardedFor: string | undefined;
  userAgent: string | undefined;

  constructor(issuer: string, forwardedFor?: string) {
    this.#issuer = issuer;
    this.forwardedFor = forwardedFor;
  }

  /** One request, no redirect followed. */
  async request(url: string, init: RequestInit = {}): Promise<Page> {
    const target = new URL(url, this.#issuer).href;
    const headers = new Headers(init.headers);
    const cookie = await this.jar.getCookieString(target);
    if (cookie) headers.set('cookie', cookie);
    if (!headers.has('accept')) headers.set('accept', 'text/html');
    if (this.userAgent) headers.set('user-agent', this.userAgent);
    if (this.forwardedFor) headers.set('x-forwarded-for', this.forwardedFor);
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) await this.jar.setCookie(line, target);
    return { url: target, status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Follows redirects while they stay with the issuer; a redirect elsewhere is returned as it is. */
  async follow(page: Page): Promise<Page> {
    let here = page;
    for (let hops = 0; hops < 10; hops += 1) {
      const location = here.headers.get('location');
      if (here.status < 300 || here.status > 399 || !location) return here;
      const next = new URL(location, here.url);
      if (next.origin !== this.#issuer) return here;
      here = await this.request(next.href);
    }
    throw new Error(`too many redirects at ${here.url}`);
  }

  async get(url: string): Promise<Page> {
    return this.follow(await this.request(url));
  }

  /** Sends a form with the token of `page` to `action`, or to the page itself. */
  send(page: Page, fields: Readonly<Record<string, string>>, action = page.url): Promise<Page> {
    const token = /name="_csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    return this.request(new URL(action, page.url).href, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.#issuer },
      body: new URLSearchParams({ _csrf: token, ...fields }),
    });
  }

  /** Sends the page's first form, or the one whose action ends so, and follows. */
  async submit(page: Page, fields: Readonly<Record<string, string>>, actionEnd = ''): Promise<Page> {
    const actions = [...page.text.matchAll(/<form\b[^>]*>/g)].map(
      ([tag]) => /\baction="([^"]*)"/.exec(tag)?.[1] ?? page.url,
    );
    const action = actions.find((one) => one.endsWith(actionEnd));
    if (action === undefined) throw new Error(`no form to ${actionEnd} on ${page.url} (${page.status})`);
    return this.follow(await this.send(page, fields, decode(action)));
  }
}

interface SignIn {
  readonly email: string;
  readonly password?: string;
  /** Where the code arrives; the address by default. */
  readonly codeTo?: string;
}

/** Signs in from an authorization URL up to the redirect to the application. */
export async function signIn(
  app: TestApp,
  visitor: Visitor,
  authorizationUrl: string,
  { email, password = 'demo-caducee-2026', codeTo = email }: SignIn,
): Promise<Page> {
  const form = await visitor.get(authorizationUrl);
  const { result: codePage, code } = await app.codeSentBy(codeTo, () =>
    visitor.submit(form, { email, password }),
  );
  return visitor.submit(codePage, { code }, '/code');
}
