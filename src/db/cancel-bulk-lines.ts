import type { Pool } from 'pg';

import { bulkOwner } from '../domain/bulk';
import type { Reason } from '../domain/reasons';
import { webhookEventOf } from '../domain/webhook-event';
import type { OnRefused } from './refusals';
import { isCancellable } from './cancel-payout';
import { SENT_AGAIN_SINCE_CANCEL } from './decided-lines';
import { movePayout } from './move-payout';
import { noticesSql } from './notices-sql';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { sparingLines } from './sparing-lines';

/** Lines that one statement ends; one transaction too where it keeps the float's row. */
const AT_ONCE = 2_000;

type CancelReason = Extract<Reason, 'cancelled_by_merchant' | 'bulk_rejected'>;

/** Cancels all lines of a bulk that has not begun, which holds nothing for them; their events come with them. */
export async function cancelUnstartedLines(trx: Db, bulkId: string, reason: CancelReason): Promise<void> {
  for (;;) {
    const ids = await lockWaitingLines(trx, bulkId);
    await cancelLines(trx, ids, reason);
    if (ids.length < AT_ONCE) return;
  }
}

/** Ids of the next lines of which nothing has left. */
async function lockWaitingLines(trx: Db, bulkId: string): Promise<readonly string[]> {
  const { rows } = await trx.query<{ id: string }>(
    `select id from payouts
     where bulk_id = $1 and owner = 'bulk/' || bulk_id and state in ('accepted', 'queued')
     order by id limit $2 for no key update`,
    [bulkId, AT_ONCE],
  );
  return rows.map(({ id }) => id);
}

/** In one statement; the caller has them locked. By their ids beside the join, so that no plan reads the whole table. */
async function cancelLines(trx: Db, ids: readonly string[], reason: CancelReason): Promise<void> {
  await trx.query(
    `with waiting as (
       select id, state as was from payouts where id = any ($1)
     ), cancelled as (
       update payouts set state = 'cancelled', reason = $3, version = version + 1,
         updated_at = clock_timestamp(), finished_at = clock_timestamp(), sweep_after = 'infinity'
       from waiting where payouts.id = waiting.id and payouts.id = any ($1)
       returning payouts.*, was, $2::text as event_type
     ), event as (
       insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
       select id, version, was, state, 'system', reason from cancelled
     ), notices as (${noticesSql('cancelled')}
     )
     select from cancelled`,
    [ids, webhookEventOf('cancelled'), reason],
  );
}

/**
 * Cancels every line of a stopping bulk of which nothing can have left, and gives back what was held for it. Lines that
 * left, or may have, go their way; a line of which PostgreSQL refuses it goes before people. May be repeated.
 */
export async function cancelWaitingLines(
  pool: Pool,
  { bulkId, onRefused }: { bulkId: string; onRefused: OnRefused },
): Promise<void> {
  let gone: number;
  do {
    gone = await sparingLines(pool, onRefused, async (trx, spare) => {
      const lines = (await lockWaitingLines(trx, bulkId)).map((payoutId) => ({ payoutId }));
      const { done, refused } = await spare(lines, async (some) => {
        const ids = some.map(({ payoutId }) => payoutId);
        await cancelLines(trx, ids, 'cancelled_by_merchant');
        const causes = ids.map(() => bulkOwner(bulkId));
        await trx.query("select close_bulk_parts($1, 'release', $2, $3)", [bulkId, ids, causes]);
        return ids;
      });
      return done.length + refused.filter(({ payout }) => payout.state === 'in_review').length;
    });
  } while (gone === AT_ONCE);
  await cancelHandedOver(pool, bulkId, onRefused);
}

async function cancelHandedOver(pool: Pool, bulkId: string, onRefused: OnRefused): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from payouts
     where bulk_id = $1 and owner = 'payout/' || id and state in ('queued', 'processing') and not ${SENT_AGAIN_SINCE_CANCEL}
     order by id`,
    [bulkId],
  );
  for (const { id } of rows) {
    await sparingLines(pool, onRefused, async (trx, spare) => {
      const payout = await lockPayout(trx, id);
      if (!(await isCancellable(trx, payout))) return;
      await spare([{ payoutId: id }], async () => {
        const move = { to: 'cancelled', actor: 'system', reason: 'cancelled_by_merchant', settleBy: null } as const;
        const cancelled = await movePayout(trx, payout, move);
        await trx.query('select release_hold($1)', [id]);
        return [cancelled];
      });
    });
  }
}
