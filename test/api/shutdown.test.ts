import { once } from 'node:events';

import { createApiKey } from '../../src/db/api-keys';
import { newId } from '../../src/db/ids';
import { eventually } from '../helpers/eventually';
import { openEventStream } from '../helpers/event-stream';
import { listLockWaiters } from '../helpers/lock-waiters';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { startProduct } from '../helpers/product';

let world: PayoutWorld;
beforeAll(async () => {
  world = await createPayoutWorld();
});
afterAll(async () => {
  await world.close();
});

test('told to stop, the api answers what is under way, takes nothing new and ends cleanly', async () => {
  const key = await keyOfMerchant();
  const id = await world.accept();
  const api = startProduct('api', { ...world.env, SHUTDOWN_GRACE_MS: '20000' });
  const url = `http://127.0.0.1:${await api.port()}`;
  const lock = await world.pool.connect();
  try {
    await lock.query('begin');
    await lock.query('select from payouts where id = $1 for update', [id]);
    const cancel = fetch(`${url}/v1/payouts/${id}/cancel`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
    });
    await untilWaiting();
    const exited = once(api.child, 'exit');
    api.child.kill('SIGTERM');
    while (await takesRequests(url)) await new Promise((resolve) => setTimeout(resolve, 50));
    await lock.query('commit');
    const answer = await cancel;
    expect([answer.status, ((await answer.json()) as { state: string }).state]).toEqual([200, 'cancelled']);
    expect(await exited).toEqual([0, null]);
  } finally {
    lock.release();
    await api.kill();
  }
});

test('told to stop, the api ends the streams of bulks as whole ones, for their clients to go on elsewhere', async () => {
  const key = await keyOfMerchant();
  const bulkId = newId('bulk');
  await world.pool.query(
    `insert into bulks (id, merchant_id, environment, state, reason, created_by)
     values ($1, $2, 'sandbox', 'ready', 'accepted_by_api', 'test')`,
    [bulkId, world.merchantId],
  );
  // Streams that it waited for would be cut at the end of this.
  const api = startProduct('api', { ...world.env, SHUTDOWN_GRACE_MS: '20000' });
  try {
    const url = `http://127.0.0.1:${await api.port()}/v1/bulk-cash-ins/${bulkId}/stream`;
    const streams = await Promise.all([openEventStream(url, { key }), openEventStream(url, { key })]);
    for (const stream of streams) await stream.until(1);
    const exited = once(api.child, 'exit');
    api.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    for (const stream of streams) {
      await eventually('it is over', () => stream.ending());
      expect([stream.ending(), stream.events.map(({ event }) => event)]).toEqual(['complete', ['progress']]);
    }
  } finally {
    await api.kill();
  }
});

async function keyOfMerchant(): Promise<string> {
  const { key } = await createApiKey(world.pool, {
    role: 'merchant',
    merchantId: world.merchantId,
    environment: 'sandbox',
    subject: { kind: 'system', systemId: 'shop', responsiblePersonId: 'per_shop' },
  });
  return key;
}

/** Until the api's transaction waits for our lock. */
async function untilWaiting(): Promise<void> {
  await eventually('the api waits for our lock', async () => (await listLockWaiters(world.pool)).length > 0);
}

async function takesRequests(url: string): Promise<boolean> {
  return await fetch(`${url}/livez`, { headers: { connection: 'close' } }).then(
    (response) => response.ok,
    () => false,
  );
}
