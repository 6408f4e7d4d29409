import type { Pool } from 'pg';

import type { Books } from './judge';

/** Cauri's own books as its database has them: checked against themselves, never used to judge what was paid. */
export async function readBooks(pool: Pool): Promise<Books> {
  const { rows } = await pool.query<{ sum: string; stray: string }>(
    `select (select coalesce(sum(balance), 0) from ledger_accounts) as sum,
       (select count(*) from holds join payouts on holds.owner = payouts.owner and holds.hold_no = payouts.hold_no
        where holds.closed_by is null and payouts.state in ('succeeded', 'failed', 'cancelled', 'returned')) as stray`,
  );
  return { sum: Number(rows[0]?.sum), strayHolds: Number(rows[0]?.stray) };
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
