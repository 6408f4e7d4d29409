import type { Db } from './pool';

export interface DueBulk {
  bulkId: string;
  /** Something changed that its run should read now. */
  nudged: boolean;
}

/** Takes bulks that are under way and due to be looked after, with a lease: whoever has none gets a run. */
export async function claimDueBulks(
  db: Db,
  { limit, recheckMs }: { limit: number; recheckMs: number },
): Promise<readonly DueBulk[]> {
  const { rows } = await db.query<{ id: string; was_nudged: boolean }>(
    `with due as (
       select id, nudged from bulks where sweep_after < clock_timestamp()
         and state not in ('receiving', 'invalid', 'completed', 'rejected', 'cancelled')
       order by sweep_after limit $1 for update skip locked
     )
     update bulks set sweep_after = clock_timestamp() + $2 * interval '1 millisecond', nudged = false
     from due where bulks.id = due.id returning bulks.id, due.nudged as was_nudged`,
    [limit, recheckMs],
  );
  return rows.map(({ id, was_nudged }) => ({ bulkId: id, nudged: was_nudged }));
}

/** Bulks of which nothing came for minutes: their sender or the process that received them is gone. */
export async function claimAbandonedBulks(db: Db, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from bulks where state = 'receiving' and sweep_after < clock_timestamp() order by sweep_after limit $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}
