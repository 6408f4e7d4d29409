import { createLookUpRound } from '../../src/activities/look-up-round';
import { createProviderAccess } from '../../src/activities/provider-access';
import { createProviders } from '../../src/providers/registry';
import { createCountingBudget } from '../helpers/counting-budget';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';

const PAGE_SIZE = 2;

describe('a look-up of one payout', () => {
  let world: PayoutWorld;
  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  /** Makes the provider pay under one reference so many times, as no provider should: its rows fill pages. */
  async function pay(reference: string, times: number): Promise<void> {
    const { orange } = world.providers;
    const client = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };
    const account = { ...client, accountNumber: ACCOUNT, idType: 'MSISDN' } as const;
    const token = (await orange.authenticate(account)).value;
    const encryptedPin = orange.account.encryptPin(PIN, await orange.account.fetchEncryptionKey(account, token));
    for (let paid = 0; paid < times; paid += 1) {
      const recipient = world.recipientOf('success');
      const order = { reference, amount: 1_000n, currency: 'XOF', recipient, account, token, encryptedPin };
      const sendBy = new Date(Date.now() + 30_000);
      const { outcome } = await orange.submit(order, () => Promise.resolve('go'), sendBy);
      expect(outcome).toBe('settled');
    }
  }

  test.each(['open', 'all'] as const)(
    'takes the request of every page from the account’s budget (%s)',
    async (scope) => {
      const { pool, vault, settings, simulator } = world;
      const { id, submissions } = await standPayout(world, { state: 'unknown', outcomes: ['unknown'] });
      await pay(submissions[0]!, 5);
      const budget = createCountingBudget();
      const providers = createProviders({ orange: { baseUrl: simulator.url, lookUpPageSize: PAGE_SIZE } });
      const access = createProviderAccess({
        ...{ pool, budget, providers, sealing: vault },
        fingerprintPin: (...pin: [string, string, string]) => vault.fingerprintPin(...pin),
      });
      const requests = (): number => simulator.requests().pinFree;
      const [before, searched] = [requests(), simulator.requests().byEndpoint.search];
      await createLookUpRound({ pool, access, budget, settings })(id, scope);
      expect(simulator.requests().byEndpoint.search - searched).toBe(3);
      expect(budget.spent()).toBe(requests() - before);
    },
  );
});
