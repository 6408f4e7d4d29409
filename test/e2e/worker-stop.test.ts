import { once } from 'node:events';

import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import { startProduct } from '../helpers/product';
import { startTemporalServer } from '../helpers/temporal-server';

/** Of the grace that activities get, of what the SDK takes to give up after it, and of a slow machine. */
const PATIENCE_MS = 3_000 + 10_000 + 5_000 + 20_000;

test('a worker that is told to stop while Temporal answers nothing ends, and says why it could not end well', async () => {
  const temporal = await startTemporalServer();
  const world = await createPayoutWorld({ temporal: temporal.address });
  const worker = startProduct('worker', world.env);
  try {
    await worker.port();
    const ids = await Promise.all(Array.from({ length: 20 }, () => world.accept()));
    await Promise.all(ids.map((id) => world.startRun(id)));
    await eventually('payouts are under way', async () => (await world.states(ids[0]!)).length > 1);
    process.kill(temporal.pid, 'SIGSTOP');
    // Not `exit`: what it wrote last may still be on its way then.
    const closed = once(worker.child, 'close', { signal: AbortSignal.timeout(PATIENCE_MS) });
    worker.child.kill('SIGTERM');
    expect(await closed).toEqual([1, null]);
    expect(worker.log()).toContain('The workers did not stop: ');
  } finally {
    process.kill(temporal.pid, 'SIGCONT');
    await worker.kill();
    await world.close();
    await temporal.close();
  }
});
