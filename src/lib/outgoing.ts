/**
 * Requests to addresses that applications registered: to public ones, and to those of the operator's own networks that the
 * settings name. The address is judged when the connection is made, so a name that changes its mind gains nothing (DNS
 * rebinding); no redirect is followed.
 */
import { lookup as resolve } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, type Dispatcher, fetch, type RequestInit, type Response } from 'undici';

type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** A name as it stands in an address, or a network. */
export type AllowedHost = { readonly name: string } | { readonly network: Network };

const NAME = /^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/;
const TIMEOUT_MS = 5_000;

export class RefusedAddressError extends Error {
  override name = 'RefusedAddressError';
}

/** @returns undefined for what is neither a host name, an address nor a network. */
export function parseAllowedHost(text: string): AllowedHost | undefined {
  if (ipaddr.isValidCIDR(text)) return { network: ipaddr.parseCIDR(text) };
  if (isIP(text)) {
    const address = ipaddr.parse(text);
    return { network: [address, address.kind() === 'ipv4' ? 32 : 128] };
  }
  const name = text.toLowerCase();
  return NAME.test(name) && !/^[\d.]+$/.test(name) ? { name } : undefined;
}

/** Whether an IP address may be asked, whatever name it was found by. */
export function isAllowedAddress(address: string, allowed: readonly AllowedHost[]): boolean {
  // The mapped form of an IPv4 address leads to that address.
  const parsed = ipaddr.process(address);
  if (parsed.range() === 'unicast') return true;
  return allowed.some(
    (host) =>
      'network' in host && host.network[0].kind() === parsed.kind() && parsed.match(host.network as never),
  );
}

const isAllowedName = (name: string, allowed: readonly AllowedHost[]): boolean =>
  allowed.some((host) => 'name' in host && host.name === name.toLowerCase());

/**
 * @returns the response, whose body must be read or cancelled.
 * @throws {RefusedAddressError} as such, or as the cause, when the address is one that must not be asked.
 */
export type OutgoingFetch = (url: string, init?: unknown) => Promise<globalThis.Response>;

export function createOutgoing(allowed: readonly AllowedHost[]): {
  fetch: OutgoingFetch;
  close(): Promise<void>;
} {
  const lookup: LookupFunction = (hostname, options, callback) =>
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const named = isAllowedName(hostname, allowed);
      if (!named && !found.every(({ address }) => isAllowedAddress(address, allowed)))
        return callback(new RefusedAddressError(`${hostname} is at an address that must not be asked`), []);
      const [first] = found;
      if (options.all || !first) return callback(null, found);
      callback(null, first.address, first.family);
    });
  const dispatcher: Dispatcher = new Agent({
    connect: { lookup, timeout: TIMEOUT_MS },
    keepAliveTimeout: 1_000,
  });

  return {
    async fetch(url, init) {
      const { hostname } = new URL(url);
      // An address needs no look-up, so the one above never sees it.
      const address = hostname.replace(/^\[|\]$/g, '');
      if (isIP(address) && !isAllowedAddress(address, allowed))
        throw new RefusedAddressError(`${address} must not be asked`);
      const response: Response = await fetch(url, {
        ...(init as RequestInit),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        dispatcher,
      });
      return response as unknown as globalThis.Response;
    },
    close: () => dispatcher.close(),
  };
}
