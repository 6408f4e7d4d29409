import type { Pool } from 'pg';

import { isCancellable } from './cancel-payout';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/** Lines that have not started, in one statement; their events come with them. Returns how many. */
export async function cancelUnstartedLines(trx: Db, bulkId: string): Promise<number> {
  const { rowCount } = await trx.query(
    `with cancelled as (
       update payouts set state = 'cancelled', reason = 'cancelled_by_merchant', version = version + 1,
         updated_at = clock_timestamp(), finished_at = clock_timestamp()
       where bulk_id = $1 and state = 'accepted' and owner = 'bulk/' || $1
       returning id, version, state, reason
     )
     insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
     select id, version, 'accepted', state, 'system', reason from cancelled`,
    [bulkId],
  );
  return rowCount ?? 0;
}

/**
 * Cancels every line of a stopping bulk of which nothing can have left, and gives back what was held for it. Lines that
 * left, or may have, go their way. May be repeated.
 */
export async function cancelWaitingLines(pool: Pool, bulkId: string): Promise<void> {
  await withTransaction(pool, async (trx) => {
    await cancelUnstartedLines(trx, bulkId);
    await trx.query('select release_bulk_rest($1)', [bulkId]);
  });
  const { rows } = await pool.query<{ id: string }>(
    "select id from payouts where bulk_id = $1 and state in ('queued', 'processing') order by id",
    [bulkId],
  );
  for (const { id } of rows) {
    await withTransaction(pool, async (trx) => {
      const payout = await lockPayout(trx, id);
      if (!(await isCancellable(trx, payout))) return;
      await movePayout(trx, payout, {
        to: 'cancelled',
        actor: 'system',
        reason: 'cancelled_by_merchant',
        settleBy: null,
      });
      await trx.query('select release_hold($1)', [id]);
    });
  }
}
