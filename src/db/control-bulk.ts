import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import type { BulkReason, BulkState } from '../domain/bulk-state';
import type { PayoutState } from '../domain/payout-state';
import type { Actor } from '../domain/principal';
import type { OnRefused } from './refusals';
import { readBulkRollUp } from './bulk-roll-up';
import type { BulkRollUp } from './bulk-roll-up';
import { lockBulk } from './bulk-rows';
import { cancelUnstartedLines, cancelWaitingLines } from './cancel-bulk-lines';
import { moveBulk } from './move-bulk';
import { reviewLostLines } from './review-lost-lines';
import { withTransaction } from './transaction';
import { wakeQueuedPayouts } from './wake-payouts';

export const BULK_CONTROLS = ['pause', 'resume', 'cancel'] as const;

export type BulkControl = (typeof BULK_CONTROLS)[number];

/** Where each control leads from where, and where it was followed already. */
const CONTROLS: Readonly<
  Record<BulkControl, { moves: Partial<Record<BulkState, BulkState>>; done: readonly BulkState[]; reason: BulkReason }>
> = {
  pause: { moves: { running: 'paused' }, done: ['paused'], reason: 'paused_by_merchant' },
  resume: { moves: { paused: 'running' }, done: ['running'], reason: 'resumed_by_merchant' },
  cancel: {
    moves: {
      ready: 'cancelled',
      awaiting_approval: 'cancelled',
      scheduled: 'cancelled',
      awaiting_float: 'cancelled',
      running: 'stopping',
      paused: 'stopping',
    },
    done: ['stopping', 'cancelled'],
    reason: 'cancelled_by_merchant',
  },
};

/** Lines of a bulk at the moment of its change, counted in the same transaction. */
export interface LineCounts {
  /** Their call was written down, and may have left. */
  intentsWritten: number;
  /** Nothing of them has left: a pause keeps them, a cancel ends them, at once or by now. */
  linesStopped: number;
  /** Nobody can tell yet whether they are paid. */
  unknown: number;
}

export function lineCounts(rollUp: BulkRollUp): LineCounts {
  const of = (state: PayoutState): number => rollUp[state]?.lines ?? 0;
  return {
    intentsWritten: of('processing') + of('pending'),
    linesStopped: of('accepted') + of('queued') + of('cancelled'),
    unknown: of('unknown'),
  };
}

export interface ControlRequest {
  bulkId: string;
  control: BulkControl;
  actor: Actor;
  onRefused: OnRefused;
}

export interface ControlAnswer {
  result: 'done' | 'done_before' | 'refused';
  bulk: Bulk;
  counts: LineCounts;
}

/**
 * Pauses, resumes or cancels a bulk by a change of its row, which every line's intent looks at under its lock: from the
 * commit on no further line leaves. Works with Temporal stopped.
 */
export async function controlBulk(
  pool: Pool,
  { bulkId, control, actor, onRefused }: ControlRequest,
): Promise<ControlAnswer> {
  const { moves, done, reason } = CONTROLS[control];
  const answer = await withTransaction(pool, async (trx): Promise<ControlAnswer> => {
    const bulk = await lockBulk(trx, bulkId);
    // No intent commits while the bulk is locked: what is counted here is what the change meets.
    const counts = lineCounts(await readBulkRollUp(trx, bulkId));
    const to = moves[bulk.state];
    if (to === undefined) return { result: done.includes(bulk.state) ? 'done_before' : 'refused', bulk, counts };
    const moved = await moveBulk(trx, bulk, { to, actor, reason });
    // A run that does not hear of it is told by the sweeper.
    await trx.query(
      `update bulks set nudged = true, sweep_after = clock_timestamp() + interval '5 seconds',
         retrying = retrying and state <> 'stopping'
       where id = $1`,
      [bulkId],
    );
    // Nothing of it was started or held: its lines end with it.
    if (to === 'cancelled') {
      await cancelUnstartedLines(trx, bulkId, 'cancelled_by_merchant');
      await reviewLostLines(trx, bulkId);
    }
    return { result: 'done', bulk: moved, counts };
  });
  if (answer.result === 'done' && answer.bulk.state === 'stopping') {
    await cancelWaitingLines(pool, { bulkId, onRefused });
  }
  if (answer.result === 'done' && control === 'resume') await wakeQueuedPayouts(pool, { reasons: ['bulk_waits'] });
  return answer;
}
