import type { ApiConfig } from './deps';
import type { Route } from './route';
import { acceptPayoutRoute } from './routes/accept-payout';
import { cancelPayoutRoute } from './routes/cancel-payout';
import { docsRoutes } from './routes/docs';
import { payoutEventsRoute, readPayoutRoute } from './routes/read-payout';
import { livenessRoute, metricsRoute, readinessRoute } from './routes/service';

/** Every route of the API; the app is mounted and the OpenAPI document written from this list. */
export function createRoutes(config: ApiConfig): readonly Route[] {
  const routes: readonly Route[] = [
    acceptPayoutRoute,
    readPayoutRoute,
    payoutEventsRoute,
    cancelPayoutRoute,
    livenessRoute,
    readinessRoute,
    metricsRoute,
  ];
  return [...routes, ...docsRoutes(routes, config)];
}
