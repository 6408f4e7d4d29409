import { createProviderAccess } from '../../src/activities/provider-access';
import type { ProviderAccess } from '../../src/activities/provider-access';
import { createProviders } from '../../src/providers/registry';
import { createCountingBudget } from './counting-budget';
import { ACCOUNT, NO_LIVE_PROVIDER, PIN } from './payout-world';
import type { PayoutWorld } from './payout-world';

type Orange = Parameters<typeof createProviders>[0]['orange'];

/** Access to the world's provider whose requests are taken from a budget that counts them; `options`: sizes of its pages. */
export function createCountedAccess(
  { pool, vault, simulator }: PayoutWorld,
  options: Omit<Orange, 'baseUrls'>,
): { access: ProviderAccess; budget: ReturnType<typeof createCountingBudget> } {
  const budget = createCountingBudget();
  const providers = createProviders({
    orange: { baseUrls: { sandbox: simulator.url, live: NO_LIVE_PROVIDER }, ...options },
  });
  const access = createProviderAccess({
    ...{ pool, budget, providers, sealing: vault },
    fingerprintPin: (...pin: [string, string, string]) => vault.fingerprintPin(...pin),
  });
  return { access, budget };
}

/** Makes the provider pay once under each of the references, without a payout of ours. */
export async function payAtProvider(world: PayoutWorld, references: readonly string[]): Promise<void> {
  const { sandbox: orange } = world.providers.orange;
  const client = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };
  const account = { ...client, accountNumber: ACCOUNT, idType: 'MSISDN' } as const;
  const token = (await orange.authenticate(account)).value;
  const encryptedPin = orange.account.encryptPin(PIN, await orange.account.fetchEncryptionKey(account, token));
  for (const reference of references) {
    const recipient = world.recipientOf('success');
    const order = { reference, amount: 1_000n, currency: 'XOF', recipient, account, token, encryptedPin };
    const sendBy = new Date(Date.now() + 30_000);
    const { outcome } = await orange.submit(order, () => Promise.resolve('go'), sendBy);
    expect(outcome).toBe('settled');
  }
}
