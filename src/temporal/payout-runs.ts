import { setTimeout as sleep } from 'node:timers/promises';

import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Client, WorkflowStartOptions } from '@temporalio/client';

import type { Bulk } from '../domain/bulk';
import type { PayoutStart } from '../domain/payout-start';
import {
  BULK_CASH_IN_WORKFLOW,
  BULK_CHANGED_SIGNAL,
  BULK_WEBHOOK_WORKFLOW,
  FOLLOW_DECISION_UPDATE,
  LATE_SETTLEMENT_CHECK_WORKFLOW,
  PAYOUT_CHANGED_SIGNAL,
  PAYOUT_PROGRESS_QUERY,
  PAYOUT_WORKFLOW,
  PROVIDER_BALANCE_WORKFLOW,
  PROVIDER_REPORTED_SIGNAL,
  RETRY_CHECK_WORKFLOW,
  WEBHOOK_WORKFLOW,
  bulkWebhookWorkflowId,
  bulkWorkflowId,
  lateSettlementCheckWorkflowId,
  payoutWorkflowId,
  webhookWorkflowId,
  workflowTaskQueue,
} from '../workflows/contract';
import type { PayoutProgress, RunProgress } from '../workflows/contract';
import { readPendingStep } from './pending-step';
import { SEARCH_ATTRIBUTE_KEYS } from './search-attributes';

/** A change of a bulk's row that somebody asked for: its version is the decision's number. */
export type BulkDecision = Pick<Bulk, 'id' | 'version'>;

export type BulkStart = Pick<Bulk, 'id' | 'merchantId' | 'environment' | 'state'>;

export interface PayoutRunsOptions {
  client: Client;
  taskQueuePrefix: string;
  /** Milliseconds for which a webhook is tried again. */
  webhookRetryForMs: number;
  findPayoutStart: (payoutId: string) => Promise<PayoutStart | null>;
  findBulk: (bulkId: string) => Promise<BulkStart | null>;
  /** Called once a run has heard of a callback. */
  markCallbackApplied: (callbackId: string) => Promise<void>;
}

export interface ProviderBalance {
  amount: string;
  currency: string;
  at: string;
}

/** The engine as the API and the sweeper see it. */
export interface PayoutRuns {
  start(payout: PayoutStart): Promise<void>;
  ensure(payoutId: string, options: { nudge: boolean }): Promise<void>;
  /** Makes sure that the bulk has a run. */
  ensureBulk(bulkId: string): Promise<void>;
  bulkChanged(bulkId: string): Promise<void>;
  bulkDecided(decision: BulkDecision): Promise<void>;
  startLateSettlementCheck(credentialId: string, provider: string): Promise<void>;
  startWebhook(eventId: string, endpointId: string): Promise<void>;
  startBulkWebhook(bulkId: string, endpointId: string): Promise<void>;
  signalChanged(payoutId: string): Promise<void>;
  signalReported(payoutId: string, callbackId: string): Promise<void>;
  progress(payoutId: string): Promise<RunProgress | null>;
  checkRetry(check: { payoutId: string; provider: string; after: bigint }): Promise<void>;
  providerBalance(credentialId: string, provider: string): Promise<ProviderBalance | null>;
}

/** Milliseconds that one call to the engine may take; a client would retry for longer while it is down. */
const CALL_LIMIT_MS = 10_000;
const PROGRESS_LIMIT_MS = 1_000;
/** Milliseconds to say at once that a question cannot be asked. */
const ASK_START_LIMIT_MS = 3_000;
/** Milliseconds that a merchant's request waits for a provider to be asked. */
const RETRY_CHECK_LIMIT_MS = 30_000;
const BALANCE_LIMIT_MS = 5_000;
/** Milliseconds for which a balance is shown again with its time: who polls it must not use up the account's requests. */
const BALANCE_FRESH_MS = 30_000;

/** Uniqueness lives in PostgreSQL: an id may run again, and one that runs is left alone. */
const ONE_AT_A_TIME = {
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
  workflowTaskTimeout: '10s',
} as const;

