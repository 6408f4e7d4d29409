import type { ProviderId } from '../domain/methods';
import { ProviderError } from '../providers/provider';
import { NoRequestLeft } from './operator';
import type { OperatorContext } from './operator';

/**
 * Takes an account's requests from the budget that all workers share, before they are sent, and waits a short while for
 * them. Throws `NoRequestLeft`.
 */
export async function spendRequests(
  { budget }: OperatorContext,
  account: { provider: ProviderId; accountNumber: string },
  count: number,
): Promise<void> {
  try {
    for (let spent = 0; spent < count; spent += 1) await budget.spend(account);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw new NoRequestLeft(
      'payouts use all requests of this account for now (ORANGE_REQUESTS_PER_MINUTE): the call was not made, try again in a minute',
    );
  }
}
