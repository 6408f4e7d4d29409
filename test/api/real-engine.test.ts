import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import { findBulk } from '../../src/db/bulk-rows';
import { markCallbackApplied } from '../../src/db/callbacks';
import { findPayoutStart } from '../../src/db/payout-search';
import { createPayoutRuns } from '../../src/temporal/payout-runs';
import { payoutRequest, startTestApp } from '../helpers/app';
import type { TestApp } from '../helpers/app';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

let world: PayoutWorld;
let app: TestApp;
let key: string;
beforeAll(async () => {
  world = await createPayoutWorld();
  const { client, pool, taskQueuePrefix } = world;
  const runs = createPayoutRuns({
    client,
    taskQueuePrefix,
    webhookRetryForMs: 60_000,
    findPayoutStart: (payoutId) => findPayoutStart(pool, payoutId),
    findBulk: (bulkId) => findBulk(pool, bulkId),
    markCallbackApplied: (callbackId) => markCallbackApplied(pool, callbackId),
  });
  app = await startTestApp({ pool, sealing: world.vault, runs });
  ({ key } = await createApiKey(pool, {
    role: 'merchant',
    merchantId: world.merchantId,
    environment: 'sandbox',
    subject: { kind: 'system', systemId: 'shop' },
  }));
  await world.startWorkers();
});
afterAll(async () => {
  await app.close();
  await world.close();
});

async function accept(msisdn: string): Promise<string> {
  const body = payoutRequest({ recipient: { msisdn } });
  const answer = await app.request('POST', '/v1/payouts', { key, idempotencyKey: randomUUID(), body });
  expect(answer.status).toBe(202);
  return answer.body.id;
}

test('a payout goes from HTTP to its end, once', async () => {
  const recipient = world.recipientOf('success');
  const id = await accept(recipient);
  await world.untilState(id, 'succeeded');
  expect(await world.credited(recipient)).toBe(5_000n);
  const { body } = await app.request('GET', `/v1/payouts/${id}`, { key });
  expect(body).toMatchObject({ state: 'succeeded', progress: null });
  const events = await app.request('GET', `/v1/payouts/${id}/events`, { key });
  expect(events.body.data.map(({ to }) => to)).toEqual(await world.states(id));
});

test("the provider's own balance is asked of the provider", async () => {
  const { body } = await app.request('GET', '/v1/balance', { key });
  expect(body).toMatchObject({
    providers: [{ provider: 'orange', balance: { amount: expect.stringMatching(/^\d+$/), currency: 'XOF' } }],
  });
});

test('a failed payout is looked up and sent again', async () => {
  const id = await accept(world.recipientOf('rejected'));
  await world.untilState(id, 'failed');
  const answer = await app.request('POST', `/v1/payouts/${id}/retry`, {
    key,
    idempotencyKey: randomUUID(),
    body: { expected_attempt: 1 },
  });
  expect([answer.status, answer.body.attempt]).toEqual([202, 2]);
  await world.untilState(id, 'failed');
  expect((await world.payout(id)).attempt).toBe(2);
  expect(await world.submissions(id)).toHaveLength(2);
});
