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

/**
 * Takes payouts whose next look-up of every submission is due, whatever their state: an earlier attempt of an open one may have been
 * paid. The look-up itself sets the one after.
 */
export async function claimDueWatches(
  db: Db,
  { limit, recheckMs }: { limit: number; recheckMs: number },
): Promise<readonly { payoutId: string; provider: string }[]> {
  const { rows } = await db.query<{ id: string; provider: string }>(
    `with due as (
       select id from payouts where next_watch_at < clock_timestamp()
       order by next_watch_at limit $1 for update skip locked
     )
     update payouts set next_watch_at = clock_timestamp() + $2 * interval '1 millisecond'
     from due where payouts.id = due.id returning payouts.id, payouts.provider`,
    [limit, recheckMs],
  );
  return rows.map(({ id, provider }) => ({ payoutId: id, provider }));
}
