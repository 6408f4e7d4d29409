import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import type { Actor } from '../domain/principal';
import { readBulkRollUp } from './bulk-roll-up';
import { lockBulk } from './bulk-rows';
import { lineCounts } from './control-bulk';
import type { LineCounts } from './control-bulk';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { findLinesSentAgain } from './sent-again';
import { withTransaction } from './transaction';

export interface RetryBulk {
  bulkId: string;
  actor: Actor;
  /** The version of the completed bulk as the caller saw it. */
  expectedVersion: number;
  /** Days for which the same amount to the same recipient counts as sent again. */
  duplicateDays: number;
}

export interface RetryBulkAnswer {
  /**
   * `changed`: it is at another version than the caller saw. `nothing_failed`: no line of it is failed. `sent_again`: every
   * failed line was sent again since.
   */
  result: 'done' | 'done_before' | 'refused' | 'changed' | 'nothing_failed' | 'sent_again';
  /** Failed lines that were sent again since and stay as they are: the first of them. */
  sentAgain: readonly { line: number; by: string }[];
  bulk: Bulk;
  counts: LineCounts;
}

/**
 * Takes a completed bulk up again for its failed lines, by a change of its row alone: its run looks them up and takes them
 * back. Works with Temporal stopped. The same one again, however late, finds it done.
 */
export async function retryBulk(
  pool: Pool,
  { bulkId, actor, expectedVersion, duplicateDays }: RetryBulk,
): Promise<RetryBulkAnswer> {
  return await withTransaction(pool, async (trx): Promise<RetryBulkAnswer> => {
    const bulk = await lockBulk(trx, bulkId);
    const rollUp = await readBulkRollUp(trx, bulkId);
    const counts = lineCounts(rollUp);
    const again = await findLinesSentAgain(trx, { bulkId, days: duplicateDays, limit: SHOWN });
    const sentAgain = again.first;
    if (await isDone(trx, bulk, expectedVersion)) return { result: 'done_before', bulk, counts, sentAgain };
    if (bulk.state !== 'completed') return { result: 'refused', bulk, counts, sentAgain };
    if (expectedVersion !== bulk.version) return { result: 'changed', bulk, counts, sentAgain };
    if (rollUp.failed === undefined) return { result: 'nothing_failed', bulk, counts, sentAgain };
    if (again.count === rollUp.failed.lines) return { result: 'sent_again', bulk, counts, sentAgain };
    // A run that does not hear of it is told by the sweeper.
    await trx.query(
      `update bulks set hold_no = hold_no + 1, retrying = true, nudged = true,
         sweep_after = clock_timestamp() + interval '5 seconds'
       where id = $1`,
      [bulkId],
    );
    const detail = `${rollUp.failed.lines} failed`;
    const moved = await moveBulk(trx, bulk, { to: 'running', actor, reason: 'retry_failed', detail });
    return { result: 'done', bulk: moved, counts, sentAgain };
  });
}

/** Lines that an answer names. */
const SHOWN = 100;

/** Whether the bulk was retried from that version, whatever came of it. */
async function isDone(trx: Db, bulk: Bulk, expectedVersion: number): Promise<boolean> {
  const { rowCount } = await trx.query(
    "select 1 from bulk_events where bulk_id = $1 and sequence = $2::bigint + 1 and reason = 'retry_failed'",
    [bulk.id, expectedVersion],
  );
  return rowCount === 1;
}
