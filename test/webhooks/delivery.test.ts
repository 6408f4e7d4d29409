import { setTimeout as sleep } from 'node:timers/promises';

import { claimDelivery, claimUnclaimedDeliveries, recordDelivery } from '../../src/db/outbox';
import {
  disableWebhookEndpoint,
  listWebhookDeliveries,
  redeliver,
  rotateWebhookSecret,
} from '../../src/db/webhook-endpoints-admin';
import { createDeliveryWorld, verify } from './delivery-world';
import type { DeliveryWorld } from './delivery-world';

describe('delivering webhooks', () => {
  let world: DeliveryWorld;
  beforeAll(async () => {
    world = await createDeliveryWorld();
  });
  afterAll(() => world.close());
  afterEach(() => world.pool.query('update webhook_endpoints set disabled_at = now() where disabled_at is null'));

  const isDue = async (eventId: string): Promise<boolean> =>
    (await claimUnclaimedDeliveries(world.pool, 1_000)).some((key) => key.eventId === eventId);

  test('the run delivers each event once, in order, signed, as the payout was at its version', async () => {
    const receiver = await world.createReceiver();
    const endpoint = await world.addEndpoint(receiver.url);
    const payoutId = await world.payoutIn('processing', 'unknown');
    expect(await world.webhooks.deliverPayoutWebhooks(payoutId)).toEqual({ delivered: 2, failed: 0 });
    expect(await world.webhooks.deliverPayoutWebhooks(payoutId)).toEqual({ delivered: 0, failed: 0 });

    const [first, second, ...more] = receiver.received;
    expect(more).toEqual([]);
    expect(first!.headers['webhook-id']).toBe(world.eventId(payoutId, 2));
    expect(verify(first!, endpoint.secret)).toMatchObject({
      type: 'payout.processing',
      data: { id: payoutId, object: 'payout', state: 'processing', version: 2, amount: '1000' },
    });
    expect(verify(second!, endpoint.secret)).toMatchObject({
      type: 'payout.unknown',
      data: { id: payoutId, state: 'unknown', version: 3 },
    });
    expect(() => verify({ ...first!, body: first!.body.replace('1000', '9000') }, endpoint.secret)).toThrow();
  });

  test('every attempt of an event carries the same id and the same bytes, whatever became of the payout', async () => {
    const receiver = await world.createReceiver();
    const endpoint = await world.addEndpoint(receiver.url);
    const payoutId = await world.payoutIn('processing');
    const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
    receiver.answer = 500;
    await expect(world.webhooks.deliverWebhook(key)).rejects.toMatchObject({
      type: 'webhook_failed',
      category: 'BENIGN',
      message: 'refused 500',
    });
    await world.move(payoutId, 'unknown');
    receiver.answer = 200;
    expect(await world.webhooks.deliverWebhook(key)).toBe('delivered');
    const [first, second] = receiver.received;
    expect(second!.body).toBe(first!.body);
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
  });

  test('a dead endpoint is tried once and holds up no other; what it missed is left for the sweeper', async () => {
    const [dead, alive] = [await world.createReceiver(), await world.createReceiver()];
    dead.answer = null;
    const deadEndpoint = await world.addEndpoint(dead.url);
    const aliveEndpoint = await world.addEndpoint(alive.url);
    const payoutId = await world.payoutIn('processing', 'unknown');
    expect(await world.webhooks.deliverPayoutWebhooks(payoutId)).toEqual({ delivered: 2, failed: 2 });
    expect(alive.received).toHaveLength(2);
    expect(dead.received).toHaveLength(1);
    expect((await world.deliveries(payoutId)).map(({ endpoint_id, result }) => [endpoint_id, result])).toEqual(
      expect.arrayContaining([
        [aliveEndpoint.id, 'delivered'],
        [aliveEndpoint.id, 'delivered'],
        [deadEndpoint.id, 'timeout'],
      ]),
    );
    const left = (await world.outbox(payoutId)).filter(({ delivered_at }) => delivered_at === null);
    expect(left.map(({ endpoint_id, claimed_until }) => [endpoint_id, claimed_until])).toEqual([
      [deadEndpoint.id, null],
      [deadEndpoint.id, null],
    ]);
  });

  test('an endpoint hears only of the events that it wants, and of what happens after it was added', async () => {
    const receiver = await world.createReceiver();
    const payoutId = await world.payoutIn('processing');
    const endpoint = await world.addEndpoint(receiver.url);
    await world.pool.query("update webhook_endpoints set events = '{payout.succeeded}' where id = $1", [endpoint.id]);
    await world.move(payoutId, 'unknown');
    expect(await world.webhooks.deliverPayoutWebhooks(payoutId)).toEqual({ delivered: 0, failed: 0 });
  });

  test('of two deliverers at once one sends; the other is told', async () => {
    const receiver = await world.createReceiver();
    const endpoint = await world.addEndpoint(receiver.url);
    const payoutId = await world.payoutIn('processing');
    const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
    receiver.answer = () => sleep(500, 204);
    const results = await Promise.allSettled([
      world.webhooks.deliverWebhook(key),
      world.webhooks.deliverWebhook(key),
      world.webhooks.deliverPayoutWebhooks(payoutId),
    ]);
    expect(receiver.received).toHaveLength(1);
    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    for (const { reason } of refused) expect(reason).toMatchObject({ message: 'another attempt is under way' });
    expect(await world.webhooks.deliverWebhook(key)).toBe('delivered');
    expect(receiver.received).toHaveLength(1);
  });

  test('the claim of a deliverer that died ends, and its late news does not end the next one’s', async () => {
    const receiver = await world.createReceiver();
    const endpoint = await world.addEndpoint(receiver.url);
    const payoutId = await world.payoutIn('processing');
    const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
    const dead = await claimDelivery(world.pool, key, 60_000);
    expect(await claimDelivery(world.pool, key, 60_000)).toBeNull();
    await world.age(payoutId, '61 seconds');
    const next = await claimDelivery(world.pool, key, 60_000);
    expect(next!.claimNo).toBe(dead!.claimNo + 1);
    await recordDelivery(world.pool, dead!, { result: 'timeout', httpStatus: null, durationMs: 1 });
    expect(await claimDelivery(world.pool, key, 60_000)).toBeNull();
    await recordDelivery(world.pool, next!, { result: 'delivered', httpStatus: 200, durationMs: 1 });
    expect((await world.outbox(payoutId))[0]!.delivered_at).not.toBeNull();
  });

  test('an endpoint that answers 410 is switched off and hears nothing more', async () => {
    const receiver = await world.createReceiver();
    const endpoint = await world.addEndpoint(receiver.url);
    const payoutId = await world.payoutIn('processing', 'unknown');
    receiver.answer = 410;
    const key = (version: number): { eventId: string; endpointId: string } => ({
      eventId: world.eventId(payoutId, version),
      endpointId: endpoint.id,
    });
    expect(await world.webhooks.deliverWebhook(key(2))).toBe('given_up');
    expect(await world.webhooks.deliverWebhook(key(3))).toBe('given_up');
    expect(receiver.received).toHaveLength(1);
    expect((await world.outbox(payoutId)).every(({ given_up_at }) => given_up_at !== null)).toBe(true);
    const later = await world.payoutIn('processing');
    expect(await world.outbox(later)).toEqual([]);
  });

  test('what an endpoint has not heard when it is switched off is not sent, and given up', async () => {
    const receiver = await world.createReceiver();
    const endpoint = await world.addEndpoint(receiver.url);
    const payoutId = await world.payoutIn('processing');
    const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
    expect(await disableWebhookEndpoint(world.pool, endpoint.id)).toBe(true);
    expect(await world.webhooks.deliverPayoutWebhooks(payoutId)).toEqual({ delivered: 0, failed: 1 });
    await world.age(payoutId, '31 seconds');
    expect(await isDue(key.eventId)).toBe(true);
    expect(await world.webhooks.deliverWebhook(key)).toBe('given_up');
    expect((await world.outbox(payoutId))[0]!.given_up_at).not.toBeNull();
    expect(receiver.received).toEqual([]);
  });

  test('a private address is refused at the moment of sending and written into the log', async () => {
    const guarded = await createDeliveryWorld({ allowLoopback: false });
    try {
      const receiver = await guarded.createReceiver();
      const endpoint = await guarded.addEndpoint(receiver.url.replace('http:', 'https:'));
      const payoutId = await guarded.payoutIn('processing');
      const key = { eventId: guarded.eventId(payoutId, 2), endpointId: endpoint.id };
      await expect(guarded.webhooks.deliverWebhook(key)).rejects.toMatchObject({ message: 'address_refused' });
      expect(receiver.received).toEqual([]);
      expect((await guarded.deliveries(payoutId))[0]).toMatchObject({ result: 'address_refused', http_status: null });
    } finally {
      await guarded.close();
    }
  });

  describe('the sweeper', () => {
    test('takes what nobody claimed for 30 seconds, and again when its start was lost', async () => {
      await world.addEndpoint((await world.createReceiver()).url);
      const payoutId = await world.payoutIn('processing');
      const eventId = world.eventId(payoutId, 2);
      expect(await isDue(eventId)).toBe(false);
      await world.age(payoutId, '31 seconds');
      expect(await isDue(eventId)).toBe(true);
      expect(await isDue(eventId)).toBe(false);
      await world.age(payoutId, '61 seconds');
      expect(await isDue(eventId)).toBe(true);
    });

    test('leaves alone what is claimed, delivered or given up', async () => {
      const receiver = await world.createReceiver();
      const endpoint = await world.addEndpoint(receiver.url);
      const payoutId = await world.payoutIn('processing');
      const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
      await claimDelivery(world.pool, key, 600_000);
      await world.pool.query("update outbox set sweep_after = now() - interval '1 day' where payout_id = $1", [
        payoutId,
      ]);
      expect(await isDue(key.eventId)).toBe(false);
      await world.age(payoutId, '11 minutes');
      expect(await world.webhooks.deliverWebhook(key)).toBe('delivered');
      await world.age(payoutId, '1 day');
      expect(await isDue(key.eventId)).toBe(false);
    });

    test('takes up again what a delivery workflow has left unheard of, and not before', async () => {
      const receiver = await world.createReceiver();
      const endpoint = await world.addEndpoint(receiver.url);
      receiver.answer = 500;
      const payoutId = await world.payoutIn('processing');
      const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
      await expect(world.webhooks.deliverWebhook(key)).rejects.toThrow('refused 500');
      await world.age(payoutId, '90 minutes');
      expect(await isDue(key.eventId)).toBe(false);
      expect(await world.webhooks.deliverPayoutWebhooks(payoutId)).toEqual({ delivered: 0, failed: 0 });
      await world.age(payoutId, '31 minutes');
      expect(await isDue(key.eventId)).toBe(true);
    });
  });

  describe('redelivery', () => {
    test('sends a delivered event again under its own id', async () => {
      const receiver = await world.createReceiver();
      const endpoint = await world.addEndpoint(receiver.url);
      const payoutId = await world.payoutIn('processing');
      const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
      await world.webhooks.deliverPayoutWebhooks(payoutId);
      expect(await redeliver(world.pool, key)).toBe('due');
      expect(await isDue(key.eventId)).toBe(true);
      expect(await world.webhooks.deliverWebhook(key)).toBe('delivered');
      const [first, second] = receiver.received;
      expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
      expect(second!.body).toBe(first!.body);
      const [event] = await listWebhookDeliveries(world.pool, { payoutId });
      expect(event!.attempts.map(({ result }) => result)).toEqual(['delivered', 'delivered']);
    });

    test('revives what was given up, is refused while an attempt is under way, and where the endpoint is off', async () => {
      const receiver = await world.createReceiver();
      const endpoint = await world.addEndpoint(receiver.url);
      const payoutId = await world.payoutIn('processing');
      const key = { eventId: world.eventId(payoutId, 2), endpointId: endpoint.id };
      await world.webhooks.giveUpWebhook(key);
      expect(await claimDelivery(world.pool, key, 60_000)).toBeNull();
      const again = (): Promise<string> => redeliver(world.pool, key);
      expect(await again()).toBe('due');
      await claimDelivery(world.pool, key, 60_000);
      expect(await again()).toBe('under_way');
      await world.age(payoutId, '61 seconds');
      expect(await world.webhooks.deliverWebhook(key)).toBe('delivered');
      await disableWebhookEndpoint(world.pool, endpoint.id);
      expect(await again()).toBe('endpoint_disabled');
      expect(await redeliver(world.pool, { ...key, eventId: 'evt_none_1' })).toBe('missing');
    });
  });

  test('during a rotation both secrets sign; after it the new one alone', async () => {
    const receiver = await world.createReceiver();
    const { id, secret: oldSecret } = await world.addEndpoint(receiver.url);
    const newSecret = `whsec_${Buffer.from('n'.repeat(32)).toString('base64')}`;
    const secretEnc = await world.vault.seal(world.merchantId, 'webhook-secret', newSecret);
    await rotateWebhookSecret(world.pool, id, secretEnc);
    await world.webhooks.deliverPayoutWebhooks(await world.payoutIn('processing'));
    const during = receiver.received[0]!;
    expect(during.headers['webhook-signature']!.split(' ')).toHaveLength(2);
    verify(during, oldSecret);
    verify(during, newSecret);

    await world.pool.query('update webhook_endpoints set previous_secret_until = now() where id = $1', [id]);
    await world.webhooks.deliverPayoutWebhooks(await world.payoutIn('processing'));
    const after = receiver.received[1]!;
    verify(after, newSecret);
    expect(() => verify(after, oldSecret)).toThrow();
  });
});
