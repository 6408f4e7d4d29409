import type { Client } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow';
import { tsToDate } from '@temporalio/common/lib/time';
import type { temporal } from '@temporalio/proto';

import type { Chunk } from '../domain/chunk';
import {
  BULK_CASH_IN_WORKFLOW,
  bulkWorkflowId,
  CARRY_ACTIVITY,
  RETRY_LINES_ACTIVITY,
  workflowTaskQueue,
} from '../workflows/contract';

/** What the engine's histories say that was done to a bulk's lines within a time. */
export interface CarriedSeen {
  /** Lines that may have been sent, and the run that had them. */
  chunks: readonly { from: number; to: number; runId: string }[];
  /** Whether failed lines may have been taken back. */
  hasRetried: boolean;
}

/** The engine as a witness of what the database lost of bulks. */
export interface BulkEvidence {
  /** What was under way at any moment of that time, or null where the engine knows no run of the bulk. */
  carriedWithin(bulkId: string, time: { since: Date; until: Date }): Promise<CarriedSeen | null>;
  /** Ids of the bulks of which a run was started since then. */
  bulksStartedSince(since: Date): AsyncIterable<string>;
}

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

export function createBulkEvidence(client: Client, taskQueuePrefix: string): BulkEvidence {
  const ours = `WorkflowType = "${BULK_CASH_IN_WORKFLOW}" AND TaskQueue = "${workflowTaskQueue(taskQueuePrefix)}"`;
  const converter = client.options.loadedDataConverter;

  async function read(events: readonly HistoryEvent[], runId: string, time: { since: Date; until: Date }) {
    const closedAt = new Map(events.flatMap((event) => closing(event)));
    const chunks: { from: number; to: number; runId: string }[] = [];
    let hasRetried = false;
    for (const { eventId, eventTime, activityTaskScheduledEventAttributes: scheduled } of events) {
      const name = scheduled?.activityType?.name;
      if (name !== CARRY_ACTIVITY && name !== RETRY_LINES_ACTIVITY) continue;
      const closed = closedAt.get(String(eventId));
      if (dateOf(eventTime) >= time.until || (closed !== undefined && closed < time.since)) continue;
      if (name === RETRY_LINES_ACTIVITY) hasRetried = true;
      else
        chunks.push({ ...(await decodeFromPayloadsAtIndex<Chunk>(converter, 0, scheduled?.input?.payloads)), runId });
    }
    return { chunks, hasRetried };
  }

  return {
    async carriedWithin(bulkId, time) {
      const workflowId = bulkWorkflowId(bulkId);
      const seen: CarriedSeen[] = [];
      for await (const { runId } of client.workflow.list({ query: `${ours} AND WorkflowId = "${workflowId}"` })) {
        const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        seen.push(await read(events ?? [], runId, time));
      }
      if (seen.length === 0) return null;
      return {
        chunks: seen.flatMap(({ chunks }) => chunks),
        hasRetried: seen.some(({ hasRetried }) => hasRetried),
      };
    },

    async *bulksStartedSince(since) {
      const query = `${ours} AND StartTime >= "${since.toISOString()}"`;
      for await (const { workflowId } of client.workflow.list({ query })) {
        yield workflowId.slice(bulkWorkflowId('').length);
      }
    },
  };
}

/** When an activity ended, by the number of the event that scheduled it; retries of the engine are one activity. */
function closing(event: HistoryEvent): [string, Date][] {
  const closed =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  return closed ? [[String(closed.scheduledEventId), dateOf(event.eventTime)]] : [];
}

function dateOf(time: HistoryEvent['eventTime']): Date {
  if (!time) throw new Error('an event of a history has no time');
  return tsToDate(time);
}
