import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

import { createApiKey } from '../../src/db/api-keys';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';

describe('api and worker with --after-restore', () => {
  let world: PayoutWorld;
  let key: string;
  const products: ProductProcess[] = [];

  beforeAll(async () => {
    world = await createPayoutWorld();
    const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
    const subject = { kind: 'system', systemId: 'sys_test', responsiblePersonId: 'per_shop' } as const;
    ({ key } = await createApiKey(world.pool, { role: 'merchant', ...tenant, subject }));
  });
  afterAll(async () => {
    await Promise.all(products.map((product) => product.kill('SIGTERM')));
    await world.close();
  });

  function start(program: 'api' | 'worker', ...args: string[]): ProductProcess {
    const product = startProduct(program, world.env, args);
    products.push(product);
    return product;
  }

  test('the API accepts nothing and shows everything until a worker has reconciled; then payouts are carried', async () => {
    const waiting = await world.accept();
    const api = start('api', '--after-restore');
    const url = `http://127.0.0.1:${await api.port()}/v1/payouts`;
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const post = (): Promise<Response> =>
      fetch(url, {
        method: 'POST',
        headers: { ...headers, 'Idempotency-Key': randomUUID() },
        body: JSON.stringify({
          ...{ amount: '500', currency: 'XOF', description: 'after', method: 'orange_sn' },
          recipient: { msisdn: '+221771000900' },
          customer: { email: 'a@example.com', first_name: 'A', last_name: 'B' },
        }),
      });
    const refused = await post();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30']);
    expect(await refused.json()).toMatchObject({ code: 'restoring' });
    const cancel = await fetch(`${url}/${waiting}/cancel`, { method: 'POST', headers });
    expect(cancel.status).toBe(503);
    expect((await fetch(`${url}/${waiting}`, { headers })).status).toBe(200);

    // Any worker reconciles what is open, with the flag or without it.
    start('worker');
    const accepted = await eventually('it accepts again', async () => {
      const answer = await post();
      return answer.status === 202 && ((await answer.json()) as { id: string });
    });
    await world.untilState(accepted.id, 'succeeded');
    const { rows } = await world.pool.query('select report from restores where released_at is not null');
    expect(rows).toEqual([{ report: expect.objectContaining({ payouts: 1, reviews: 1, strangers: 0 }) as unknown }]);
    expect((await world.payout(waiting)).state).toBe('in_review');
  });

  test.each([['--since', 'yesterday', '--after-restore'], ['--since', '2026-01-01T00:00:00Z'], ['--after-restor']])(
    'a wrong use is refused before anything runs: %s %s %s',
    async (...args) => {
      const worker = start('worker', ...args);
      await once(worker.child, 'close');
      expect(worker.child.exitCode).toBe(1);
      expect(worker.log()).toMatch(/since|after-restor/);
    },
  );
});
