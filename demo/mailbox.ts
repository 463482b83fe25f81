/**
 * Where every e-mail and SMS of the demo and of the tests arrives.
 *
 * Owns: an SMTP server that accepts everything, what it received (in memory, the last thousand), a page to read it
 * and `/messages.json` for scripts. Leaves to others: sending, and what is said.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Router from '@koa/router';
import Koa from 'koa';
import nunjucks from 'nunjucks';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export type Message = {
  channel: 'email' | 'sms';
  /** An e-mail address without brackets, or a phone number in E.164. */
  to: string;
  /** Null for an SMS. */
  subject: string | null;
  /** The text part. */
  text: string;
  /** When it arrived here, ISO 8601 to the millisecond: a mail's own date only knows the second. */
  sentAt: string;
};

export type MailboxOptions = {
  /** 0 takes any free port. */
  httpPort: number;
  smtpPort: number;
  host?: string;
};

export type Mailbox = {
  /** The page for people; `/messages.json` below it is for scripts. */
  url: string;
  smtpUrl: string;
  /** Takes an SMS; one with an `id` already seen is passed over, as an operator would. */
  receiveSms(sms: { to: string; text: string; id?: string }): void;
  /** Newest first. */
  messages(): Message[];
  clear(): void;
  /**
   * Refuses the next `count` mails for now (451, after their content).
   * With `kept`, they arrive all the same: as when the sender misses the answer and tries again.
   */
  failNext(count: number, options?: { kept?: boolean }): void;
  /** From now on each mail is answered after this many milliseconds. */
  delay(milliseconds: number): void;
  close(): Promise<void>;
};

/** With the HTML part of a mail, which only the page for people shows. */
type Kept = Message & { html?: string | undefined };

const asListed = ({ html: _, ...message }: Kept): Message => message;

const CAPACITY = 1000;
const REFRESH_SECONDS = 4;

/** Starts the mailbox. Throws when a port is taken. */
export async function startMailbox({
  httpPort,
  smtpPort,
  host = '127.0.0.1',
}: MailboxOptions): Promise<Mailbox> {
  let received: Kept[] = [];
  const seen = new Set<string>();
  let failures = 0;
  let keepFailed = false;
  let delayMs = 0;

  const receive = (message: Omit<Kept, 'sentAt'>, id: string | undefined) => {
    if (id !== undefined) {
      const key = `${message.channel} ${message.to} ${id}`;
      if (seen.has(key)) return;
      seen.add(key);
      const oldest = seen.values().next().value;
      if (seen.size > CAPACITY && oldest !== undefined) seen.delete(oldest);
    }
    received = [{ ...message, sentAt: new Date().toISOString() }, ...received].slice(0, CAPACITY);
  };

  /** One entry per recipient of the envelope: what each of their mailboxes would hold. */
  const deliver = async (source: Buffer, recipients: string[]) => {
    const mail = await PostalMime.parse(source);
    for (const to of recipients) {
      const text = (mail.text ?? mail.html ?? '').replaceAll('\r\n', '\n').trimEnd();
      receive({ channel: 'email', to, subject: mail.subject ?? '', text, html: mail.html }, mail.messageId);
    }
  };

  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 200,
    async onData(stream, session, answer) {
      try {
        const source = Buffer.concat(await stream.toArray());
        await sleep(delayMs);
        const fails = failures > 0;
        if (fails) failures -= 1;
        const recipients = session.envelope.rcptTo.map(({ address }) => address);
        if (!fails || keepFailed) await deliver(source, recipients);
        if (fails) throw new Error('Try again later');
        answer();
      } catch (error) {
        answer(Object.assign(error as Error, { responseCode: 451 }));
      }
    },
  });
  // A client that hangs up is its own affair; a port that is taken is told by listen() below.
  smtp.on('error', () => undefined);

  const router = new Router();
  router.get('/messages.json', (ctx) => {
    ctx.body = received.map(asListed);
  });
  router.delete('/messages.json', (ctx) => {
    received = [];
    ctx.status = 204;
  });
  router.get('/', (ctx) => {
    const paused = ctx.query.pause !== undefined;
    if (!paused) ctx.set('Refresh', String(REFRESH_SECONDS));
    ctx.set(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'",
    );
    ctx.type = 'html';
    ctx.body = pages.renderString(PAGE, { paused, messages: received.map(readable), css: CSS });
  });
  const app = new Koa();
  app.use(async (ctx, next) => {
    ctx.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    await next();
  });
  app.use(router.routes());
  const http = createServer(app.callback());

  const close = async () => {
    http.closeAllConnections();
    await Promise.all([
      new Promise<void>((done) => (http.listening ? http.close(() => done()) : done())),
      new Promise<void>((done) => (smtp.server.listening ? smtp.close(() => done()) : done())),
    ]);
  };
  try {
    await new Promise<void>((done, fail) => {
      http.once('error', fail);
      http.listen(httpPort, host, done);
    });
    await new Promise<void>((done, fail) => {
      smtp.server.once('error', fail);
      smtp.listen(smtpPort, host, done);
    });
  } catch (error) {
    await close();
    throw error;
  }
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

  return {
    url: `http://${host}:${portOf(http)}`,
    smtpUrl: `smtp://${host}:${portOf(smtp.server)}`,
    receiveSms: ({ to, text, id }) => receive({ channel: 'sms', to, subject: null, text }, id),
    messages: () => received.map(asListed),
    clear() {
      received = [];
    },
    failNext(count, { kept = false } = {}) {
      failures = count;
      keepFailed = kept;
    },
    delay(milliseconds) {
      delayMs = milliseconds;
    },
    close,
  };
}

