import { randomUUID } from 'node:crypto';

import { claimDueDrains } from '../../src/db/bulk-outbox';
import { newId } from '../../src/db/ids';
import { payoutRequest, seedMerchant, seedOperator, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp, TestMerchant } from '../helpers/app';
import { writeAnswer, writeIntent } from './payout-in-state';

let app: TestApp;
let merchant: TestMerchant;
let operator: { key: string; personId: string };
beforeAll(async () => {
  app = await startTestApp();
  operator = await seedOperator(app.pool);
});
afterAll(async () => {
  await app.close();
});
beforeEach(async () => {
  merchant = await seedMerchant(app.pool);
});

const ask = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
  app.request(method, path, { key: operator.key, ...(body === undefined ? {} : { body }) });

const endpoint = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  merchant_id: merchant.id,
  environment: 'sandbox',
  url: 'https://example.com/hooks',
  events: ['payout.succeeded', 'payout.failed'],
  ...changes,
});

async function secretsOf(endpointId: string): Promise<(string | null)[]> {
  const { rows } = await app.pool.query<{ secret_enc: Buffer; previous_secret_enc: Buffer | null }>(
    'select secret_enc, previous_secret_enc from webhook_endpoints where id = $1',
    [endpointId],
  );
  const open = (sealed: Buffer | null): Promise<string | null> =>
    sealed ? app.sealing.open(merchant.id, 'webhook-secret', sealed) : Promise.resolve(null);
  return await Promise.all([open(rows[0]!.secret_enc), open(rows[0]!.previous_secret_enc)]);
}

test('an endpoint is made with a secret that is shown once and kept sealed', async () => {
  const made = await ask('POST', '/v1/webhook-endpoints', endpoint());
  expect(made.status).toBe(201);
  expect(Buffer.from(made.body.secret.replace(/^whsec_/, ''), 'base64')).toHaveLength(24);
  expect(await secretsOf(made.body.id)).toEqual([made.body.secret, null]);
  const listed = await ask('GET', `/v1/webhook-endpoints?merchant_id=${merchant.id}&environment=sandbox`);
  expect(listed.body.data).toEqual([expect.objectContaining({ id: made.body.id, url: 'https://example.com/hooks' })]);
  expect(listed.text).not.toContain(made.body.secret);
  const { rows } = await app.pool.query('select action from operator_events where person_id = $1 and target = $2', [
    operator.personId,
    made.body.id,
  ]);
  expect(rows).toEqual([{ action: 'webhook_endpoint_created' }]);
});

test('a rotation keeps the secret before it for a day', async () => {
  const made = await ask('POST', '/v1/webhook-endpoints', endpoint());
  const rotated = await ask('POST', `/v1/webhook-endpoints/${made.body.id}/rotate-secret`);
  expect(rotated.body.secret).not.toBe(made.body.secret);
  expect(await secretsOf(made.body.id)).toEqual([rotated.body.secret, made.body.secret]);
  const until = Date.parse((rotated.body as unknown as { previous_secret_until: string }).previous_secret_until);
  expect(Math.round((until - Date.now()) / 3_600_000)).toBe(24);
});

test('a deleted endpoint is out of use', async () => {
  const made = await ask('POST', '/v1/webhook-endpoints', endpoint());
  expect((await ask('DELETE', `/v1/webhook-endpoints/${made.body.id}`)).status).toBe(204);
  expect((await ask('GET', `/v1/webhook-endpoints?merchant_id=${merchant.id}`)).body.data).toEqual([]);
  expect((await ask('DELETE', `/v1/webhook-endpoints/${made.body.id}`)).status).toBe(404);
  expect((await ask('POST', `/v1/webhook-endpoints/${made.body.id}/rotate-secret`)).status).toBe(404);
});

test.each([
  ['plain HTTP', { url: 'http://example.com/' }, '/url'],
  ['another scheme', { url: 'file:///etc/passwd' }, '/url'],
  ['a host that only looks like loopback', { url: 'http://127.0.0.1.example.com/' }, '/url'],
  ['a password', { url: 'https://me:secret@example.com/' }, '/url'],
  ['no URL', { url: 'example.com' }, '/url'],
  ['an unknown merchant', { merchant_id: 'mer_of_nobody' }, '/merchant_id'],
  ['no events', { events: [] }, '/events'],
  ['an unknown event', { events: ['payout.lost'] }, '/events/0'],
  ['an event twice', { events: ['payout.failed', 'payout.failed'] }, '/events'],
  ['an unknown environment', { environment: 'test' }, '/environment'],
])('%s is refused by pointer', async (_name, changes, pointer) => {
  const answer = await ask('POST', '/v1/webhook-endpoints', endpoint(changes));
  expect([answer.status, answer.body.errors.map((field) => field.pointer)]).toEqual([422, [pointer]]);
});

test('loopback by plain HTTP is a switch of development', async () => {
  expect((await ask('POST', '/v1/webhook-endpoints', endpoint({ url: 'http://127.0.0.1:9/x' }))).status).toBe(201);
  const strict = await startTestApp({ config: { ...app.deps.config, ALLOW_LOOPBACK_WEBHOOKS: false } });
  const { key } = await seedOperator(strict.pool);
  const { id } = await seedMerchant(strict.pool);
  const body = endpoint({ merchant_id: id, url: 'http://127.0.0.1:9/x' });
  expect((await strict.request('POST', '/v1/webhook-endpoints', { key, body })).status).toBe(422);
  await strict.close();
});

