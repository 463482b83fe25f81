/** A browser and its application in one, as cheap as can be: what it costs is taken from what is measured. */
import { createHash } from 'node:crypto';
import { Client, type Dispatcher } from 'undici';
import { DEMO_SCOPE } from '../../seeds/demo/applications.ts';
import { CLIENT_ID, CLIENT_SECRET, emailOf, PASSWORD, REDIRECT_URI, withoutQuestion } from './subject.ts';

export interface Answer {
  readonly status: number;
  readonly location: string;
  readonly text: string;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
}

const VERIFIER = 'a-verifier-of-the-measures-only-that-is-long-enough';
const AUTHORIZE = `/authorize?${new URLSearchParams({
  client_id: CLIENT_ID,
  response_type: 'code',
  redirect_uri: REDIRECT_URI,
  scope: DEMO_SCOPE,
  state: 'state',
  nonce: 'nonce',
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
})}`;
const BASIC = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}`;

/** One connection to one server. */
export class Visitor {
  readonly #client: Client;
  readonly #cookies = new Map<string, string>();
  /** Where this visitor comes from, as the proxy in front would say. */
  source = '192.0.2.1';

  constructor(issuer: string) {
    this.#client = new Client(issuer);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  forgetCookies(): void {
    this.#cookies.clear();
  }

  async request(path: string, options: Partial<Dispatcher.RequestOptions> = {}): Promise<Answer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const { statusCode, headers, body } = await this.#client.request({
      method: 'GET',
      ...options,
      path,
      headers: {
        accept: 'text/html',
        'x-forwarded-for': this.source,
        ...(cookie ? { cookie } : {}),
        ...(options.headers as object | undefined),
      },
    });
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split('=', 2);
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return { status: statusCode, location: String(headers.location ?? ''), text: await body.text() };
  }

  post(path: string, fields: Readonly<Record<string, string>>, headers = {}): Promise<Answer> {
    return this.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** Opens an authorization. @returns the path of its interaction. */
  async authorize(): Promise<string> {
    this.forgetCookies();
    return pathOf(await this.request(AUTHORIZE));
  }

  /** Comes back from the interaction. @returns the code that the application receives. */
  async resume(interacted: Answer): Promise<string> {
    const back = await this.request(pathOf(interacted));
    const code = URL.parse(back.location)?.searchParams.get('code');
    if (!code) throw new Error(`no code: ${back.status} ${back.location} ${back.text.slice(0, 300)}`);
    return code;
  }

  redeem(code: string): Promise<Answer> {
    return this.#token({
      grant_type: 'authorization_code',
      code,
      code_verifier: VERIFIER,
      redirect_uri: REDIRECT_URI,
    });
  }

  async refresh(token: string): Promise<Tokens> {
    return tokensOf(await this.#token({ grant_type: 'refresh_token', refresh_token: token }));
  }

  #token(fields: Readonly<Record<string, string>>): Promise<Answer> {
    return this.post('/token', fields, { authorization: BASIC, accept: 'application/json' });
  }

  /** Signs in without password and code, up to the code that the application receives. */
  async codeWithoutQuestion(person: number): Promise<string> {
    const interaction = await this.authorize();
    return this.resume(await this.request(withoutQuestion(interaction, person), { method: 'POST' }));
  }

  async signInWithoutQuestion(person: number): Promise<Tokens> {
    return tokensOf(await this.redeem(await this.codeWithoutQuestion(person)));
  }

  /** The engine alone: the password, nothing more. */
  async signInWithPassword(person: number): Promise<Tokens> {
    const interaction = await this.authorize();
    const done = await this.post(interaction, { email: emailOf(person), password: PASSWORD });
    return tokensOf(await this.redeem(await this.resume(done)));
  }

  /** Caducée: every page that a person sees, and the code out of the mail. */
  async signInAsPerson(person: number, nextCode: (to: string) => Promise<string>): Promise<Tokens> {
    const interaction = await this.authorize();
    const form = await this.request(interaction);
    const email = emailOf(person);
    const mailed = nextCode(email);
    const sent = await this.post(interaction, { _csrf: csrfOf(form), email, password: PASSWORD });
    const codeForm = await this.request(pathOf(sent));
    const done = await this.post(pathOf(sent), { _csrf: csrfOf(codeForm), code: await mailed });
    return tokensOf(await this.redeem(await this.resume(done)));
  }
}

function pathOf({ status, location, text }: Answer): string {
  if (status !== 303 || !location) throw new Error(`no redirect: ${status} ${text.slice(0, 300)}`);
  const { pathname, search } = new URL(location, 'http://127.0.0.1');
  return pathname + search;
}

function csrfOf({ status, text }: Answer): string {
  const token = /name="_csrf" value="([^"]*)"/.exec(text)?.[1];
  if (!token) throw new Error(`no form: ${status} ${text.slice(0, 300)}`);
  return token;
}

export function tokensOf({ status, text }: Answer): Tokens {
  if (status !== 200) throw new Error(`no tokens: ${status} ${text}`);
  return JSON.parse(text) as Tokens;
}
