import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { payoutRequest } from './merchant';

/** Lines of one write. */
const BLOCK = 500;

export interface BulkUpload {
  apiUrl: string;
  key: string;
  lines: number;
  /** Of the first line: recipients and references are made of it. */
  firstIndex: number;
  notify: 'each' | 'summary' | 'none';
}

/** Streams a CSV to the API. @returns the id of the bulk. @throws Error with any answer but 202. */
export async function uploadBulk({ apiUrl, key, lines, firstIndex, notify }: BulkUpload): Promise<string> {
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
