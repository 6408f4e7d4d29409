import { randomUUID } from 'node:crypto';

import { payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp, TestMerchant } from '../helpers/app';

let app: TestApp;
let merchant: TestMerchant;
const ids: string[] = [];
beforeAll(async () => {
  app = await startTestApp();
  merchant = await seedMerchant(app.pool);
  for (let number = 1; number <= 7; number += 1) {
    const body = payoutRequest({
      amount: number * 100,
      reference: `R-${number % 2}`,
      recipient: { msisdn: `77123450${number}` },
    });
    const answer = await app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: randomUUID(), body });
    ids.unshift(answer.body.id);
  }
  await app.request('POST', `/v1/payouts/${ids[0]}/cancel`, { key: merchant.key });
});
afterAll(async () => {
  await app.close();
});

const search = (query: string): Promise<ApiAnswer> => app.request('GET', `/v1/payouts?${query}`, { key: merchant.key });
const found = async (query: string): Promise<unknown[]> => (await search(query)).body.data.map(({ id }) => id);

test('pages go over all payouts once, newest first, also when new ones come in between', async () => {
  const seen: unknown[] = [];
  let cursor = '';
  for (;;) {
    const page = await search(`limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...page.body.data.map(({ id }) => id));
    if (page.body.next_cursor === null) break;
    cursor = page.body.next_cursor;
    expect(page.body.data).toHaveLength(3);
    if (seen.length === 3) {
      const body = payoutRequest({ amount: 1, reference: 'new' });
      await app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: randomUUID(), body });
    }
  }
  expect(seen).toEqual(ids);
});

test('payouts of one moment are paged without loss', async () => {
  await app.pool.query("update payouts set accepted_at = date_trunc('second', accepted_at) where merchant_id = $1", [
    merchant.id,
  ]);
  const all = await found('limit=100');
  const seen: unknown[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: ApiAnswer = await search(`limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...page.body.data.map(({ id }) => id));
    cursor = page.body.next_cursor;
  }
  expect(seen).toEqual(all);
});

test('filters narrow it down, alone and together', async () => {
  expect(await found('status=cancelled')).toEqual([ids[0]]);
  expect(await found('status=cancelled,unknown&method=orange_sn')).toEqual([ids[0]]);
  expect((await found('reference=R-1')).sort()).toEqual([ids[0], ids[2], ids[4], ids[6]].sort());
  expect(await found('recipient=%2B221771234502')).toEqual([ids[5]]);
  expect(await found('recipient=771234502')).toEqual([ids[5]]);
  expect((await found('amount_min=200&amount_max=300')).sort()).toEqual([ids[4], ids[5]].sort());
  expect(await found('created_after=2999-01-01T00:00:00Z')).toEqual([]);
  expect(await found('created_before=2000-01-01T00:00:00Z')).toEqual([]);
  expect(await found('reference=R-1&amount_max=100')).toEqual([ids[6]]);
});

test("another merchant's payouts do not exist", async () => {
  const other = await seedMerchant(app.pool);
  const stranger = { key: other.key };
  expect((await app.request('GET', '/v1/payouts', stranger)).body.data).toEqual([]);
  const cursor = Buffer.from(ids[3]!).toString('base64url');
  expect((await app.request('GET', `/v1/payouts?cursor=${cursor}`, stranger)).body.data).toEqual([]);
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['GET', '/events', undefined],
    ['POST', '/cancel', undefined],
    ['PATCH', '', { description: 'mine now' }],
    ['POST', '/retry', { expected_attempt: 1 }],
  ] as const) {
    const request = { ...stranger, idempotencyKey: randomUUID(), ...(body === undefined ? {} : { body }) };
    const answer = await app.request(method, `/v1/payouts/${ids[1]}${path}`, request);
    expect([method, path, answer.status]).toEqual([method, path, 404]);
  }
});

test('every wrong parameter is named at once', async () => {
  const answer = await search(
    'limit=0&status=paid&amount_min=1.5&created_after=yesterday&cursor=x&colour=red&recipient=1',
  );
  expect(answer.status).toBe(422);
  expect(answer.body.errors.map(({ parameter }) => parameter).sort()).toEqual(
    ['amount_min', 'colour', 'created_after', 'cursor', 'limit', 'recipient', 'status'].sort(),
  );
});

describe('A search that takes too long', () => {
  let slow: TestApp;
  let key: string;
  beforeAll(async () => {
    slow = await startTestApp({}, { SEARCH_LIMIT_MS: 200 });
    ({ key } = await seedMerchant(slow.pool));
  });
  afterAll(async () => {
    await slow.close();
  });

  test('is refused with what to narrow, and the next one is answered', async () => {
    const blocker = await slow.pool.connect();
    try {
      await blocker.query('begin');
      await blocker.query('lock table payouts in access exclusive mode');
      const { status, body } = await slow.request('GET', '/v1/payouts?amount_min=1', { key });
      expect([status, body.code]).toEqual([422, 'search_too_broad']);
      expect(body.detail).toContain('created_after');
    } finally {
      await blocker.query('rollback');
      blocker.release();
    }
    expect((await slow.request('GET', '/v1/payouts?amount_min=1', { key })).status).toBe(200);
  });

  test('keeps neither other merchants nor the acceptance of payouts waiting, however many of it come', async () => {
    const { searches, pool } = slow.deps;
    const caught = (error: Error): string => error.name;
    let under = 0;
    const many = Array.from({ length: 12 }, () => {
      under += 1;
      return searches
        .run('mer_slow', (db) => db.query('select pg_sleep(30)'))
        .catch(caught)
        .finally(() => (under -= 1));
    });
    await searches.run('mer_other', (db) => db.query('select 1'));
    await pool.query('select 1');
    expect(under).toBeGreaterThan(2);
    expect(new Set(await Promise.all(many))).toEqual(new Set(['SearchTooSlowError']));
  });
});
