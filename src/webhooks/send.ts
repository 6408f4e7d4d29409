import http from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';

import { AddressRefused, checkTarget } from './address-guard';
import type { GuardOptions } from './address-guard';

/** How one delivery ended. `gone`: the endpoint says that it wants no more (410). */
export const DELIVERY_RESULTS = ['delivered', 'refused', 'gone', 'timeout', 'unreachable', 'address_refused'] as const;

export type DeliveryResult = (typeof DELIVERY_RESULTS)[number];

export interface Delivery {
  result: DeliveryResult;
  httpStatus: number | null;
  durationMs: number;
}

/** What is read of an answer: its status decides, its body is of no interest and may be endless. */
const MAX_ANSWER_BYTES = 4_096;

/**
 * Posts one webhook. Never throws; follows no redirect (a redirect is a refusal); the whole exchange ends within
 * `timeoutMs`. Connects to the very address that was checked.
 */
export async function sendWebhook(
  message: { url: string; body: string; headers: Record<string, string> },
  options: GuardOptions & { timeoutMs: number },
): Promise<Delivery> {
  const startedAt = Date.now();
  const end = (result: DeliveryResult, httpStatus: number | null = null): Delivery => ({
    result,
    httpStatus,
    durationMs: Date.now() - startedAt,
  });
  const signal = AbortSignal.timeout(options.timeoutMs);
  try {
    const { url, address } = await withinTime(checkTarget(message.url, options), signal);
    const httpStatus = await post(url, address, message, signal);
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

async function post(
  url: URL,
  address: string,
  message: { body: string; headers: Record<string, string> },
  signal: AbortSignal,
): Promise<number> {
  return await new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? https.request : http.request;
    const request = send(
      url,
      {
        method: 'POST',
        agent: false,
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
      },
      (response) => {
        let bytes = 0;
        const finish = (): void => {
          resolve(response.statusCode ?? 0);
          request.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) finish();
        });
        response.on('end', finish);
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(message.body);
  });
}
