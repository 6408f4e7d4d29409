import { aroundStatements } from '../helpers/kill-pool';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { expectAllowedHistory } from './allowed-history';
import { createWorkerProcess } from './worker-process';

/** What PostgreSQL says to the one of two waiting sessions that it lets go. */
const DEADLOCK = Object.assign(new Error('deadlock detected'), { code: '40P01' });

describe('an answer whose transaction loses a deadlock', () => {
  let world: PayoutWorld;
  let losses = 0;
  beforeAll(async () => {
    world = await createPayoutWorld();
    const pool = aroundStatements(world.pool, async ({ sql }, run) => {
      if (losses > 0 && sql.includes('update submissions set outcome')) {
        losses -= 1;
        throw DEADLOCK;
      }
      return await run();
    });
    await world.startWorkers(createWorkerProcess({ ...world, pool }));
  });
  afterAll(() => world.close());

  test.each(['success', 'rejected'] as const)('is written again (%s)', async (scenario) => {
    losses = 2;
    const id = await world.accept({ recipient: world.recipientOf(scenario) });
    await world.startRun(id);
    await world.untilState(id, scenario === 'success' ? 'succeeded' : 'failed');
    expect(losses).toBe(0);
    const { outcomes } = await expectAllowedHistory(world, id);
    expect(outcomes).toHaveLength(1);
  });
});
