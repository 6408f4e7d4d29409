import { createMerchant, payoutRequest } from '../merchant';
import type { World } from '../world';
import { payoutWorkflowId } from '../../src/workflows/contract';
import type { Contender } from './contender';

/** The product as it is deployed: a payout is accepted by HTTP, its run started by the API. */
export function createCauri(
  world: World,
  options: { apiUrl: string; connections: number; nextIndex: () => number; patienceMs: number },
): Contender {
  const merchant = createMerchant({
    apiUrl: options.apiUrl,
    key: world.keys.merchantKey,
    connections: options.connections,
  });
  return {
    name: 'cauri',
    what: 'POST /v1/payouts → api → worker → webhook, with PostgreSQL',
    async pay() {
      const payoutId = await merchant.send(payoutRequest(options.nextIndex()).body);
      await world.inbox.succeeded(payoutId, options.patienceMs);
      return payoutWorkflowId(payoutId);
    },
  };
}
