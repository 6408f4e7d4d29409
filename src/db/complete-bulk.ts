import type { Pool } from 'pg';

import { isBulkRetrying, lockBulk } from './bulk-rows';
import { moveBulk } from './move-bulk';
import { withTransaction } from './transaction';

/** Ends a running or stopping bulk once every line is final or in review, counted from the lines themselves. */
export async function completeBulk(pool: Pool, bulkId: string): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const bulk = await lockBulk(trx, bulkId);
    if (bulk.state !== 'running' && bulk.state !== 'stopping') return;
    if (await isBulkRetrying(trx, bulkId)) return;
    const isStopping = bulk.state === 'stopping';
    const { rows } = await trx.query<{ resting: number; paid: number; reviewed: number }>(
      `select count(*) filter (where state in ('succeeded', 'failed', 'cancelled', 'returned', 'in_review'))::int as resting,
         count(*) filter (where state = 'succeeded')::int as paid,
         count(*) filter (where state = 'in_review')::int as reviewed
       from payouts where bulk_id = $1`,
      [bulkId],
    );
    const { resting = 0, paid = 0, reviewed = 0 } = rows[0] ?? {};
    if (resting < bulk.lineCount) return;
    const detail = `${paid} paid, ${resting - paid - reviewed} not, ${reviewed} in review`;
    await moveBulk(trx, bulk, {
      to: isStopping ? 'cancelled' : 'completed',
      actor: 'system',
      reason: isStopping ? 'all_lines_stopped' : 'all_lines_rest',
      detail,
    });
  });
}