describe('deliveries', () => {
  async function told(): Promise<{ payoutId: string; eventId: string; endpointId: string }> {
    const made = await ask('POST', '/v1/webhook-endpoints', endpoint());
    const request = { key: merchant.key, idempotencyKey: randomUUID(), body: payoutRequest() };
    const payoutId = (await app.request('POST', '/v1/payouts', request)).body.id;
    await writeIntent(app.pool, payoutId);
    await writeAnswer(app.pool, payoutId, 'succeeded');
    const listed = await ask('GET', `/v1/webhook-deliveries?payout_id=${payoutId}`);
    expect(listed.body.data).toEqual([
      expect.objectContaining({
        type: 'payout.succeeded',
        endpoint_id: made.body.id,
        delivered_at: null,
        attempts: [],
      }),
    ]);
    return { payoutId, eventId: listed.body.data[0]!['event_id'] as string, endpointId: made.body.id };
  }

  test('what was delivered is made due again, and its attempts stay on record', async () => {
    const { payoutId, eventId, endpointId } = await told();
    await app.pool.query(
      `with logged as (
         insert into webhook_deliveries (event_id, endpoint_id, claim_no, duration_ms, http_status, result)
         values ($1, $2, 1, 12, 204, 'delivered'))
       update outbox set delivered_at = now(), handed_over_at = now(), sweep_after = now() + interval '2 hours'
       where event_id = $1`,
      [eventId, endpointId],
    );
    const answer = await ask('POST', `/v1/webhook-events/${eventId}/endpoints/${endpointId}/redeliver`);
    expect(answer.status).toBe(202);
    const { rows } = await app.pool.query(
      'select delivered_at, given_up_at, handed_over_at, sweep_after <= clock_timestamp() as due from outbox where event_id = $1',
      [eventId],
    );
    expect(rows).toEqual([{ delivered_at: null, given_up_at: null, handed_over_at: null, due: true }]);
    const listed = await ask('GET', `/v1/webhook-deliveries?payout_id=${payoutId}`);
    expect(listed.body.data[0]!['attempts']).toEqual([
      expect.objectContaining({ http_status: 204, result: 'delivered', duration_ms: 12 }),
    ]);
  });

  test('one that is being delivered, or goes to an endpoint out of use, is refused', async () => {
    const { eventId, endpointId } = await told();
    const path = `/v1/webhook-events/${eventId}/endpoints/${endpointId}/redeliver`;
    await app.pool.query("update outbox set claimed_until = now() + interval '1 minute' where event_id = $1", [
      eventId,
    ]);
    expect((await ask('POST', path)).body.code).toBe('delivery_under_way');
    await app.pool.query('update outbox set claimed_until = null where event_id = $1', [eventId]);
    await ask('DELETE', `/v1/webhook-endpoints/${endpointId}`);
    expect((await ask('POST', path)).body.code).toBe('endpoint_disabled');
  });

  test('an unknown event or endpoint is not found', async () => {
    const { eventId } = await told();
    expect((await ask('POST', `/v1/webhook-events/${eventId}/endpoints/${newId('we')}/redeliver`)).status).toBe(404);
    expect((await ask('POST', `/v1/webhook-events/evt_1/endpoints/we_1/redeliver`)).status).toBe(404);
    expect((await ask('GET', '/v1/webhook-deliveries')).body.errors).toEqual([
      expect.objectContaining({ parameter: 'payout_id' }),
    ]);
  });
});

test('deliveries are asked for by a payout or by a bulk, and events of bulks can be redelivered', async () => {
  const operator = await seedOperator(app.pool);
  const id = '0'.repeat(26);
  const list = await app.request('GET', `/v1/webhook-deliveries?bulk_id=bulk_${id}`, operator);
  expect([list.status, list.body.data]).toEqual([200, []]);
  expect((await app.request('GET', '/v1/webhook-deliveries', operator)).status).toBe(422);
  const merchant = await seedMerchant(app.pool);
  await app.pool.query(
    `insert into bulks (id, merchant_id, environment, state, reason, created_by)
     values ($1, $2, 'sandbox', 'completed', 'all_lines_rest', 'person:per_test')`,
    [`bulk_${id}`, merchant.id],
  );
  await app.pool.query(
    `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
     values ($1, $2, 'sandbox', 'https://example.com', array['bulk.completed'], '')`,
    [`we_${id}`, merchant.id],
  );
  await app.pool.query(
    `insert into outbox (event_id, endpoint_id, bulk_id, type, object_version, snapshot, delivered_at)
     values ($1, $2, $3, 'bulk.completed', 4, '{}', now())`,
    [`evt_bulk_${id}_4`, `we_${id}`, `bulk_${id}`],
  );
  const { body } = await app.request('GET', `/v1/webhook-deliveries?bulk_id=bulk_${id}`, operator);
  expect(body.data).toMatchObject([{ event_id: `evt_bulk_${id}_4`, type: 'bulk.completed' }]);
  const path = `/v1/webhook-events/evt_bulk_${id}_4/endpoints/we_${id}/redeliver`;
  expect((await app.request('POST', path, operator)).status).toBe(202);
  expect(await claimDueDrains(app.pool, 10)).toEqual([{ bulkId: `bulk_${id}`, endpointId: `we_${id}` }]);
});
