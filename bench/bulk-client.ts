import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { payoutRequest } from './merchant';

/** Lines of one write. */
const BLOCK = 500;

/** A merchant's client of the API, as far as a bench needs it. */
export interface BulkClient {
  /** Streams a CSV. @returns the id of the bulk. @throws Error with any answer but 202. */
  upload(upload: BulkUpload): Promise<string>;
  read(bulkId: string): Promise<BulkStanding>;
  cancel(bulkId: string): Promise<void>;
  /** @throws Error where it is in another state after `patienceMs`. */
  untilState(bulkId: string, state: string, patienceMs: number): Promise<void>;
}

export interface BulkUpload {
  lines: number;
  /** Of the first line: recipients and references are made of it. */
  firstIndex: number;
  notify: 'each' | 'summary' | 'none';
}

const standing = z.object({ state: z.string(), progress: z.record(z.string(), z.object({ lines: z.number() })) });

export type BulkStanding = z.infer<typeof standing>;

/** Milliseconds between two looks at a bulk. */
const LOOK_EVERY_MS = 250;

export function createBulkClient(account: { apiUrl: string; key: string }): BulkClient {
  const ask = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    const answer = await fetch(new URL(`/v1/bulk-cash-ins/${path}`, account.apiUrl), {
      method,
      headers: { authorization: `Bearer ${account.key}` },
    });
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const client: BulkClient = {
    upload: (upload) => sendCsv(account, upload),
    read: async (bulkId) => standing.parse(await ask('GET', bulkId)),
    async cancel(bulkId) {
      await ask('POST', `${bulkId}/cancel`);
    },
    async untilState(bulkId, state, patienceMs) {
      const deadline = Date.now() + patienceMs;
      for (;;) {
        const found = await client.read(bulkId);
        if (found.state === state) return;
        if (Date.now() > deadline) throw new Error(`${bulkId} is ${found.state}, not ${state}`);
        await sleep(LOOK_EVERY_MS);
      }
    },
  };
  return client;
}

async function sendCsv(
  { apiUrl, key }: { apiUrl: string; key: string },
  { lines, firstIndex, notify }: BulkUpload,
): Promise<string> {
  const total = Array.from({ length: lines }, (_, offset) => payoutRequest(firstIndex + offset).amount);
  const url = new URL('/v1/bulk-cash-ins', apiUrl);
  url.search = new URLSearchParams({
    declared_count: String(lines),
    declared_total: String(total.reduce((sum, amount) => sum + amount, 0)),
    notify,
  }).toString();
  const sent = request(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'idempotency-key': randomUUID(), 'content-type': 'text/csv' },
  });
  const answered = new Promise<{ status: number; body: string }>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
  });
  const [{ status, body }] = await Promise.all([answered, pipeline(Readable.from(csv(lines, firstIndex)), sent)]);
  if (status !== 202) throw new Error(`a bulk was answered ${status}: ${body}`);
  return (JSON.parse(body) as { id: string }).id;
}

function* csv(lines: number, firstIndex: number): Generator<string> {
  yield 'amount;currency;method;msisdn;reference;email;first_name;last_name;description\n';
  for (let first = 0; first < lines; first += BLOCK) {
    let block = '';
    for (let offset = first; offset < Math.min(lines, first + BLOCK); offset += 1) {
      const { amount, msisdn } = payoutRequest(firstIndex + offset);
      const reference = `bench-${firstIndex + offset}`;
      block += `${amount};XOF;orange_sn;${msisdn};${reference};awa@example.com;Awa;Ndiaye;Bench\n`;
    }
    yield block;
  }
}
