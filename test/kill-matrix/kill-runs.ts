import { randomUUID } from 'node:crypto';

import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

import { payoutWorkflowId } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';

/** Ends a payout's run from outside, as an operator may in the Temporal UI. */
export async function terminateRun(client: Client, payoutId: string): Promise<void> {
  await client.workflow.getHandle(payoutWorkflowId(payoutId)).terminate('test').catch(unlessThereIsNone);
}

/**
 * Asks a payout's run to cancel, as an operator may in the Temporal UI, and waits until its worker is told: where it waits for
 * a local activity, when its workflow task is prolonged, at 80 % of 10 seconds, and later on a busy machine.
 */
export async function cancelRun(client: Client, payoutId: string): Promise<void> {
  const handle = client.workflow.getHandle(payoutWorkflowId(payoutId));
  await handle.cancel().catch(unlessThereIsNone);
  const { EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED: asked, EVENT_TYPE_WORKFLOW_TASK_STARTED: told } =
    temporal.api.enums.v1.EventType;
  await eventually(`the run of ${payoutId} is told`, async () => {
    // One that has ended is told nothing.
    const status = (await handle.describe().catch(unlessThereIsNone))?.status.name;
    if (status !== 'RUNNING') return true;
    const types = (await handle.fetchHistory()).events?.map(({ eventType }) => eventType) ?? [];
    return types.includes(asked) && types.lastIndexOf(told) > types.indexOf(asked);
  });
}

/** A payout that no sweeper has started yet, or that was carried to its end, has no run. */
function unlessThereIsNone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}

/**
 * Sets a payout's run back to its first workflow task, as an operator may in the Temporal UI; the run is ended by that.
 * The event named is the task's start: the server takes it as it does the task's end, which a first task that still
 * waits for its local activities does not have. What is reset may be closed.
 */
export async function resetRun(client: Client, payoutId: string): Promise<void> {
  const handle = client.workflow.getHandle(payoutWorkflowId(payoutId));
  const { runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const started = temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED;
  const first = events?.find(({ eventType }) => eventType === started)?.eventId;
  if (first == null) throw new Error(`no worker has the run of ${payoutId} yet`);
  await client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: payoutWorkflowId(payoutId), runId },
    reason: 'test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: first,
  });
}
