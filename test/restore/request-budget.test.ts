import { pino } from 'pino';

import { createProviderAccess } from '../../src/activities/provider-access';
import { createProviders } from '../../src/providers/registry';
import { reconcileProviders } from '../../src/restore/reconcile-provider';
import { createPayoutEvidence } from '../../src/temporal/payout-evidence';
import { createCountingBudget } from '../helpers/counting-budget';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

const PAGE_SIZE = 2;

/** Makes the provider pay, without a payout of ours. */
async function pay(world: PayoutWorld, count: number): Promise<void> {
  const { orange } = world.providers;
  const account = {
    clientId: 'sandbox-client',
    clientSecret: 'sandbox-secret',
    accountNumber: ACCOUNT,
    idType: 'MSISDN',
  } as const;
  const token = (await orange.authenticate(account)).value;
  const encryptedPin = orange.account.encryptPin(PIN, await orange.account.fetchEncryptionKey(account, token));
  for (let paid = 0; paid < count; paid += 1) {
    const recipient = world.recipientOf('success');
    const order = { reference: `other_${paid}`, amount: 1_000n, currency: 'XOF', recipient, account };
    const sendBy = new Date(Date.now() + 30_000);
    const { outcome } = await orange.submit({ ...order, token, encryptedPin }, () => Promise.resolve('go'), sendBy);
    expect(outcome).toBe('settled');
  }
}

describe('a reconciliation with a provider', () => {
  let world: PayoutWorld;
  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  test('takes the request of every page from the account’s budget', async () => {
    await pay(world, 5);
    const { pool, vault, settings, simulator } = world;
    const budget = createCountingBudget();
    const providers = createProviders({ orange: { baseUrl: simulator.url, bulkPageSize: PAGE_SIZE } });
    const access = createProviderAccess({
      ...{ pool, budget, providers, sealing: vault },
      fingerprintPin: (...pin: [string, string, string]) => vault.fingerprintPin(...pin),
    });
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
