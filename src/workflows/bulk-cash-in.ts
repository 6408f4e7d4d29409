import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  condition,
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities/activities';
import type { BulkPosition } from '../domain/bulk-position';
import type { BulkState } from '../domain/bulk-state';
import { bulkTaskQueue } from './contract';
import type { BulkResult } from './contract';
import { bulkChanged } from './messages';

const STATUS = defineSearchAttributeKey('CauriStatus', SearchAttributeType.KEYWORD);

/** How long a run that waits for people sleeps before it reads the bulk again by itself. */
const READ_AGAIN_MS = 6 * 3_600_000;

/** Rounds after which a run continues as new. */
const MAX_ROUNDS = 200;

const { readBulk, startBulk } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '60s',
  localRetryThreshold: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/**
 * One bulk cash-in: (wait for its time) → hold the whole amount → send its lines in windows → follow them to their end.
 * It begins by reading where the bulk stands, so that a run started again goes on where the bulk is.
 */
export async function bulkCashInWorkflow(bulkId: string): Promise<BulkResult> {
  const { carryBulk } = proxyActivities<Activities>({
    taskQueue: bulkTaskQueue(workflowInfo().taskQueue.replace(/-workflows$/, '')),
    startToCloseTimeout: '15m',
    heartbeatTimeout: '20s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary: 'send and follow lines',
  });
  const run = createBulkRun();
  let position = await readBulk(bulkId);
  for (let round = 0; ; round += 1) {
    if (round >= MAX_ROUNDS || workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof bulkCashInWorkflow>(bulkId);
    }
    run.show(position);
    switch (position.step) {
      case 'wait_for_time':
        await run.wait(position.dueInMs);
        position = await readBulk(bulkId);
        break;
      case 'start':
        if (position.dueInMs > 0) await run.wait(position.dueInMs);
        position = await startBulk(bulkId);
        break;
      case 'carry':
        position = await carryBulk(bulkId);
        break;
      case 'wait_for_people':
        await run.wait(READ_AGAIN_MS);
        position = await readBulk(bulkId);
        break;
      case 'close':
        return { bulkId, state: position.state };
      default:
        return position.step satisfies never;
    }
  }
}

function createBulkRun(): { wait(ms: number): Promise<void>; show(position: BulkPosition): void } {
  let isNews = false;
  let status: BulkState | null = null;
  setHandler(bulkChanged, () => {
    isNews = true;
  });
  return {
    async wait(ms) {
      await condition(() => isNews, ms);
      isNews = false;
    },
    show(position) {
      setCurrentDetails(describe(position));
      // The first status was set with the start.
      if (status !== null && position.state !== status) {
        upsertSearchAttributes([{ key: STATUS, value: position.state }]);
      }
      status = position.state;
    },
  };
}

function describe({ bulkId, state, reason, tally, step }: BulkPosition): string {
  return [
    `| bulk | ${bulkId} |`,
    '|---|---|',
    `| state | **${state}** (${reason}) |`,
    `| next step | ${step} |`,
    `| lines waiting | ${tally.waiting} |`,
    `| lines under way | ${tally.underWay} |`,
    `| lines final or in review | ${tally.resting} |`,
  ].join('\n');
}
