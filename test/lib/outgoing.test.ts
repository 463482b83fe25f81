import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import {
  type AllowedHost,
  createOutgoing,
  isAllowedAddress,
  parseAllowedHost,
} from '../../src/lib/outgoing.ts';

const hosts = (...texts: string[]) => texts.map((text) => parseAllowedHost(text) as AllowedHost);

describe('an outgoing request', () => {
  it('knows host names, addresses and networks', () => {
    for (const text of [
      'localhost',
      'messagerie.chu.example',
      '10.0.0.0/8',
      '10.20.30.40',
      'fd00::/8',
      '::1',
    ])
      expect(parseAllowedHost(text), text).not.to.equal(undefined);
    for (const text of [
      '',
      '*',
      '*.example',
      'http://a.test',
      'a.test:443',
      '10.0.0.0/33',
      '10.0.0',
      '999.1.1.1',
      'a b',
      '-a',
    ])
      expect(parseAllowedHost(text), text).to.equal(undefined);
  });

  it('goes to public addresses, and to private ones that are named', () => {
    const none = hosts();
    for (const address of ['8.8.8.8', '2a01:e0a::1', '::ffff:8.8.8.8'])
      expect(isAllowedAddress(address, none), address).to.equal(true);
    for (const address of [
      ...['127.0.0.1', '0.0.0.0', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
      ...['198.18.0.1', '192.0.2.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fd00::1'],
      ...[
        '::ffff:127.0.0.1',
        '::ffff:a9fe:a9fe',
        '64:ff9b::a00:1',
        '2002:7f00:1::',
        'ff02::1',
        '2001:db8::1',
      ],
    ])
      expect(isAllowedAddress(address, none), address).to.equal(false);
    const own = hosts('10.20.0.0/16', 'fd00:1::/32', '127.0.0.1');
    for (const address of ['10.20.3.4', '::ffff:10.20.3.4', 'fd00:1::7', '127.0.0.1'])
      expect(isAllowedAddress(address, own), address).to.equal(true);
    for (const address of ['10.21.0.1', 'fd00:2::7', '127.0.0.2', '169.254.169.254'])
      expect(isAllowedAddress(address, own), address).to.equal(false);
  });

  describe('on this machine', () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      if (request.url === '/away') response.writeHead(302, { location: '/' }).end();
      else response.end('here');
    });
    let port: number;
    before(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      port = (server.address() as AddressInfo).port;
    });
    after(() => server.close());
    beforeEach(() => {
      asked = 0;
    });

    /** @returns the status, or the name of the error that says why there is none. */
    async function ask(url: string, ...allowed: string[]): Promise<number | string> {
      const outgoing = createOutgoing(hosts(...allowed));
      try {
        const response = await outgoing.fetch(url);
        await response.text();
        return response.status;
      } catch (error) {
        const { name, cause } = error as Error & { cause?: Error };
        return cause?.name ?? name;
      } finally {
        await outgoing.close();
      }
    }

    it('is made when its name or its address is allowed', async () => {
      expect(await ask(`http://localhost:${port}/`, 'localhost')).to.equal(200);
      expect(await ask(`http://localhost:${port}/`, '127.0.0.0/8', '::1')).to.equal(200);
      expect(await ask(`http://127.0.0.1:${port}/`, '127.0.0.1')).to.equal(200);
      expect(asked).to.equal(3);
    });

    it('is refused by any other name, however the address is written', async () => {
      for (const host of [
        'localhost',
        '127.0.0.1',
        '2130706433',
        '0x7f.1',
        '127.1',
        '[::1]',
        '[::ffff:127.0.0.1]',
      ])
        expect(await ask(`http://${host}:${port}/`, '10.0.0.0/8', 'elsewhere.test'), host).to.equal(
          'RefusedAddressError',
        );
      expect(asked).to.equal(0);
    });

    it('follows no redirect', async () => {
      expect(await ask(`http://localhost:${port}/away`, 'localhost')).to.equal(302);
      expect(asked).to.equal(1);
    });
  });
});
