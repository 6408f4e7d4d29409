import http from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';

import { AddressRefused, checkTarget } from './address-guard';
import type { CheckedTarget, GuardOptions } from './address-guard';

/** How one delivery ended. `gone`: the endpoint says that it wants no more (410). */
export const DELIVERY_RESULTS = ['delivered', 'refused', 'gone', 'timeout', 'unreachable', 'address_refused'] as const;

export type DeliveryResult = (typeof DELIVERY_RESULTS)[number];

export interface Delivery {
  result: DeliveryResult;
  httpStatus: number | null;
  durationMs: number;
}

export interface WebhookMessage {
  body: string;
  headers: Record<string, string>;
}

/** What is read of an answer: its status decides, its body is of no interest and may be endless. */
const MAX_ANSWER_BYTES = 4_096;

/**
 * Posts a webhook to one endpoint. Never throws; follows no redirect (a redirect is a refusal); the whole exchange, the
 * look-up of the name included, ends within the time-out. Connects to the very address that was checked.
 */
export type WebhookLine = (message: WebhookMessage) => Promise<Delivery>;

/** Milliseconds after which an idle connection is closed: before a server would, which keeps it for 5 s or more. */
const IDLE_MS = 3_000;

/**
 * Lines to endpoints, each for one webhook or a batch: the endpoint's address is looked up and checked once for a line,
 * and connections are used again by later ones. Each leads to an address that was checked when it was opened.
 */
export function createWebhookLines(options: GuardOptions & { timeoutMs: number }): (url: string) => WebhookLine {
  const keeping = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' } as const;
  const agents = { plain: new http.Agent(keeping), secure: new https.Agent(keeping) };
  return (url) => {
    const agent = url.startsWith('https:') ? agents.secure : agents.plain;
    let target: Promise<CheckedTarget> | undefined;
    return (message) =>
      send(message, options, (signal) => withinTime((target ??= checkTarget(url, options)), signal), agent);
  };
}

async function send(
  message: WebhookMessage,
  options: { timeoutMs: number },
  checked: (signal: AbortSignal) => Promise<CheckedTarget>,
  agent: http.Agent,
): Promise<Delivery> {
  const startedAt = Date.now();
  const end = (result: DeliveryResult, httpStatus: number | null = null): Delivery => ({
    result,
    httpStatus,
    durationMs: Date.now() - startedAt,
  });
  const signal = AbortSignal.timeout(options.timeoutMs);
  try {
    const httpStatus = await postOverKept(await checked(signal), message, { signal, agent });
    if (httpStatus >= 200 && httpStatus < 300) return end('delivered', httpStatus);
    return end(httpStatus === 410 ? 'gone' : 'refused', httpStatus);
  } catch (error) {
    if (error instanceof AddressRefused) return end('address_refused');
    return end(signal.aborted ? 'timeout' : 'unreachable');
  }
}

async function withinTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await Promise.race([
    work,
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('time is up')), { once: true });
    }),
  ]);
}

/** A kept connection that the endpoint gave up: it says nothing of the endpoint, and an event may come twice. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

/** Once more over a connection of its own where a kept one was stale. */
async function postOverKept(
  target: CheckedTarget,
  message: WebhookMessage,
  { signal, agent }: { signal: AbortSignal; agent: http.Agent | false },
): Promise<number> {
  try {
    return await post(target, message, { signal, agent });
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    return await post(target, message, { signal, agent: false });
  }
}

/** The status that came back. An answer that stalls, breaks or never ends after its headers has said its status. */
async function post(
  { url, address }: CheckedTarget,
  message: WebhookMessage,
  { signal, agent }: { signal: AbortSignal; agent: http.Agent | false },
): Promise<number> {
  return await new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? https.request : http.request;
    const request = open(url, {
      method: 'POST',
      agent,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(message.body),
        'user-agent': 'Cauri-Webhooks/1',
        ...message.headers,
      },
      // The checked address, whatever the name would resolve to by now; TLS still asks for the name's certificate.
      lookup: (_host, lookupOptions, done) => {
        const family = isIPv6(address) ? 6 : 4;
        if (lookupOptions.all) done(null, [{ address, family }]);
        else done(null, address, family);
      },
    });
    let status: number | undefined;
    let isWhole = false;
    const finish = (error?: Error): void => {
      if (status === undefined && request.reusedSocket && !signal.aborted) reject(new StaleConnection());
      else if (status === undefined) reject(error ?? new Error('closed without an answer'));
      else resolve(status);
      // After a whole answer the connection may be carrying another request already.
      if (!isWhole) request.destroy();
    };
    request.on('response', (response) => {
      status = response.statusCode;
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) finish();
      });
      response.on('end', () => {
        isWhole = response.complete;
        finish();
      });
      response.on('error', finish).on('close', finish);
    });
    request.on('error', finish).on('close', finish);
    request.end(message.body);
  });
}
