import { expect } from 'chai';
import nodemailer from 'nodemailer';
import { type Mailbox, type Message, startMailbox } from '../../demo/mailbox.ts';

describe('demo mailbox', () => {
  let mailbox: Mailbox;
  const mail = (more: object = {}) => ({
    from: 'Caducée <ne-pas-repondre@example.test>',
    to: 'Camille <camille@example.test>',
    subject: 'Votre code à usage unique',
    text: 'Voici votre code : 004217\nhttps://example.test/a?b=1&c=2\n',
    html: '<p>Voici votre code : <b>004217</b></p>',
    ...more,
  });
  const send = (more?: object) => nodemailer.createTransport(mailbox.smtpUrl).sendMail(mail(more));
  const listed = async () => (await (await fetch(`${mailbox.url}/messages.json`)).json()) as Message[];

  beforeEach(async () => {
    mailbox = await startMailbox({ httpPort: 0, smtpPort: 0 });
  });
  afterEach(async () => await mailbox.close());

  it('lists what arrives by SMTP and by SMS, newest first, in the agreed shape', async () => {
    await send();
    mailbox.receiveSms({ to: '+33639980001', text: 'Votre code : 123456', id: 'sms-1' });
    const [sms, email, ...others] = await listed();
    expect(others).to.deep.equal([]);
    expect(sms).to.deep.include({
      channel: 'sms',
      to: '+33639980001',
      subject: null,
      text: 'Votre code : 123456',
    });
    expect(email).to.deep.include({
      channel: 'email',
      to: 'camille@example.test',
      subject: 'Votre code à usage unique',
      text: 'Voici votre code : 004217\nhttps://example.test/a?b=1&c=2',
    });
    for (const message of [sms, email]) {
      expect(Object.keys(message!).sort()).to.deep.equal(['channel', 'sentAt', 'subject', 'text', 'to']);
      expect(new Date(message!.sentAt).toISOString()).to.equal(message!.sentAt);
    }
  });

  it('keeps one copy per recipient, blind ones included', async () => {
    await send({ bcc: 'camille.cabinet@example.test' });
    expect((await listed()).map(({ to }) => to)).to.have.members([
      'camille@example.test',
      'camille.cabinet@example.test',
    ]);
  });

  it('passes over a message it already has', async () => {
    await send({ messageId: '<one@example.test>' });
    await send({ messageId: '<one@example.test>' });
    mailbox.receiveSms({ to: '+33639980001', text: 'un', id: 'one' });
    mailbox.receiveSms({ to: '+33639980001', text: 'un', id: 'one' });
    mailbox.receiveSms({ to: '+33639980001', text: 'deux', id: 'two' });
    expect(await listed()).to.have.length(3);
  });

  it('refuses for now as many mails as it is told', async () => {
    mailbox.failNext(1);
    const refusal = await send().catch((error: { responseCode?: number }) => error);
    expect(refusal).to.have.property('responseCode', 451);
    expect(await listed()).to.deep.equal([]);
    await send();
    expect(await listed()).to.have.length(1);
  });

  it('can keep a mail and hide that it did', async () => {
    mailbox.failNext(1, { kept: true });
    expect(await send({ messageId: '<a@example.test>' }).catch(() => 'refused')).to.equal('refused');
    await send({ messageId: '<a@example.test>' });
    expect(await listed()).to.have.length(1);
  });

  it('keeps the last thousand', () => {
    for (let i = 0; i < 1005; i += 1) mailbox.receiveSms({ to: '+33639980001', text: `n° ${i}`, id: `${i}` });
    expect(mailbox.messages()).to.have.length(1000);
    expect(mailbox.messages()[0]).to.have.property('text', 'n° 1004');
  });

  it('is emptied by DELETE', async () => {
    await send();
    expect((await fetch(`${mailbox.url}/messages.json`, { method: 'DELETE' })).status).to.equal(204);
    expect(await listed()).to.deep.equal([]);
  });

  it('shows a page where codes and links stand out and nothing is taken for markup', async () => {
    await send({ subject: '<script>alert(1)</script>' });
    const answer = await fetch(mailbox.url);
    const page = await answer.text();
    expect(page).to.include('&lt;script&gt;').and.not.include('<script');
    expect(page).to.include('<code>004217</code>');
    expect(page).to.include('<a href="https://example.test/a?b=1&amp;c=2">');
    expect(answer.headers.get('refresh')).to.equal('4');
    expect((await fetch(`${mailbox.url}/?pause`)).headers.get('refresh')).to.equal(null);
  });

  it('shows the formatted version of a mail where nothing in it can run, and gives it to no script', async () => {
    await send({ html: '<p>Code <b>004217</b></p><script>parent.alert(1)</script>' });
    const answer = await fetch(mailbox.url);
    const page = await answer.text();
    expect(page).to.match(/<iframe sandbox title="[^"]+" srcdoc="&lt;p&gt;Code &lt;b&gt;004217/);
    expect(page).not.to.include('<script');
    expect(answer.headers.get('content-security-policy')).to.include("default-src 'none'");
    expect(JSON.stringify(await listed())).not.to.include('<b>');
  });

  it('tells when its port is taken', async () => {
    const httpPort = Number(new URL(mailbox.url).port);
    const outcome = await startMailbox({ httpPort, smtpPort: 0 }).catch((error: { code?: string }) => error);
    expect(outcome).to.have.property('code', 'EADDRINUSE');
  });
});
