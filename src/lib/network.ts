/** Client addresses, as proxies write them and as limits count them. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/**
 * The bare address in `text`: without the port that some proxies add, the brackets, the zone, or the IPv4-mapped form of
 * an IPv4 address (RFC 4291 §2.5.5.2). Undefined when it holds none.
 */
export function parseAddress(text: string): string | undefined {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(text) ?? [];
  const [, withPort] = /^([\d.]+):\d+$/.exec(text) ?? [];
  const address = (bracketed ?? withPort ?? text).replace(/%.*$/, '');
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  // One of the many ways to write it (RFC 5952), the mapped form with its dots.
  const written = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:([\d.]+)$/.exec(written)?.[1] ?? written;
}

/** The first 64 bits of an IPv6 address, which one customer has whole (RFC 6177); anything else as it is. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
