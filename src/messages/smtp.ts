import { createTransport } from 'nodemailer';
import { parseEmailAddress } from '../accounts/contacts.ts';
import { isLoopbackHost, UndeliverableError } from './sms.ts';

const CONNECTION_TIMEOUT_MS = 10_000;
const SOCKET_TIMEOUT_MS = 20_000;

export interface MailTransport {
  /** Sends one message to one address. Throws `UndeliverableError` when `to` is not one plain address. */
  send(mail: { id: string; to: string; subject: string; text: string; html: string }): Promise<void>;
  /** Closes the pooled connections. */
  close(): void;
}

/**
 * Sends mail through the SMTP server of `url` (`smtp://user:password@host:587`, with STARTTLS when offered, or
 * `smtps://host:465`). Nothing else of the URL is read: no query parameter can loosen TLS.
 *
 * `from` is a mailbox, `Name <address>` or the address alone. With `requireTls`, plain SMTP to another host than
 * this one fails unless STARTTLS succeeds (RFC 3207). The `Message-ID` (RFC 5322 §3.6.4) comes from the message's
 * `id`, so a message sent twice can be told for one; `Auto-Submitted: auto-generated` (RFC 3834 §5) keeps
 * automatic replies away.
 */
export function createSmtpTransport({
  url,
  from,
  requireTls = false,
}: {
  url: string;
  from: string;
  requireTls?: boolean;
}): MailTransport {
  const server = new URL(url);
  if (server.protocol !== 'smtp:' && server.protocol !== 'smtps:')
    throw new Error('SMTP URL: smtp or smtps expected');
  const domain = /@([^\s<>@]+?)>?\s*$/.exec(from)?.[1];
  if (domain === undefined) throw new Error('mail sender: an address is expected');

  const host = server.hostname.replace(/^\[|\]$/g, '');
  const loopback = isLoopbackHost(host);
  const secure = server.protocol === 'smtps:';
  const transport = createTransport({
    host,
    ...(server.port === '' ? {} : { port: Number(server.port) }),
    ...(server.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(server.username), pass: decodeURIComponent(server.password) } }),
    secure,
    requireTLS: requireTls && !secure && !loopback,
    // A server on this machine seldom has a certificate for "localhost", and nothing leaves the machine.
    ignoreTLS: loopback,
    pool: true,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    greetingTimeout: CONNECTION_TIMEOUT_MS,
    dnsTimeout: CONNECTION_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    async send({ id, to, subject, text, html }) {
      // Parsed again at the door of the mailer: whatever a row holds, one message goes to one address.
      const recipient = parseEmailAddress(to);
      if (!recipient.ok) throw new UndeliverableError('EADDRESS');
      if (!/^[A-Za-z0-9._-]+$/.test(id)) throw new UndeliverableError('EMESSAGEID');
      await transport.sendMail({
        from,
        to: { name: '', address: recipient.value.address },
        subject: subject.replace(/[\p{Cc}\u2028\u2029]+/gu, ' '),
        text,
        html,
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        xMailer: false,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
    },

    close() {
      transport.close();
    },
  };
}
