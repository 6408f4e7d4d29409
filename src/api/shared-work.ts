import { createAcceptQueue } from '../db/accept-queue';
import { findPrincipal } from '../db/api-keys';
import { findRouteCredential } from '../db/routes';
import { shareReads } from '../db/shared-reads';
import type { ApiDeps, SharedWork } from './deps';
import { createStartQueue } from './start-queue';

export function createSharedWork({ pool, runs, logger, config }: ApiDeps): SharedWork {
  const findRoute = shareReads((route) =>
    findRouteCredential(pool, JSON.parse(route) as Parameters<SharedWork['findRouteCredential']>[0]),
  );
  const { accept, isBusy } = createAcceptQueue(pool);
  return {
    accept,
    startRun: createStartQueue({ runs, logger, isBusy, atOnce: config.MAX_STARTS_IN_FLIGHT }),
    findPrincipal: shareReads((key) => findPrincipal(pool, key)),
    findRouteCredential: ({ merchantId, environment, operator }) =>
      findRoute(JSON.stringify({ merchantId, environment, operator })),
  };
}
