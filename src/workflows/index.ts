export { bulkCashInWorkflow } from './bulk-cash-in';
export { bulkWebhookWorkflow } from './bulk-webhook';
export { payoutWorkflow } from './payout';
export {
  lateSettlementCheckWorkflow,
  payoutWatchWorkflow,
  providerBalanceWorkflow,
  retryCheckWorkflow,
} from './questions';
export { webhookWorkflow } from './webhook';
