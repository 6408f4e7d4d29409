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
  const url = parseUrl(rawUrl);
  if (url.protocol !== 'https:' && !(options.allowLoopback && url.protocol === 'http:')) {
    throw new AddressRefused('only https is allowed');
  }
  if (url.username !== '' || url.password !== '') throw new AddressRefused('a URL with credentials is not allowed');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = ipaddr.isValid(host) ? [host] : await resolve(host, options.lookup ?? lookupAll);
  const [first] = addresses;
  if (first === undefined) throw new AddressRefused('the host has no address');
  for (const address of addresses) {
    const range = rangeOf(address);
    if (range === 'public' || (range === 'loopback' && options.allowLoopback)) continue;
    throw new AddressRefused(`the host resolves to a ${range} address`);
  }
  if (url.protocol === 'http:' && !addresses.every((address) => rangeOf(address) === 'loopback')) {
    throw new AddressRefused('plain http is allowed to loopback only');
  }
  return { url, address: first };
}

/** Why webhooks may not be sent to a URL, in words for the one who gave it; null where they may. */
export async function explainRefusal(rawUrl: string, options: GuardOptions): Promise<string | null> {
  try {
    await checkTarget(rawUrl, options);
    return null;
  } catch (error) {
    if (error instanceof AddressRefused) return error.message;
    throw error;
  }
}

function parseUrl(rawUrl: string): URL {
  try {
    return new URL(rawUrl);
  } catch {
    throw new AddressRefused('it is not a URL');
  }
}

async function resolve(host: string, lookup: (host: string) => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await lookup(host);
  } catch {
    throw new AddressRefused('the host does not resolve');
  }
}

async function lookupAll(host: string): Promise<readonly string[]> {
  return (await systemLookup(host, { all: true })).map(({ address }) => address);
}

/** Public addresses that are a machine's own cloud talking to it (Azure's host agent and metadata). */
const CLOUD_INTERNAL = new Set(['168.63.129.16']);

/** All that is routed in public; what lies outside is special, unassigned, or an IPv4 address in disguise. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** `public`, or the kind of network that the address belongs to, whatever form it comes in. */
function rangeOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'malformed';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) {
    if (CLOUD_INTERNAL.has(parsed.toString())) return 'cloud-internal';
    return parsed.range() === 'unicast' ? 'public' : parsed.range();
  }
  if (parsed.range() !== 'unicast') return parsed.range();
  // IPv4-compatible addresses (::/96) are unicast to ipaddr.js.
  if (!parsed.match(GLOBAL_UNICAST)) return 'non-global';
  return isIsatap(parsed) ? 'isatap' : 'public';
}

/** An interface id of 0000:5efe or 0200:5efe carries an IPv4 address behind it, under any prefix. */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return (parts[4] === 0 || parts[4] === 0x0200) && parts[5] === 0x5efe;
}
