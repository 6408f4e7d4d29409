import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from '@temporalio/client';

import { median } from './median';

/** Histories read per contender. */
const SAMPLE = 20;

/** The median number of events of the given runs, from their histories as the server keeps them. */
export async function eventsPerWorkflow(client: Client, workflowIds: readonly string[]): Promise<number> {
  const step = Math.max(1, Math.floor(workflowIds.length / SAMPLE));
  const lengths: number[] = [];
  for (let index = 0; index < workflowIds.length; index += step) {
    const history = await client.workflow.getHandle(workflowIds[index] ?? '').fetchHistory();
    lengths.push(history.events?.length ?? 0);
  }
  return median(lengths);
}

const PATIENCE_MS = 60_000;

/** Waits until no run is open, so that what one contender left is not counted as the next one's. @throws Error after 60 s. */
export async function untilAllClosed(client: Client): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { count } = await client.workflow.count('ExecutionStatus = "Running"');
    if (count === 0) return;
    if (Date.now() > deadline) throw new Error(`${count} runs are still open`);
    await delay(200);
  }
}
