import {
  condition,
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities/activities';
import type { BulkPosition } from '../domain/bulk-position';
import type { Chunk, ChunkEnd } from '../domain/chunk';
import { showBulk, showLines } from './bulk-details';
import { bulkTaskQueue } from './contract';
import type { BulkResult } from './contract';
import { bulkChanged, followDecision } from './messages';

/** How long a run that waits for people sleeps before it reads the bulk again by itself. */
const READ_AGAIN_MS = 6 * 3_600_000;

/** Rounds after which a run continues as new. */
const MAX_ROUNDS = 200;

/** The gap between two rounds without progress doubles from the first to the second. */
const FIRST_GAP_MS = 1_000;
const MAX_GAP_MS = 5 * 60_000;

const { readBulk, startBulk } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '60s',
  localRetryThreshold: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/**
 * One bulk cash-in: (wait for its time) → hold the whole amount → carry its lines, chunk by chunk → follow those that have
 * runs of their own → end. It begins by reading where the bulk stands, so that a run started again goes on where the bulk
 * is; the state of each line stands in the database only.
 */
export async function bulkCashInWorkflow(bulkId: string): Promise<BulkResult> {
  const run = createBulkRun();
  let position = await readBulk(bulkId);
  for (let round = 0; ; round += 1) {
    if (run.isLong(position, round)) await continueAsNew<typeof bulkCashInWorkflow>(bulkId);
    showBulk(position);
    switch (position.step) {
      case 'wait_for_time':
        await run.wait(position.dueInMs);
        position = await readBulk(bulkId);
        break;
      case 'start':
        if (position.dueInMs > 0) await run.wait(position.dueInMs);
        position = await startBulk(bulkId);
        break;
      case 'retry':
        position = await run.steps(position).retryFailedLines(bulkId);
        break;
      case 'carry':
        position = await run.carry(position);
        break;
      case 'follow':
        position = await run.steps(position).followBulk(bulkId);
        break;
      case 'wait_for_people':
        await run.wait(Math.min(position.dueInMs || READ_AGAIN_MS, READ_AGAIN_MS));
        position = await readBulk(bulkId);
        break;
      case 'close':
        return { bulkId, state: position.state };
      default:
        return position.step satisfies never;
    }
  }
}

function createBulkRun() {
  let isNews = false;
  let carried = 0;
  /** When each chunk was begun last, by its first line: the number of chunks that had been begun by then. */
  const begun = new Map<number, number>();
  let gapMs = FIRST_GAP_MS;
  const hear = (): undefined => void (isNews = true);
  setHandler(bulkChanged, hear);
  setHandler(followDecision, hear);

  async function wait(ms: number): Promise<void> {
    await condition(() => isNews, ms);
    isNews = false;
  }

  /** One merchant's bulk does not keep another's from its turn. */
  function steps({ merchantId }: BulkPosition): Pick<Activities, 'retryFailedLines' | 'carryLines' | 'followBulk'> {
    return proxyActivities<Activities>({
      taskQueue: bulkTaskQueue(workflowInfo().taskQueue.replace(/-workflows$/, '')),
      startToCloseTimeout: '30m',
      heartbeatTimeout: '20s',
      retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
      priority: { fairnessKey: merchantId },
      summary: 'lines of a bulk',
    });
  }

  /**
   * Each chunk once, so many at a time; once something keeps all lines from leaving, only what left is followed. Those
   * that have not been begun for longest come first: what keeps a chunk may be of a line of its own. What chunks tell of
   * themselves decides it, so that runs whose chunks told nothing yet go on as they began.
   */
  async function carryEach(position: BulkPosition): Promise<readonly ChunkEnd[]> {
    const { carryLines } = steps(position);
    const turnOf = ({ from }: Chunk): number => begun.get(from) ?? 0;
    let queue = position.chunks.toSorted((one, other) => turnOf(one) - turnOf(other));
    const ends: ChunkEnd[] = [];
    const carryOn = async (): Promise<void> => {
      for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) {
        carried += 1;
        if (!chunk.followsOnly) begun.set(chunk.from, carried);
        const end = await carryLines(chunk);
        ends.push(end);
        showLines(position, end.tally);
        if (end.waits === null) continue;
        queue = queue.filter(({ hasLeft }) => hasLeft).map((left) => ({ ...left, followsOnly: true }));
      }
    };
    await Promise.all(Array.from({ length: position.chunksAtOnce }, carryOn));
    return ends;
  }

  return {
    wait,
    steps,

    isLong: (position: BulkPosition, round: number): boolean =>
      round >= MAX_ROUNDS || carried >= position.chunksPerRun || workflowInfo().continueAsNewSuggested,

    async carry(position: BulkPosition): Promise<BulkPosition> {
      const ends = await carryEach(position);
      const next = await readBulk(position.bulkId);
      const isStuck = ends.some(({ left, waits }) => left > 0 || waits !== null);
      const isForward = next.tally.resting > position.tally.resting || next.state !== position.state;
      gapMs = isForward ? FIRST_GAP_MS : Math.min(gapMs * 2, MAX_GAP_MS);
      if (!isStuck || next.step !== 'carry') return next;
      await wait(gapMs);
      return await readBulk(position.bulkId);
    },
  };
}
