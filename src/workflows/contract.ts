import type { BulkState } from '../domain/bulk-state';
import type { PayoutState } from '../domain/payout-state';

/** The public face of the workflows: all that the API, the sweeper and operations may import. Names are for ever. */

export const PAYOUT_WORKFLOW = 'payoutWorkflow';
export const LATE_SETTLEMENT_CHECK_WORKFLOW = 'lateSettlementCheckWorkflow';
export const RETRY_CHECK_WORKFLOW = 'retryCheckWorkflow';
export const PROVIDER_BALANCE_WORKFLOW = 'providerBalanceWorkflow';
export const BULK_CASH_IN_WORKFLOW = 'bulkCashInWorkflow';
export const WEBHOOK_WORKFLOW = 'webhookWorkflow';
export const BULK_WEBHOOK_WORKFLOW = 'bulkWebhookWorkflow';

/** The activities behind which money may move: what histories are searched for after a restore. */
export const SUBMIT_ACTIVITY = 'submitPayout';
export const CARRY_ACTIVITY = 'carryLines';
export const RETRY_LINES_ACTIVITY = 'retryFailedLines';

/** The activities that ask a provider for the final answer, by the step of the run. */
export const ASK_ACTIVITIES = { poll: 'pollStatus', look_up: 'lookUpPayout' } as const;

/** Signals carry ids only. */
export const PROVIDER_REPORTED_SIGNAL = 'providerReported';
export const DECISION_RECORDED_SIGNAL = 'decisionRecorded';
export const PAYOUT_CHANGED_SIGNAL = 'payoutChanged';
export const BULK_CHANGED_SIGNAL = 'bulkChanged';

/** Updates carry a decision's id only, by which the same one is heard once. */
export const FOLLOW_DECISION_UPDATE = 'followDecision';

/** What only the run knows: which step it is at, and until when it waits. */
export const PAYOUT_PROGRESS_QUERY = 'payoutProgress';

export interface PayoutProgress {
  step: string;
  /** ISO 8601; null while something is being done. */
  nextAt: string | null;
}

/** The same with what the engine knows of a step that it repeats. */
export interface RunProgress extends PayoutProgress {
  /** Which try of the step is under way or comes at `nextAt`, from 1; null for steps that the engine does not repeat. */
  attempt: number | null;
}

export interface PayoutResult {
  payoutId: string;
  state: PayoutState;
}

export interface BulkResult {
  bulkId: string;
  state: BulkState;
}

export function payoutWorkflowId(payoutId: string): string {
  return `payout/${payoutId}`;
}

/** By a credential's id: the account's number is no name to show. */
export function lateSettlementCheckWorkflowId(credentialId: string): string {
  return `late-settlement/${credentialId}`;
}

export function bulkWorkflowId(bulkId: string): string {
  return `bulk/${bulkId}`;
}

export function webhookWorkflowId(eventId: string, endpointId: string): string {
  return `webhook/${eventId}/${endpointId}`;
}

/** All that is left to tell an endpoint of one bulk. */
export function bulkWebhookWorkflowId(bulkId: string, endpointId: string): string {
  return `webhook/${bulkId}/${endpointId}`;
}

/** Task queues under the installation's prefix: one for workflows, one per provider for single payouts. */
export function workflowTaskQueue(prefix: string): string {
  return `${prefix}-workflows`;
}

export function providerTaskQueue(prefix: string, provider: string): string {
  return `${prefix}-${provider}`;
}

/** Bulk work has workers' slots of its own, so that it never keeps a single payout from its turn. */
export function bulkTaskQueue(prefix: string): string {
  return `${prefix}-bulk`;
}

/** Search attributes, without personal data: they are stored in clear. */
export const SEARCH_ATTRIBUTES = [
  'CauriMerchant',
  'CauriEnvironment',
  'CauriStatus',
  'CauriMethod',
  'CauriProvider',
] as const;