// ---------------------------------------------------------------------------------------------- the page

type Piece = { kind: 'text' | 'link' | 'code'; value: string };

function readable(message: Kept) {
  return { ...message, pieces: pieces(message.text), time: TIME.format(new Date(message.sentAt)) };
}

/** Cuts a text at its links, made clickable, and at its one-time codes, selected by one click. */
function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  for (const [index, part] of text.split(/(https?:\/\/[^\s<>"]+)/).entries()) {
    if (index % 2 === 1) found.push({ kind: 'link', value: part });
    else {
      for (const [position, value] of part.split(/(?<![\d+-])(\d{6,8})(?![\d-])/).entries()) {
        found.push({ kind: position % 2 === 1 ? 'code' : 'text', value });
      }
    }
  }
  return found;
}

const TIME = new Intl.DateTimeFormat('fr-FR', {
  dateStyle: 'short',
  timeStyle: 'medium',
  timeZone: 'Europe/Paris',
});

const pages = new nunjucks.Environment(null, { autoescape: true });

const CSS = `
  :root { color-scheme: light dark; --ink: #1d2b2f; --soft: #5b6a6e; --paper: #fbfaf7; --card: #fff; --brand: #135e63; --line: #d9dfde; --tint: #e8f1f0 }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6efef; --soft: #9fb1b5; --paper: #0f1c1f; --card: #16272b; --brand: #9ad7cf; --line: #2c4046; --tint: #1d3438 }
  }
  * { box-sizing: border-box }
  body { margin: 0 auto; padding: 24px 16px; max-width: 760px; background: var(--paper); color: var(--ink); font: 17px/1.5 system-ui, sans-serif }
  a { color: var(--brand) }
  :focus-visible { outline: 3px solid var(--brand); outline-offset: 2px }
  .soft { color: var(--soft) }
  article { background: var(--card); border: 1px solid var(--line); border-radius: 16px; padding: 16px 20px; margin: 16px 0 }
  article h2 { font-size: 1.1rem; margin: 0 0 4px }
  article p { margin: 0; overflow-wrap: anywhere }
  .channel { background: var(--tint); border-radius: 6px; padding: 1px 8px; font-size: .85rem; font-weight: 600 }
  .text { white-space: pre-wrap; margin-top: 12px }
  summary { margin-top: 12px; color: var(--brand); cursor: pointer }
  iframe { width: 100%; height: 560px; margin-top: 8px; border: 1px solid var(--line); border-radius: 8px; background: #fff }
  code { user-select: all; background: var(--tint); border-radius: 6px; padding: 2px 8px; font: 600 1.2rem ui-monospace, monospace; letter-spacing: .08em }
`;

const PAGE = `<!doctype html>
<html lang="fr">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Boîte aux lettres de démonstration</title>
  <style>{{ css | safe }}</style>
</head>
<body>
  <main>
    <h1>Boîte aux lettres</h1>
    <p class="soft">Tous les e-mails et SMS de la démonstration arrivent ici, et ne partent pas plus loin.
      Un clic sur un code le sélectionne en entier.
      {% if paused %}<a href="/">Reprendre l’actualisation</a>
      {% else %}La page s’actualise d’elle-même. <a href="/?pause">Suspendre l’actualisation</a>{% endif %}</p>
    {% for message in messages %}
    <article>
      <h2>{{ message.subject or ('SMS' if message.channel == 'sms' else '(sans objet)') }}</h2>
      <p class="soft"><span class="channel">{{ 'SMS' if message.channel == 'sms' else 'E-mail' }}</span>
        à <strong>{{ message.to }}</strong>, <time datetime="{{ message.sentAt }}">{{ message.time }}</time></p>
      <p class="text">
        {%- for piece in message.pieces -%}
          {%- if piece.kind == 'link' %}<a href="{{ piece.value }}">{{ piece.value }}</a>
          {%- elif piece.kind == 'code' %}<code>{{ piece.value }}</code>
          {%- else %}{{ piece.value }}{% endif -%}
        {%- endfor -%}
      </p>
      {% if message.html %}<details>
        <summary>Version mise en forme</summary>
        <iframe sandbox title="Version mise en forme de « {{ message.subject }} »" srcdoc="{{ message.html }}"></iframe>
      </details>{% endif %}
    </article>
    {% else %}
    <p>Aucun message pour l’instant.</p>
    {% endfor %}
  </main>
</body>
</html>
`;
