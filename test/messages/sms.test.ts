import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createHttpsSmsDriver, SmsNotSentError, UndeliverableError } from '../../src/messages/sms.ts';

const sms = { id: '0197f3c2-0000-7000-8000-000000000001', to: '+33639980012', text: 'Votre code : 123456 é' };

describe('HTTPS SMS driver', () => {
  let server: Server;
  let url: string;
  let status = 202;
  let received: { path: string; headers: IncomingHttpHeaders; body: string }[] = [];

  before(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        received.push({ path: request.url ?? '', headers: request.headers, body });
        if (status === 0) return;
        response.writeHead(status, { location: '/elsewhere' }).end('an answer that quotes +33639980012');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms`;
  });
  beforeEach(() => {
    status = 202;
    received = [];
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('posts the SMS as signed JSON', async () => {
    await createHttpsSmsDriver({ url, secret: 's3cret' }).send(sms);
    const [request] = received;
    expect(received).to.have.length(1);
    expect(JSON.parse(request?.body ?? '')).to.deep.equal(sms);
    const timestamp = String(request?.headers['caducee-timestamp']);
    const expected = createHmac('sha256', 's3cret').update(`${timestamp}.${request?.body}`).digest('hex');
    expect(request?.headers['caducee-signature']).to.equal(`v1=${expected}`);
    expect(request?.headers['idempotency-key']).to.equal(sms.id);
    expect(request?.headers['content-type']).to.equal('application/json');
    expect(Math.abs(Date.now() / 1000 - Number(timestamp))).to.be.lessThan(5);
  });

  const answers: [number, typeof UndeliverableError | typeof SmsNotSentError][] = [
    [400, UndeliverableError],
    [401, SmsNotSentError],
    [404, UndeliverableError],
    [422, UndeliverableError],
    [408, SmsNotSentError],
    [429, SmsNotSentError],
    [302, SmsNotSentError],
    [307, SmsNotSentError],
    [500, SmsNotSentError],
    [503, SmsNotSentError],
  ];
  for (const [answered, kind] of answers)
    it(`throws ${kind.name} on ${answered}, without following or quoting the answer`, async () => {
      status = answered;
      const error = await createHttpsSmsDriver({ url, secret: 's' })
        .send(sms)
        .catch((thrown) => thrown);
      expect(error).to.be.instanceOf(kind);
      expect(error.code).to.equal(`HTTP ${answered}`);
      expect(received.map(({ path }) => path)).to.deep.equal(['/sms']);
      expect(`${error.stack}${JSON.stringify(error)}`).not.to.match(/639980012|123456/);
    });

  it('gives up waiting and can be tried again', async () => {
    status = 0;
    const driver = createHttpsSmsDriver({ url, secret: 's', timeoutMs: 50 });
    const error = await driver.send(sms).catch((thrown) => thrown);
    expect(error).to.be.instanceOf(SmsNotSentError);
    expect(error.code).to.equal('TIMEOUT');
  });

  it('can be tried again when nothing listens', async () => {
    const driver = createHttpsSmsDriver({ url: 'http://127.0.0.1:1/sms', secret: 's' });
    const error = await driver.send(sms).catch((thrown) => thrown);
    expect(error).to.be.instanceOf(SmsNotSentError);
    expect(error.code).to.equal('NETWORK');
  });

  const urls: [string, boolean][] = [
    ['https://sms.example.test/v1', true],
    ['http://localhost:3006/sms', true],
    ['http://[::1]:3006/sms', true],
    ['http://sms.example.test/v1', false],
    ['http://127.evil.test/v1', false],
    ['http://localhost.evil.test/v1', false],
    ['ftp://localhost/v1', false],
    ['https://user:password@sms.example.test/v1', false],
    ['not a url', false],
  ];
  for (const [candidate, accepted] of urls)
    it(`${accepted ? 'takes' : 'refuses'} the gateway ${candidate}`, () => {
      const create = () => createHttpsSmsDriver({ url: candidate, secret: 's' });
      if (accepted) expect(create).not.to.throw();
      else expect(create).to.throw();
    });
});
