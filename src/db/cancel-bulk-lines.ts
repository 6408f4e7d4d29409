import type { Pool } from 'pg';

import { bulkOwner } from '../domain/bulk';
import type { Reason } from '../domain/reasons';
import { webhookEventOf } from '../domain/webhook-event';
import { isCancellable } from './cancel-payout';
import { SENT_AGAIN_SINCE_CANCEL } from './decided-lines';
import { movePayout } from './move-payout';
import { noticesSql } from './notices-sql';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/** Lines that one statement ends; one transaction too where it keeps the float's row. */
const AT_ONCE = 2_000;

type CancelReason = Extract<Reason, 'cancelled_by_merchant' | 'bulk_rejected'>;

/** Cancels all lines of a bulk that has not begun, which holds nothing for them; their events come with them. */
export async function cancelUnstartedLines(trx: Db, bulkId: string, reason: CancelReason): Promise<void> {
  while ((await cancelSomeLines(trx, bulkId, reason)).length === AT_ONCE);
}

/** Lines of which nothing has left, `AT_ONCE` of them in one statement. Returns their ids. */
async function cancelSomeLines(trx: Db, bulkId: string, reason: CancelReason): Promise<readonly string[]> {
  const { rows } = await trx.query<{ id: string }>(
    `with waiting as (
       select id, state as was from payouts
       where bulk_id = $1 and owner = 'bulk/' || bulk_id and state in ('accepted', 'queued')
       order by id limit $2 for no key update
     ), cancelled as (
       update payouts set state = 'cancelled', reason = $4, version = version + 1,
         updated_at = clock_timestamp(), finished_at = clock_timestamp(), sweep_after = 'infinity'
       from waiting where payouts.id = waiting.id
       returning payouts.*, was, $3::text as event_type
     ), event as (
       insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
       select id, version, was, state, 'system', reason from cancelled
     ), notices as (${noticesSql('cancelled')}
     )
     select id from cancelled`,
    [bulkId, AT_ONCE, webhookEventOf('cancelled'), reason],
  );
  return rows.map(({ id }) => id);
}

/**
 * Cancels every line of a stopping bulk of which nothing can have left, and gives back what was held for it. Lines that
 * left, or may have, go their way. May be repeated.
 */
export async function cancelWaitingLines(pool: Pool, bulkId: string): Promise<void> {
  let ended: readonly string[];
  do {
    ended = await withTransaction(pool, async (trx) => {
      const ids = await cancelSomeLines(trx, bulkId, 'cancelled_by_merchant');
      const causes = ids.map(() => bulkOwner(bulkId));
      await trx.query("select close_bulk_parts($1, 'release', $2, $3)", [bulkId, ids, causes]);
      return ids;
    });
  } while (ended.length === AT_ONCE);
  await cancelHandedOver(pool, bulkId);
}

async function cancelHandedOver(pool: Pool, bulkId: string): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from payouts
     where bulk_id = $1 and owner = 'payout/' || id and state in ('queued', 'processing') and not ${SENT_AGAIN_SINCE_CANCEL}
     order by id`,
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
