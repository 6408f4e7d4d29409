import type { Pool } from 'pg';

import type { Chunk } from '../domain/chunk';
import { isBulkRunning } from './bulk-rows';
import { withTransaction } from './transaction';

/**
 * Puts the lines of a range that have not begun into the queue, in one statement: what is held for the whole holds for
 * them. None where the bulk does not run.
 */
export async function queueLines(pool: Pool, { bulkId, from, to }: Chunk): Promise<void> {
  await withTransaction(pool, async (trx) => {
    if (!(await isBulkRunning(trx, bulkId))) return;
    await trx.query(
      `with begun as (
         update payouts set state = 'queued', reason = 'bulk_began', version = version + 1,
           updated_at = clock_timestamp()
         where bulk_id = $1 and bulk_line between $2 and $3 and owner = 'bulk/' || bulk_id and state = 'accepted'
         returning id, version, state, reason
       )
       insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
       select id, version, 'accepted', state, 'system', reason from begun`,
      [bulkId, from, to],
    );
  });
}
