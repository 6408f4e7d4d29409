import { createLookUpRound } from '../../src/activities/look-up-round';
import { createCountedAccess, payAtProvider } from '../helpers/counted-requests';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';

const PAGE_SIZE = 2;

describe('a look-up of one payout', () => {
  let world: PayoutWorld;
  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  test.each(['open', 'all'] as const)(
    'takes the request of every page from the account’s budget (%s)',
    async (scope) => {
      const { pool, settings, simulator } = world;
      const { id, submissions } = await standPayout(world, { state: 'unknown', outcomes: ['unknown'] });
      // As no provider should under one reference: its rows fill pages.
      await payAtProvider(
        world,
        Array.from({ length: 5 }, () => submissions[0]!),
      );
      const { access, budget } = createCountedAccess(world, { lookUpPageSize: PAGE_SIZE });
      const requests = (): number => simulator.requests().pinFree;
      const [before, searched] = [requests(), simulator.requests().byEndpoint.search];
      await createLookUpRound({ pool, access, budget, settings })(id, scope);
      expect(simulator.requests().byEndpoint.search - searched).toBe(3);
      expect(budget.spent()).toBe(requests() - before);
    },
  );
});
