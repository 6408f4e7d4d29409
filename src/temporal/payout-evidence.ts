import type { Client } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow';
import type { temporal } from '@temporalio/proto';

import type { Position } from '../domain/position';
import { PAYOUT_WORKFLOW, payoutWorkflowId, SUBMIT_ACTIVITY, workflowTaskQueue } from '../workflows/contract';
import { createBulkEvidence } from './bulk-evidence';
import type { BulkEvidence } from './bulk-evidence';

/** What the engine's histories say of one attempt to send a payout. */
export interface SubmitSeen {
  attempt: number;
  runId: string;
  /** True where the attempt ended as proven not to have moved money: the payout was back in its queue. */
  isProvenUnpaid: boolean;
}

/** The engine as a witness of what the database lost. */
export interface PayoutEvidence extends BulkEvidence {
  /** Every attempt of the payout in any of its runs, or null where the engine knows no run of it. */
  submitsOf(payoutId: string): Promise<readonly SubmitSeen[] | null>;
  /** Ids of the payouts whose runs were started since then. */
  payoutsStartedSince(since: Date): AsyncIterable<string>;
}

export function createPayoutEvidence(client: Client, taskQueuePrefix: string): PayoutEvidence {
  const ours = `WorkflowType = "${PAYOUT_WORKFLOW}" AND TaskQueue = "${workflowTaskQueue(taskQueuePrefix)}"`;
  return {
    ...createBulkEvidence(client, taskQueuePrefix),

    async submitsOf(payoutId) {
      const workflowId = payoutWorkflowId(payoutId);
      const seen: SubmitSeen[] = [];
      let runs = 0;
      for await (const { runId } of client.workflow.list({ query: `${ours} AND WorkflowId = "${workflowId}"` })) {
        runs += 1;
        const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        seen.push(...(await submitsIn(client, events ?? [], runId)));
      }
      return runs === 0 ? null : seen;
    },

    async *payoutsStartedSince(since) {
      const query = `${ours} AND StartTime >= "${since.toISOString()}"`;
      for await (const { workflowId } of client.workflow.list({ query })) {
        yield workflowId.slice(payoutWorkflowId('').length);
      }
    },
  };
}

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

async function submitsIn(client: Client, events: readonly HistoryEvent[], runId: string): Promise<SubmitSeen[]> {
  const converter = client.options.loadedDataConverter;
  const results = new Map(
    events.flatMap(({ activityTaskCompletedEventAttributes: completed }) =>
      completed ? [[String(completed.scheduledEventId), completed.result?.payloads] as const] : [],
    ),
  );
  const seen: SubmitSeen[] = [];
  for (const { eventId, activityTaskScheduledEventAttributes: scheduled } of events) {
    if (scheduled?.activityType?.name !== SUBMIT_ACTIVITY) continue;
    const { attempt } = await decodeFromPayloadsAtIndex<{ attempt: number }>(converter, 0, scheduled.input?.payloads);
    const result = results.get(String(eventId));
    const position = result ? await decodeFromPayloadsAtIndex<Position>(converter, 0, result) : null;
    seen.push({ attempt, runId, isProvenUnpaid: position?.state === 'queued' });
  }
  return seen;
}
