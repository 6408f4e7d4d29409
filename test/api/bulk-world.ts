import { randomUUID } from 'node:crypto';

import type { Pool } from 'pg';

import { createApiKey } from '../../src/db/api-keys';
import type { Subject } from '../../src/domain/principal';
import { seedMerchant, startTestApp } from '../helpers/app';
import type { ApiAnswer, RecordingRuns, TestLimits } from '../helpers/app';
import { verifyPersons } from '../helpers/persons';

/** The person whose key sends the bulks. */
export const PERSON = 'per_initiator';

export interface Upload {
  /** Media type; a form brings its own. */
  type?: string;
  body: string | Buffer | FormData;
  query?: Record<string, string>;
  /** Idempotency key; a new one by default. */
  key?: string;
  /** Whose API key; the initiator's by default. */
  as?: string;
}

export interface BulkBody {
  id: string;
  code: string;
  state: string;
  version: number;
  bulk_id: string;
  errors: {
    line: number | null;
    row: number | null;
    reference: string | null;
    field: string | null;
    value: string | null;
    code: string;
    detail: string;
  }[];
  error_count: number;
  report: string | null;
  data: { line: number; payout: { id: string } }[];
  next_cursor: string;
  content_sha256: string;
  same_content_as: string | null;
}

export type BulkAnswer = Omit<ApiAnswer, 'body'> & { body: BulkBody; key: string };

export interface BulkWorld {
  pool: Pool;
  runs: RecordingRuns;
  merchantId: string;
  url: string;
  key: string;
  strangersKey: string;
  /** Lines that the API logged, as JSON text. */
  logLines: readonly string[];
  send(upload: Upload): Promise<BulkAnswer>;
  get(path: string, key?: string): Promise<BulkAnswer>;
  post(path: string, body?: unknown, key?: string): Promise<BulkAnswer>;
  /** A new key of the merchant for this person, who is verified and may be new, or system. */
  keyOf(subject: Subject): Promise<string>;
  /** Lines that are still staged, of all bulks. */
  staged(): Promise<number>;
  linesOf(bulkId: string): Promise<number>;
  /** Minor units that the merchant's float holds. */
  held(): Promise<bigint>;
  close(): Promise<void>;
}

/** The API with a merchant whose person sends bulks. */
export async function bulkWorld(limits: TestLimits = {}): Promise<BulkWorld> {
  const app = await startTestApp({}, limits);
  const { pool } = app;
  const merchant = await seedMerchant(pool, { float: 1_000_000n });
  const stranger = await seedMerchant(pool);
  const keyOf = async (subject: Subject): Promise<string> => {
    const holder = subject.kind === 'system' ? { ...subject, responsiblePersonId: 'per_shop' } : subject;
    if (holder.kind === 'person') await verifyPersons(pool, holder.personId);
    const { id: merchantId, environment } = merchant;
    return (await createApiKey(pool, { role: 'merchant', merchantId, environment, subject: holder })).key;
  };
  const ownKey = await keyOf({ kind: 'person', personId: PERSON });
  const one = async <T>(sql: string, values: unknown[] = []): Promise<T> => {
    const { rows } = await pool.query<{ one: T }>(sql, values);
    return rows[0]!.one;
  };
  const ask = async (method: string, path: string, request: Parameters<typeof app.request>[2], key: string) =>
    ({ ...(await app.request(method, path, request)), key }) as unknown as BulkAnswer;
  return {
    pool,
    runs: app.runs,
    merchantId: merchant.id,
    url: app.url,
    key: ownKey,
    strangersKey: stranger.key,
    logLines: app.logLines,
    async send({ type, body, query = {}, key = randomUUID(), as = ownKey }) {
      const address = `/v1/bulk-cash-ins?${new URLSearchParams(query).toString()}`;
      const headers = type === undefined ? {} : { 'content-type': type };
      return await ask('POST', address, { key: as, idempotencyKey: key, raw: body, headers }, key);
    },
    get: (path, key = ownKey) => ask('GET', path, { key }, ''),
    post: (path, body, key = ownKey) => ask('POST', path, { key, idempotencyKey: randomUUID(), body }, ''),
    keyOf,
    staged: () => one('select count(*)::int as one from bulk_staging'),
    linesOf: (bulkId) => one('select count(*)::int as one from payouts where bulk_id = $1', [bulkId]),
    held: () =>
      one(
        "select coalesce(sum(balance), 0)::bigint as one from ledger_accounts where merchant_id = $1 and kind = 'held'",
        [merchant.id],
      ),
    async close() {
      await app.close();
    },
  };
}

/** Seven digits after 77 that no test names. */
let lastRecipient = 3_000_000;

/** A good line by its CSV columns, with a recipient of its own: two of one number within a week are duplicates. */
export function line(changes: Record<string, string>): Record<string, string> {
  lastRecipient += 1;
  return {
    amount: '1000',
    currency: 'XOF',
    method: 'orange_sn',
    msisdn: `77${lastRecipient}`,
    reference: randomUUID(),
    email: 'awa@example.com',
    first_name: 'Awa',
    last_name: 'Ndiaye',
    description: 'Salary of May',
    ...changes,
  };
}

export function csv(lines: readonly Record<string, string>[]): string {
  const columns = Object.keys(lines[0] ?? {});
  return [columns, ...lines.map((each) => columns.map((column) => each[column] ?? ''))]
    .map((row) => `${row.join(',')}\n`)
    .join('');
}
