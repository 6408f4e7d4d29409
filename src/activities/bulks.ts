import { setTimeout as sleep } from 'node:timers/promises';

import { cancelled, heartbeat } from '@temporalio/activity';
import type { Pool } from 'pg';

import { readBulkPosition } from '../db/bulk-positions';
import { foldBulkMoves } from '../db/bulk-roll-up';
import { cancelWaitingLines } from '../db/cancel-bulk-lines';
import { completeBulk } from '../db/complete-bulk';
import { handOverLines } from '../db/hand-over-lines';
import { startBulk } from '../db/start-bulk';
import type { BulkPosition } from '../domain/bulk-position';

export interface BulkActivities {
  /** Reads where the bulk stands. */
  readBulk(bulkId: string): Promise<BulkPosition>;
  /** Holds the bulk's amount and sets it running, or says what it waits for. */
  startBulk(bulkId: string): Promise<BulkPosition>;
  /** Sends lines in windows and follows them, until nothing is left to do or its time is over. */
  carryBulk(bulkId: string): Promise<BulkPosition>;
}

export interface BulkActivityDeps {
  pool: Pool;
  bulks: {
    /** Lines of one bulk that may be under way at once. */
    window: number;
    /** Milliseconds between two looks at the roll-up. */
    lookEveryMs: number;
    /** Milliseconds for which one activity carries a bulk; a longer one goes on in the next. */
    carryForMs: number;
  };
}

export function createBulkActivities({ pool, bulks }: BulkActivityDeps): BulkActivities {
  return {
    readBulk: (bulkId) => readBulkPosition(pool, bulkId),

    async startBulk(bulkId) {
      await startBulk(pool, bulkId);
      return await readBulkPosition(pool, bulkId);
    },

    async carryBulk(bulkId) {
      const until = Date.now() + bulks.carryForMs;
      for (;;) {
        await foldBulkMoves(pool, bulkId);
        const position = await readBulkPosition(pool, bulkId);
        heartbeat(position.tally);
        if (position.step !== 'carry' || Date.now() > until) return position;
        const { waiting, underWay } = position.tally;
        if (position.state === 'stopping') await cancelWaitingLines(pool, bulkId);
        if (waiting === 0 && underWay === 0) {
          await completeBulk(pool, bulkId);
          return await readBulkPosition(pool, bulkId);
        }
        if (waiting > 0 && underWay < bulks.window) await handOverLines(pool, bulkId, bulks.window - underWay);
        await Promise.race([sleep(bulks.lookEveryMs), cancelled()]);
      }
    },
  };
}
