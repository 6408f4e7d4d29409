import { continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities/activities';
import { bulkTaskQueue } from './contract';

/** Whose events of which bulk one workflow delivers. */
export interface BulkWebhookInput {
  bulkId: string;
  endpointId: string;
  /** Missing in runs that began before merchants had their turn here too. */
  merchantId?: string;
}

/** The gap after a batch that failed doubles from the first to the last. */
const FIRST_GAP_MS = 10_000;
const MAX_GAP_MS = 3_600_000;

/** Batches after which a run continues as new. */
const MAX_ROUNDS = 500;

/**
 * Delivers what is left to tell one endpoint of a bulk and its lines, in batches: an endpoint that is away costs one try in
 * each round, ever more rarely, not one for each line. An event that was tried for days is given up. Terminated, it is
 * started again by the sweeper.
 */
export async function bulkWebhookWorkflow(input: BulkWebhookInput): Promise<void> {
  const { bulkId, endpointId } = input;
  const { drainWebhooks } = proxyActivities<Activities>({
    taskQueue: bulkTaskQueue(workflowInfo().taskQueue.replace(/-workflows$/, '')),
    startToCloseTimeout: '5m',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
    // One merchant's endpoints that are slow do not keep another's events from their turn.
    ...(input.merchantId === undefined ? {} : { priority: { fairnessKey: input.merchantId } }),
    summary: 'deliver webhooks',
  });
  let gapMs = FIRST_GAP_MS;
  for (let round = 0; ; round += 1) {
    if (round >= MAX_ROUNDS) await continueAsNew<typeof bulkWebhookWorkflow>(input);
    const { delivered, failed, open } = await drainWebhooks({ bulkId, endpointId });
    if (open === 0) return;
    if (failed === 0 && delivered > 0) {
      gapMs = FIRST_GAP_MS;
      continue;
    }
    await sleep(gapMs);
    gapMs = Math.min(gapMs * 2, MAX_GAP_MS);
  }
}
