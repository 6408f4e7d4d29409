import type { ApiConfig } from './deps';
import type { Route } from './route';
import { acceptPayoutRoute } from './routes/accept-payout';
import { balanceRoute, methodsRoute } from './routes/account';
import { callbackRoute } from './routes/callbacks';
import { cancelPayoutRoute } from './routes/cancel-payout';
import { codecRoutes } from './routes/codec';
import { controlBulkRoutes } from './routes/control-bulk';
import { decideBulkRoutes } from './routes/decide-bulk';
import { docsRoutes } from './routes/docs';
import { listBulksRoute } from './routes/list-bulks';
import { listPayoutsRoute } from './routes/list-payouts';
import { operatorRoutes } from './routes/operator';
import { patchPayoutRoute } from './routes/patch-payout';
import { payoutEventsRoute, readPayoutRoute } from './routes/read-payout';
import {
  bulkErrorsFileRoute,
  bulkErrorsRoute,
  bulkItemsRoute,
  bulkResultRoute,
  readBulkRoute,
} from './routes/read-bulk';
import { receiveBulkRoute } from './routes/receive-bulk';
import { retryBulkRoute } from './routes/retry-bulk';
import { retryPayoutRoute } from './routes/retry-payout';
import { livenessRoute, readinessRoute } from './routes/service';
import { streamBulkRoute } from './routes/stream-bulk';
import { listDeliveriesRoute, redeliverRoute } from './routes/webhook-deliveries';
import { webhookEndpointRoutes } from './routes/webhook-endpoints';

/** Every route of the API; the app is mounted and the OpenAPI document written from this list. */
export function createRoutes(config: Pick<ApiConfig, 'PUBLIC_URL'>): readonly Route[] {
  const routes: readonly Route[] = [
    acceptPayoutRoute,
    listPayoutsRoute,
    readPayoutRoute,
    patchPayoutRoute,
    payoutEventsRoute,
    cancelPayoutRoute,
    retryPayoutRoute,
    receiveBulkRoute,
    listBulksRoute,
    readBulkRoute,
    streamBulkRoute,
    ...controlBulkRoutes,
    ...decideBulkRoutes,
    retryBulkRoute,
    bulkItemsRoute,
    bulkErrorsRoute,
    bulkErrorsFileRoute,
    bulkResultRoute,
    methodsRoute,
    balanceRoute,
    callbackRoute,
    ...webhookEndpointRoutes,
    listDeliveriesRoute,
    redeliverRoute,
    ...operatorRoutes,
    ...codecRoutes,
    livenessRoute,
    readinessRoute,
  ];
  return [...routes, ...docsRoutes(routes, config)];
}
