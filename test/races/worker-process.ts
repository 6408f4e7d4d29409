import { pino } from 'pino';

import { createActivities } from '../../src/activities/activities';
import type { Activities } from '../../src/activities/activities';
import { createProviderAccess } from '../../src/activities/provider-access';
import { createRequestBudget } from '../../src/activities/request-budget';
import type { Providers } from '../../src/providers/registry';
import { BULK_SETTINGS } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

/** The activities of another worker process of the world: nothing in memory is shared with the next one. */
export function createWorkerProcess(world: PayoutWorld, providers: Providers = world.providers): Activities {
  const { pool, vault, settings, requestsPerMinute } = world;
  const budget = createRequestBudget({ pool, requestsPerMinute, patienceMs: 5_000 });
  return createActivities({
    ...{ pool, budget, settings, logger: pino({ level: 'silent' }), sealing: vault },
    access: createProviderAccess({
      ...{ pool, sealing: vault, providers, budget },
      fingerprintPin: (provider, account, pin) => vault.fingerprintPin(provider, account, pin),
    }),
    bulks: BULK_SETTINGS,
    webhooks: { timeoutMs: 10_000, allowLoopback: true, retryForMs: 3 * 24 * 3_600_000 },
  });
}
