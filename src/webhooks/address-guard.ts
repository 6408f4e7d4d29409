import { lookup as systemLookup } from 'node:dns/promises';

import ipaddr from 'ipaddr.js';

/** The URL or one of its addresses is not one that webhooks may be sent to; the message says why. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

export interface GuardOptions {
  /** Development only: plain HTTP, and loopback as the one allowed special address. */
  allowLoopback: boolean;
  /** Resolves a host to all its addresses; the system's by default. */
  lookup?: (host: string) => Promise<readonly string[]>;
}

export interface CheckedTarget {
  url: URL;
  /** The one address to connect to; nothing is resolved again after the check. */
  address: string;
}

/**
 * Checks where a webhook would go: https, and every address that its host resolves to is a public one. Resolved once;
 * whoever sends connects to the address that is returned, so that a name cannot change its answer in between.
 * Throws `AddressRefused`.
 */
export async function checkTarget(rawUrl: string, options: GuardOptions): Promise<CheckedTarget> {
  const url = parse(rawUrl);
  if (url.protocol !== 'https:' && !(options.allowLoopback && url.protocol === 'http:')) {
    throw new AddressRefused('only https is allowed');
  }
  if (url.username !== '' || url.password !== '') throw new AddressRefused('a URL with credentials is not allowed');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = ipaddr.isValid(host) ? [host] : await (options.lookup ?? lookupAll)(host);
  const [first] = addresses;
  if (first === undefined) throw new AddressRefused('the host has no address');
  for (const address of addresses) {
    const range = rangeOf(address);
    if (range === 'unicast' || (range === 'loopback' && options.allowLoopback)) continue;
    throw new AddressRefused(`the host resolves to a ${range} address`);
  }
  if (url.protocol === 'http:' && !addresses.every((address) => rangeOf(address) === 'loopback')) {
    throw new AddressRefused('plain http is allowed to loopback only');
  }
  return { url, address: first };
}

function parse(rawUrl: string): URL {
  try {
    return new URL(rawUrl);
  } catch {
    throw new AddressRefused('it is not a URL');
  }
}

async function lookupAll(host: string): Promise<readonly string[]> {
  try {
    return (await systemLookup(host, { all: true })).map(({ address }) => address);
  } catch {
    throw new AddressRefused('the host does not resolve');
  }
}

/** The kind of network an address belongs to; an IPv4 address inside an IPv6 one counts as what it carries. */
function rangeOf(address: string): string {
  const parsed = ipaddr.parse(address);
  if (parsed.kind() === 'ipv4') return parsed.range();
  const ipv6 = parsed as ipaddr.IPv6;
  if (ipv6.isIPv4MappedAddress()) return ipv6.toIPv4Address().range();
  // 6to4, Teredo, NAT64 and whatever else carries an IPv4 address inside are no public unicast to ipaddr.js.
  return ipv6.range();
}
