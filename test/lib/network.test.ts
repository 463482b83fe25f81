import { expect } from 'chai';
import { networkOf, parseAddress } from '../../src/lib/network.ts';

const ADDRESSES: readonly [text: string, address: string | undefined][] = [
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:51234', '203.0.113.7'],
  ['[203.0.113.7]', '203.0.113.7'],
  ['2001:DB8::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:51234', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%eth0]:443', 'fe80::1'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::FFFF:203.0.113.7', '203.0.113.7'],
  ['[::ffff:203.0.113.7]:51234', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
  ['2001:0db8:0:0::01', '2001:db8::1'],
  ['::1', '::1'],
  ['::', '::'],
  ['', undefined],
  ['unknown', undefined],
  ['_hidden', undefined],
  ['localhost', undefined],
  ['203.0.113', undefined],
  ['203.0.113.256', undefined],
  ['203.0.113.07', undefined],
  ['203.0.113.7:', undefined],
  ['203.0.113.7:x', undefined],
  ['203.0.113.7 ', undefined],
  ['203.0.113.7, 198.51.100.1', undefined],
  ['[203.0.113.7', undefined],
  ['[]', undefined],
  ['[2001:db8::1]51234', undefined],
  ['2001:db8:::1', undefined],
  ['2001:db8::1::2', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['::ffff:203.0.113.256', undefined],
  ["203.0.113.7'; --", undefined],
];

const NETWORKS: readonly [address: string, network: string][] = [
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002:0:0:0:9', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001::', '2001:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
  ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
  ['unknown', 'unknown'],
];

describe('a client address', () => {
  for (const [text, address] of ADDRESSES) {
    it(`« ${text} » is ${address ?? 'none'}`, () => {
      expect(parseAddress(text)).to.equal(address);
    });
  }

  for (const [address, network] of NETWORKS) {
    it(`${address} counts as ${network}`, () => {
      expect(networkOf(address)).to.equal(network);
    });
  }
});
