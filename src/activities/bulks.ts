import { setTimeout as sleep } from 'node:timers/promises';

import { cancelled, heartbeat } from '@temporalio/activity';

import type { BulkDrainKey } from '../db/bulk-outbox';
import { readBulkPosition } from '../db/bulk-positions';
import { foldBulkMoves } from '../db/bulk-roll-up';
import { cancelWaitingLines } from '../db/cancel-bulk-lines';
import { completeBulk } from '../db/complete-bulk';
import { alarmOfLines } from '../db/refusals';
import { startBulk } from '../db/start-bulk';
import type { BulkPosition } from '../domain/bulk-position';
import type { Chunk, ChunkEnd } from '../domain/chunk';
import { createBulkNotices } from './bulk-notices';
import type { TriedCount } from './bulk-notices';
import { createCarryLines } from './lines/carry-lines';
import type { LineDeps } from './lines/line-deps';
import { createRetryFailedLines } from './lines/retry-lines';
import type { WebhookActivityDeps } from './webhooks';

export interface BulkActivities {
  /** Reads where the bulk stands. */
  readBulk(bulkId: string): Promise<BulkPosition>;
  /** Holds the bulk's amount and sets it running, or says what it waits for. */
  startBulk(bulkId: string): Promise<BulkPosition>;
  /** Looks for the failed lines of a bulk that is being retried, and takes those back that may be sent again. */
  retryFailedLines(bulkId: string): Promise<BulkPosition>;
  /** Sends a chunk's lines and follows them. */
  carryLines(chunk: Chunk): Promise<ChunkEnd>;
  /** Follows lines that have runs of their own, and ends the bulk with the last; until there is something else to do. */
  followBulk(bulkId: string): Promise<BulkPosition>;
  /** Delivers one batch of what is left to tell an endpoint. */
  drainWebhooks(key: BulkDrainKey): Promise<TriedCount & { open: number }>;
}

export function createBulkActivities(deps: LineDeps & WebhookActivityDeps): BulkActivities {
  const { pool, bulks } = deps;
  const notices = createBulkNotices(deps);
  // A bulk takes every request that it can get: single payouts of the account have theirs before it.
  const lineDeps = { ...deps, budget: deps.budget.yielding };
  const retryFailedLines = createRetryFailedLines(lineDeps);
  const read = (bulkId: string): Promise<BulkPosition> => readBulkPosition(pool, bulkId, bulks);

  return {
    readBulk: read,

    async startBulk(bulkId) {
      await startBulk(pool, bulkId, bulks);
      return await read(bulkId);
    },

    async retryFailedLines(bulkId) {
      await retryFailedLines(bulkId);
      await notices.tryBulk(bulkId);
      return await read(bulkId);
    },

    carryLines: createCarryLines({ ...lineDeps, notices }),

    drainWebhooks: (key) => notices.drain(key),

    async followBulk(bulkId) {
      const until = Date.now() + bulks.carryForMs;
      for (;;) {
        await foldBulkMoves(pool, bulkId);
        let position = await read(bulkId);
        heartbeat(position.tally);
        if (position.state === 'stopping') {
          await cancelWaitingLines(pool, { bulkId, onRefused: alarmOfLines(deps.logger, bulkId) });
          position = await read(bulkId);
        }
        if (position.step !== 'follow' || Date.now() > until) return position;
        if (position.tally.waiting + position.tally.underWay === 0) {
          await completeBulk(pool, bulkId);
          await notices.tryBulk(bulkId);
          return await read(bulkId);
        }
        await Promise.race([sleep(bulks.lookEveryMs), cancelled()]);
      }
    },
  };
}
