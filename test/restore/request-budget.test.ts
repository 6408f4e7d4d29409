import { pino } from 'pino';

import { reconcileProviders } from '../../src/restore/reconcile-provider';
import { createPayoutEvidence } from '../../src/temporal/payout-evidence';
import { createCountedAccess, payAtProvider } from '../helpers/counted-requests';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

const PAGE_SIZE = 2;

describe('a reconciliation with a provider', () => {
  let world: PayoutWorld;
  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  test('takes the request of every page from the account’s budget', async () => {
    await payAtProvider(
      world,
      Array.from({ length: 5 }, (_, index) => `other_${index}`),
    );
    const { pool, settings, simulator } = world;
    const { access, budget } = createCountedAccess(world, { bulkPageSize: PAGE_SIZE });
    const requests = (): number => simulator.requests().pinFree;
    const before = requests();
    const engine = createPayoutEvidence(world.client, world.taskQueuePrefix);
    const counts = await reconcileProviders(
      { pool, settings, access, budget, engine, logger: pino({ level: 'silent' }) },
      { id: 'res_test', since: new Date(Date.now() - 3_600_000), startedAt: new Date() },
    );
    expect(counts).toEqual({ transactions: 5, callsFound: 0, strangers: 0 });
    expect(simulator.requests().byEndpoint.search).toBeGreaterThanOrEqual(6);
    expect(budget.spent()).toBe(requests() - before);
  });
});
