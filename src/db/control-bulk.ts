import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import type { BulkReason, BulkState } from '../domain/bulk-state';
import type { Actor } from '../domain/principal';
import { lockBulk } from './bulk-rows';
import { cancelUnstartedLines, cancelWaitingLines } from './cancel-bulk-lines';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
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

export interface ControlAnswer {
  result: 'done' | 'done_before' | 'refused';
  bulk: Bulk;
}

/**
 * Pauses, resumes or cancels a bulk by a change of its row, which every line's intent looks at under its lock: from the
 * commit on no further line leaves. Works with Temporal stopped.
 */
export async function controlBulk(
  pool: Pool,
  { bulkId, control, actor }: { bulkId: string; control: BulkControl; actor: Actor },
): Promise<ControlAnswer> {
  const { moves, done, reason } = CONTROLS[control];
  const answer = await withTransaction(pool, async (trx): Promise<ControlAnswer> => {
    const bulk = await lockBulk(trx, bulkId);
    const to = moves[bulk.state];
    if (to === undefined) return { result: done.includes(bulk.state) ? 'done_before' : 'refused', bulk };
    const moved = await moveBulk(trx, bulk, { to, actor, reason });
    // A run that does not hear of it is told by the sweeper.
    await trx.query(
      "update bulks set nudged = true, sweep_after = clock_timestamp() + interval '5 seconds' where id = $1",
      [bulkId],
    );
    // Nothing of it was started or held: its lines end with it.
    if (to === 'cancelled') await cancelUnstartedLines(trx, bulkId, { reason: 'cancelled_by_merchant' });
    return { result: 'done', bulk: moved };
  });
  if (answer.result === 'done' && answer.bulk.state === 'stopping') await cancelWaitingLines(pool, bulkId);
  if (answer.result === 'done' && control === 'resume') await wakeQueuedPayouts(pool, { reasons: ['bulk_waits'] });
  return answer;
}

/** Calls of a bulk's lines that are written down and whose answer is not known yet. */
export async function countOpenCalls(db: Db, bulkId: string): Promise<number> {
  const { rows } = await db.query<{ open: number }>(
    `select count(*)::int as open from payouts
     where bulk_id = $1 and state in ('processing', 'pending', 'unknown')`,
    [bulkId],
  );
  return rows[0]?.open ?? 0;
}
