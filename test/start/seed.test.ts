import { seedDevelopment } from '../../src/seed';
import { createCountingBudget } from '../helpers/counting-budget';
import { createPayoutWorld } from '../helpers/payout-world';

test('the seeding takes each of its requests from the account’s budget', async () => {
  const world = await createPayoutWorld();
  try {
    const budget = createCountingBudget();
    const webhookUrl = 'http://127.0.0.1:9/webhooks';
    // The seeded merchant gets the account that the world's own has a credential for: only one may hold it.
    await world.pool.query('update credentials set verified_at = null');
    await seedDevelopment({ ...world, budget }, { webhookUrl, hasKeys: false });
    const { pinFree, pinBearing } = world.simulator.requests();
    expect(pinFree + pinBearing).toBe(3);
    expect(budget.spent()).toBe(3);
  } finally {
    await world.close();
  }
});