export function createPayoutRuns(options: PayoutRunsOptions): PayoutRuns {
  const { client } = options;
  const taskQueue = workflowTaskQueue(options.taskQueuePrefix);
  const balances = new Map<string, ProviderBalance>();

  const limited = <T>(ms: number, call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + ms, call);

  function payoutOptions(payout: PayoutStart): WorkflowStartOptions & { workflowId: string; taskQueue: string } {
    return {
      ...ONE_AT_A_TIME,
      taskQueue,
      workflowId: payoutWorkflowId(payout.id),
      args: [payout.id],
      staticSummary: `${payout.method} payout`,
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTE_KEYS.merchant, value: payout.merchantId },
        { key: SEARCH_ATTRIBUTE_KEYS.environment, value: payout.environment },
        { key: SEARCH_ATTRIBUTE_KEYS.status, value: payout.state },
        { key: SEARCH_ATTRIBUTE_KEYS.method, value: payout.method },
        { key: SEARCH_ATTRIBUTE_KEYS.provider, value: payout.provider },
      ],
    };
  }

  function bulkOptions(
    bulk: BulkStart,
  ): WorkflowStartOptions & typeof ONE_AT_A_TIME & { workflowId: string; taskQueue: string } {
    return {
      ...ONE_AT_A_TIME,
      taskQueue,
      workflowId: bulkWorkflowId(bulk.id),
      args: [bulk.id],
      staticSummary: 'bulk cash-in',
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTE_KEYS.merchant, value: bulk.merchantId },
        { key: SEARCH_ATTRIBUTE_KEYS.environment, value: bulk.environment },
        { key: SEARCH_ATTRIBUTE_KEYS.status, value: bulk.state },
      ],
    };
  }

  /** Asks by a workflow of its own, since the provider is called by workers only; null where nobody answers in time. */
  async function ask<T>(
    workflow: string,
    { workflowId, args, limitMs }: { workflowId: string; args: unknown[]; limitMs: number },
  ): Promise<T | null> {
    const start = { ...ONE_AT_A_TIME, taskQueue, workflowId, args, workflowRunTimeout: limitMs };
    const asked = limited(ASK_START_LIMIT_MS, () => client.workflow.start(workflow, start))
      .then((handle) => limited(limitMs, () => handle.result() as Promise<T>))
      .catch(() => null);
    return await within(limitMs, asked);
  }

  return {
    async start(payout) {
      await limited(CALL_LIMIT_MS, () => client.workflow.start(PAYOUT_WORKFLOW, payoutOptions(payout)));
    },

    async ensure(payoutId, { nudge }) {
      const payout = await options.findPayoutStart(payoutId);
      if (!payout) return;
      const start = payoutOptions(payout);
      await limited<unknown>(CALL_LIMIT_MS, () =>
        nudge
          ? client.workflow.signalWithStart(PAYOUT_WORKFLOW, { ...start, signal: PAYOUT_CHANGED_SIGNAL })
          : client.workflow.start(PAYOUT_WORKFLOW, start),
      );
    },

    async ensureBulk(bulkId) {
      const bulk = await options.findBulk(bulkId);
      if (bulk) await limited(CALL_LIMIT_MS, () => client.workflow.start(BULK_CASH_IN_WORKFLOW, bulkOptions(bulk)));
    },

    async bulkChanged(bulkId) {
      const bulk = await options.findBulk(bulkId);
      if (!bulk) return;
      const start = { ...bulkOptions(bulk), signal: BULK_CHANGED_SIGNAL };
      await limited(CALL_LIMIT_MS, () => client.workflow.signalWithStart(BULK_CASH_IN_WORKFLOW, start));
    },

    async bulkDecided({ id, version }) {
      const bulk = await options.findBulk(id);
      if (!bulk) return;
      const decisionId = `${id}/${version}`;
      await limited(CALL_LIMIT_MS, () =>
        client.workflow.startUpdateWithStart(FOLLOW_DECISION_UPDATE, {
          startWorkflowOperation: new WithStartWorkflowOperation(BULK_CASH_IN_WORKFLOW, bulkOptions(bulk)),
          updateId: decisionId,
          args: [decisionId],
          waitForStage: 'ACCEPTED',
        }),
      );
    },

    async startLateSettlementCheck(credentialId, provider) {
      await limited(CALL_LIMIT_MS, () =>
        client.workflow.start(LATE_SETTLEMENT_CHECK_WORKFLOW, {
          ...ONE_AT_A_TIME,
          taskQueue,
          workflowId: lateSettlementCheckWorkflowId(credentialId),
          args: [credentialId, provider],
        }),
      );
    },

    async startWebhook(eventId, endpointId) {
      await limited(CALL_LIMIT_MS, () =>
        client.workflow.start(WEBHOOK_WORKFLOW, {
          ...ONE_AT_A_TIME,
          taskQueue,
          workflowId: webhookWorkflowId(eventId, endpointId),
          args: [{ eventId, endpointId, retryForMs: options.webhookRetryForMs }],
        }),
      );
    },

    async startBulkWebhook(bulkId, endpointId) {
      const bulk = await options.findBulk(bulkId);
      if (!bulk) return;
      await limited(CALL_LIMIT_MS, () =>
        client.workflow.start(BULK_WEBHOOK_WORKFLOW, {
          ...ONE_AT_A_TIME,
          taskQueue,
          workflowId: bulkWebhookWorkflowId(bulkId, endpointId),
          args: [{ bulkId, endpointId, merchantId: bulk.merchantId }],
        }),
      );
    },

    async signalChanged(payoutId) {
      const handle = client.workflow.getHandle(payoutWorkflowId(payoutId));
      await limited(CALL_LIMIT_MS, () => handle.signal(PAYOUT_CHANGED_SIGNAL));
    },

    async signalReported(payoutId, callbackId) {
      const handle = client.workflow.getHandle(payoutWorkflowId(payoutId));
      await limited(CALL_LIMIT_MS, () => handle.signal(PROVIDER_REPORTED_SIGNAL, callbackId));
      await options.markCallbackApplied(callbackId);
    },

    async progress(payoutId) {
      const handle = client.workflow.getHandle(payoutWorkflowId(payoutId));
      const inTime = <T>(call: () => Promise<T>): Promise<T | null> =>
        within(
          PROGRESS_LIMIT_MS,
          limited(PROGRESS_LIMIT_MS, call).catch(() => null),
        );
      const [progress, run] = await Promise.all([
        inTime(() => handle.query<PayoutProgress>(PAYOUT_PROGRESS_QUERY)),
        inTime(() => handle.describe()),
      ]);
      const pending = progress && run && readPendingStep(run.raw.pendingActivities ?? [], progress.step);
      return (
        progress && {
          ...progress,
          nextAt: progress.nextAt ?? pending?.nextAt ?? null,
          attempt: pending?.attempt ?? null,
        }
      );
    },

    async checkRetry({ payoutId, provider, after }) {
      await ask(RETRY_CHECK_WORKFLOW, {
        workflowId: `retry-check/${payoutId}/${after}`,
        args: [payoutId, provider],
        limitMs: RETRY_CHECK_LIMIT_MS,
      });
    },

    async providerBalance(credentialId, provider) {
      const known = balances.get(credentialId);
      if (known && Date.now() - Date.parse(known.at) < BALANCE_FRESH_MS) return known;
      const balance = await ask<ProviderBalance>(PROVIDER_BALANCE_WORKFLOW, {
        workflowId: `balance/${credentialId}`,
        args: [credentialId, provider],
        limitMs: BALANCE_LIMIT_MS,
      });
      if (balance) balances.set(credentialId, balance);
      return balance;
    },
  };
}

async function within<T>(ms: number, work: Promise<T | null>): Promise<T | null> {
  const limit = new AbortController();
  try {
    return await Promise.race([work, sleep(ms, null, { signal: limit.signal, ref: false }).catch(() => null)]);
  } finally {
    limit.abort();
  }
}
