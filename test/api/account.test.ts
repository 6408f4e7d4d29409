import { randomUUID } from 'node:crypto';

import { payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import type { TestApp } from '../helpers/app';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(async () => {
  await app.close();
});
beforeEach(() => {
  app.runs.isDown = false;
});

test("the float and the provider's own balance are shown apart, each with its time", async () => {
  const merchant = await seedMerchant(app.pool, { float: 12_000n });
  await app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: randomUUID(), body: payoutRequest() });
  const { body } = await app.request('GET', '/v1/balance', { key: merchant.key });
  expect(body).toMatchObject({
    float: [{ currency: 'XOF', available: '7000', held: '5000' }],
    providers: [
      { provider: 'orange', method: 'orange_sn', role: 'primary', balance: { amount: '4242', currency: 'XOF' } },
    ],
  });
});

test('a provider that cannot be asked leaves the float to be seen', async () => {
  const merchant = await seedMerchant(app.pool);
  app.runs.isDown = true;
  const { body } = await app.request('GET', '/v1/balance', { key: merchant.key });
  expect(body).toMatchObject({ float: [{ available: '1000000' }], providers: [{ balance: null }] });
});

test("balances are of the key's environment alone", async () => {
  const live = await seedMerchant(app.pool, { environment: 'live', float: 7n });
  await app.pool.query('select top_up_float($1, $2, $3, $4, $5)', [live.id, 'sandbox', 'XOF', 99n, randomUUID()]);
  const { body } = await app.request('GET', '/v1/balance', { key: live.key });
  expect(body).toMatchObject({ float: [{ available: '7' }] });
});

test('methods tell what they need and whether an account is saved', async () => {
  const [with_, without] = [await seedMerchant(app.pool), await seedMerchant(app.pool, { credential: false })];
  const read = async (key: string): Promise<unknown> => (await app.request('GET', '/v1/methods', { key })).body.data[0];
  expect(await read(with_.key)).toEqual({
    id: 'orange_sn',
    name: 'Orange Money Senegal',
    country: 'SN',
    currency: 'XOF',
    decimals: 0,
    recipient_fields: ['msisdn'],
    available: true,
  });
  expect(await read(without.key)).toMatchObject({ available: false });
});

test('an unreachable run still gives the payout from the database', async () => {
  const merchant = await seedMerchant(app.pool);
  const request = { key: merchant.key, idempotencyKey: randomUUID(), body: payoutRequest() };
  const { id } = (await app.request('POST', '/v1/payouts', request)).body;
  app.runs.isDown = true;
  const { status, body } = await app.request('GET', `/v1/payouts/${id}`, { key: merchant.key });
  expect([status, body]).toEqual([200, expect.objectContaining({ state: 'queued', progress: null })]);
});

test('readiness names what does not answer but stays where payouts are accepted, and metrics count, not for clients', async () => {
  expect((await app.request('GET', '/readyz')).body).toEqual({
    status: 'ok',
    checks: { database: true, temporal: true },
  });
  app.runs.isDown = true;
  const answer = await app.request('GET', '/readyz');
  expect([answer.status, answer.body]).toEqual([
    200,
    { status: 'degraded', checks: { database: true, temporal: false } },
  ]);
  expect((await app.request('GET', '/metrics')).status).toBe(404);
  const text = await app.deps.metrics.registry.metrics();
  expect(text).toMatch(/cauri_payouts_accepted_total\{method="orange_sn",environment="sandbox"\} [1-9]/);
  expect(text).toContain('route="/v1/payouts/{payoutId}"');
});
