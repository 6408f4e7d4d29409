import type { Pool } from 'pg';

import type { Books } from './judge';

/** Cauri's own books as its database has them: checked against themselves, never used to judge what was paid. */
export async function readBooks(pool: Pool): Promise<Books> {
  const { rows } = await pool.query<{ sum: string; stray: string }>(
    `select (select coalesce(sum(balance), 0) from ledger_accounts) as sum,
       (select count(*) from holds join payouts on holds.owner = payouts.owner and holds.hold_no = payouts.hold_no
        where payouts.state in ('succeeded', 'failed', 'cancelled', 'returned') and case
          when payouts.owner = 'bulk/' || payouts.bulk_id then not exists (
            select from bulk_parts part where part.payout_id = payouts.id and part.hold_no = payouts.hold_no)
          else holds.closed_by is null end) as stray`,
  );
  return {
    sum: Number(rows[0]?.sum),
    strayHolds: Number(rows[0]?.stray),
    wrongRollUps: await findWrongRollUps(pool),
  };
}

/** Each bulk's roll-up beside a full count of its lines. */
async function findWrongRollUps(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ bulk_id: string }>(
    `with told as (
       select bulk_id, state, sum(lines) as lines, sum(amount) as amount from (
         select bulk_id, state, lines, amount from bulk_counts
         union all select bulk_id, from_state, -1, -amount from bulk_moves
         union all select bulk_id, to_state, 1, amount from bulk_moves
       ) change group by bulk_id, state
     ), counted as (
       select bulk_id, state, count(*) as lines, sum(amount) as amount from payouts
       where bulk_id is not null group by bulk_id, state
     )
     select distinct bulk_id from told full join counted using (bulk_id, state)
     where coalesce(told.lines, 0) <> coalesce(counted.lines, 0) or coalesce(told.amount, 0) <> coalesce(counted.amount, 0)`,
  );
  return rows.map(({ bulk_id }) => bulk_id);
}

/** Payouts that are not with the provider yet. */
export async function countWaiting(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    `select count(*) from payouts where state in ('scheduled', 'queued', 'processing')`,
  );
  return Number(rows[0]?.count);
}

/** Payouts that are being carried at this moment: open, and changed lately. What waits for people is not counted. */
export async function countUnderWay(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    `select count(*) from payouts
     where state in ('scheduled', 'queued', 'processing', 'pending')
        or (state in ('unknown', 'in_review') and updated_at > clock_timestamp() - interval '10 seconds')`,
  );
  return Number(rows[0]?.count);
}
