import { createHmac, randomUUID } from 'node:crypto';
import { request } from 'node:http';

export interface CallbackMessage {
  readonly body: string;
  readonly idempotencyKey: string;
  readonly apiKey: string | null;
  readonly secret: string | null;
}

export type DeliveryResult = { readonly status: number } | { readonly error: string };

const TIMEOUT_MS = 10_000;

/** `X-Sonatel-Signature`: hex HMAC-SHA256 of "{t},{raw body}" under the endpoint's secret. */
export function signCallback(secret: string, body: string, atSeconds: number): string {
  return `t=${atSeconds},v1=${createHmac('sha256', secret).update(`${atSeconds},${body}`).digest('hex')}`;
}

export function createMessage(body: object, apiKey: string | null, secret: string | null): CallbackMessage {
  return { body: JSON.stringify(body), idempotencyKey: randomUUID(), apiKey, secret };
}

/** POSTs to the loopback base that stands for the URL's host, keeping its path and query. Never rejects. */
export function deliverCallback(url: URL, base: string, message: CallbackMessage): Promise<DeliveryResult> {
  const { body, idempotencyKey, apiKey, secret } = message;
  return new Promise((resolve) => {
    const sent = request(new URL(`${url.pathname}${url.search}`, base), {
      method: 'POST',
      agent: false,
      timeout: TIMEOUT_MS,
      headers: {
        Host: url.host,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'Accept-Encoding': 'gzip',
        'User-Agent': 'Sonatel-Client/1.0',
        'X-Sonatel-Idempotency-Key': idempotencyKey,
        ...(apiKey === null ? {} : { Authorization: `Basic ${apiKey}` }),
        ...(secret === null
          ? {}
          : { 'X-Sonatel-Signature': signCallback(secret, body, Math.floor(Date.now() / 1000)) }),
      },
    });
    sent.on('response', (response) => {
      response.resume();
      response.on('close', () => resolve({ status: response.statusCode ?? 0 }));
    });
    sent.on('timeout', () => sent.destroy(new Error('time-out')));
    sent.on('error', (error) => resolve({ error: error.message }));
    sent.end(body);
  });
}
