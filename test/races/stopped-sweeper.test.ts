import { pino } from 'pino';

import { createSweeper } from '../../src/sweeper/sweeper';
import type { SweeperRuns } from '../../src/sweeper/sweeper';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

let world: PayoutWorld;
beforeAll(async () => {
  world = await createPayoutWorld();
});
afterAll(() => world.close());

test('told to stop in the middle of a round, a sweeper ends what is under way and begins nothing more', async () => {
  const { pool } = world;
  await Promise.all(Array.from({ length: 50 }, () => world.accept()));
  await pool.query("update payouts set sweep_after = now() - interval '1 second'");
  const begun: string[] = [];
  let ended = 0;
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const sweeper = createSweeper({
    ...{ pool, logger: pino({ level: 'silent' }), everyMs: 60_000, recheckMs: 60_000 },
    runs: {
      ensure: async (payoutId: string) => {
        begun.push(payoutId);
        await answered;
        ended += 1;
      },
    } as unknown as SweeperRuns,
    claimCallbacks: () => {
      begun.push('callbacks');
      return Promise.resolve([]);
    },
    claimWebhooks: () => {
      begun.push('webhooks');
      return Promise.resolve([]);
    },
  });
  await eventually('starts are under way', () => begun.length > 0);
  const underWay = begun.length;
  const closed = sweeper.close();
  answer();
  await closed;
  expect([underWay, begun.length, ended]).toEqual([10, 10, 10]);
});
