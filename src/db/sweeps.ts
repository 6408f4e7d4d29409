import type { Db } from './pool';

export interface DuePayout {
  payoutId: string;
  /** Something changed that its run should read now. */
  nudged: boolean;
}

/**
 * Takes open payouts that are due to be looked after and puts their next look `recheckMs` away, in one statement: the
 * lease stands before anything is started, and a sweeper that dies after it only makes them wait for the next round.
 */
export async function claimDuePayouts(
  db: Db,
  { limit, recheckMs }: { limit: number; recheckMs: number },
): Promise<readonly DuePayout[]> {
  const { rows } = await db.query<{ id: string; was_nudged: boolean }>(
    `with due as (
       select id, nudged from payouts
       where sweep_after < clock_timestamp() and sweep_after < 'infinity'
         and state not in ('accepted', 'succeeded', 'failed', 'cancelled', 'returned')
         and owner = 'payout/' || id
       order by sweep_after limit $1 for update skip locked
     )
     update payouts set sweep_after = clock_timestamp() + $2 * interval '1 millisecond', nudged = false
     from due where payouts.id = due.id returning payouts.id, due.nudged as was_nudged`,
    [limit, recheckMs],
  );
  return rows.map(({ id, was_nudged }) => ({ payoutId: id, nudged: was_nudged }));
}
