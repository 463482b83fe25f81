import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect } from 'chai';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { isLoopbackHost, UndeliverableError } from '../../src/messages/sms.ts';
import { createSmtpTransport, type MailTransport } from '../../src/messages/smtp.ts';

const mail = {
  id: '0197f3c2-0000-7000-8000-000000000001',
  to: 'zoe.essai@example.test',
  subject: 'Votre code à usage unique',
  text: 'Votre code : 123456\n',
  html: '<p>Votre code : <strong>123456</strong></p>',
};
const from = 'Caducée <ne-pas-repondre@caducee.example>';

type Received = { from: string; to: string[]; raw: Buffer; user: string | undefined };

describe('SMTP transport', () => {
  let server: SMTPServer;
  let port: number;
  let received: Received[] = [];
  let transport: MailTransport;

  before(async () => {
    server = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) =>
        password === 'p@ss:word/é' ? done(null, { user: username }) : done(new Error('no')),
      onRcptTo: ({ address }, _session, done) => {
        if (!address.startsWith('unknown')) return done();
        const refused = Object.assign(new Error('no such user'), { responseCode: 550 });
        return done(refused);
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          received.push({
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
            raw: Buffer.concat(chunks),
            user: session.user,
          });
          done();
        });
      },
    });
    server.on('error', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    port = (server.server.address() as AddressInfo).port;
    transport = createSmtpTransport({ url: `smtp://127.0.0.1:${port}`, from, requireTls: true });
  });
  beforeEach(() => {
    received = [];
  });
  after(async () => {
    transport.close();
    await new Promise<void>((resolve) => server.close(resolve));
  });

  it('sends one message, in text and HTML, marked as automatic', async () => {
    await transport.send(mail);
    const [message] = received;
    expect(message?.from).to.equal('ne-pas-repondre@caducee.example');
    expect(message?.to).to.deep.equal([mail.to]);
    const parsed = await PostalMime.parse(message?.raw ?? '');
    expect(parsed.subject).to.equal(mail.subject);
    expect(parsed.from).to.deep.include({ name: 'Caducée', address: 'ne-pas-repondre@caducee.example' });
    expect(parsed.to?.map(({ address }) => address)).to.deep.equal([mail.to]);
    expect(parsed.text?.trim()).to.equal(mail.text.trim());
    expect(parsed.html?.trim()).to.equal(mail.html);
    expect(parsed.attachments).to.deep.equal([]);
    const headers = new Map(parsed.headers.map(({ key, value }) => [key, value]));
    expect(headers.get('auto-submitted')).to.equal('auto-generated');
    expect(headers.has('x-mailer')).to.equal(false);
  });

  it('keeps the Message-ID over retries', async () => {
    await transport.send(mail);
    await transport.send(mail);
    const ids = await Promise.all(received.map(async ({ raw }) => (await PostalMime.parse(raw)).messageId));
    expect(ids).to.deep.equal([`<${mail.id}@caducee.example>`, `<${mail.id}@caducee.example>`]);
  });

  it('lets no header out of a subject', async () => {
    await transport.send({ ...mail, subject: 'Bonjour\r\nBcc: eve@evil.example' });
    const parsed = await PostalMime.parse(received[0]?.raw ?? '');
    expect(parsed.bcc).to.equal(undefined);
    expect(received[0]?.to).to.deep.equal([mail.to]);
  });

  const recipients = [
    'a@good.example, b@evil.example',
    'a@good.example\r\nRCPT TO:<b@evil.example>',
    '"xclow3n@gmail.com x"@internal.example',
    'Ana <a@good.example>',
    'group: a@good.example;',
    `${'g:'.repeat(100)}a@good.example;`,
    '',
  ];
  for (const to of recipients)
    it(`sends nothing to ${JSON.stringify(to.slice(0, 45))}`, async () => {
      const error = await transport.send({ ...mail, to }).catch((thrown) => thrown);
      expect(error).to.be.instanceOf(UndeliverableError);
      expect(received).to.deep.equal([]);
    });

  it('reports the reply code of a refused recipient', async () => {
    const error = await transport.send({ ...mail, to: 'unknown@example.test' }).catch((thrown) => thrown);
    expect(error).to.have.property('responseCode', 550);
    await transport.send(mail);
    expect(received).to.have.length(1);
  });

  it('signs in with the percent-decoded credentials of the URL', async () => {
    const password = encodeURIComponent('p@ss:word/é');
    const signedIn = createSmtpTransport({ url: `smtp://caducee:${password}@127.0.0.1:${port}`, from });
    try {
      await signedIn.send(mail);
      expect(received[0]?.user).to.equal('caducee');
    } finally {
      signedIn.close();
    }
  });

  it('sends nothing in clear to another machine when TLS is required', async function () {
    const address = Object.values(networkInterfaces())
      .flatMap((interfaces) => interfaces ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (address === undefined) return this.skip();
    let envelopes = 0;
    const plain = new SMTPServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      onMailFrom: (_address, _session, done) => {
        envelopes++;
        done();
      },
    });
    plain.on('error', () => {});
    await new Promise<void>((resolve) => plain.listen(0, address, () => resolve()));
    const url = `smtp://${address}:${(plain.server.address() as AddressInfo).port}?ignoreTLS=true`;
    const strict = createSmtpTransport({ url, from, requireTls: true });
    const error = await strict.send(mail).catch((thrown) => thrown);
    strict.close();
    await new Promise<void>((resolve) => plain.close(resolve));
    expect(error).to.be.instanceOf(Error);
    expect(envelopes).to.equal(0);
  });

  it('fails when nothing listens', async () => {
    const nowhere = createSmtpTransport({ url: 'smtp://127.0.0.1:1', from });
    const error = await nowhere.send(mail).catch((thrown) => thrown);
    nowhere.close();
    expect(error).to.have.property('code');
  });

  it('refuses a URL of another scheme and a sender without address', () => {
    expect(() => createSmtpTransport({ url: 'http://localhost:25', from })).to.throw();
    expect(() => createSmtpTransport({ url: 'smtp://localhost:25', from: 'Caducée' })).to.throw();
  });

  const hosts: [string, boolean][] = [
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['::1', true],
    ['[::1]', true],
    ['smtp.example.test', false],
    ['127.evil.test', false],
    ['localhost.evil.test', false],
    ['10.0.0.1', false],
  ];
  for (const [host, loopback] of hosts)
    it(`takes ${host} for ${loopback ? 'this machine' : 'another machine'}`, () => {
      expect(isLoopbackHost(host)).to.equal(loopback);
    });
});
