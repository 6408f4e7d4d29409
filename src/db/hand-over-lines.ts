import type { Pool } from 'pg';

import { isBulkRunning } from './bulk-rows';
import { withTransaction } from './transaction';

/**
 * Hands the next lines of a running bulk over to runs of their own (rule 3): the owner, the part of the hold and the state
 * change in one transaction, which holds the bulk's row so that a pause or cancel comes before or after it. The sweeper
 * starts their runs. Returns how many went; none where the bulk does not run.
 */
export async function handOverLines(pool: Pool, bulkId: string, most: number): Promise<number> {
  return await withTransaction(pool, async (trx) => {
    if (!(await isBulkRunning(trx, bulkId))) return 0;
    const { rows } = await trx.query<{ id: string }>(
      `select id from payouts where bulk_id = $1 and state = 'accepted' and owner = 'bulk/' || $1
       order by bulk_line limit $2 for no key update skip locked`,
      [bulkId, most],
    );
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    await trx.query('select hand_over_holds($1, $2)', [bulkId, ids]);
    await trx.query(
      `with handed as (
         update payouts set owner = 'payout/' || id, state = 'queued', reason = 'handed_over', version = version + 1,
           updated_at = clock_timestamp(), sweep_after = clock_timestamp()
         where id = any ($1) returning id, version, state, reason
       )
       insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
       select id, version, 'accepted', state, 'system', reason from handed`,
      [ids],
    );
    return ids.length;
  });
}
