import type { Db } from './pool';

/** Takes bulks that are under way and due to be looked after, with a lease: whoever has none gets a run. */
export async function claimDueBulks(
  db: Db,
  { limit, recheckMs }: { limit: number; recheckMs: number },
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `with due as (
       select id from bulks where sweep_after < clock_timestamp()
         and state not in ('receiving', 'invalid', 'completed', 'rejected', 'cancelled')
       order by sweep_after limit $1 for update skip locked
     )
     update bulks set sweep_after = clock_timestamp() + $2 * interval '1 millisecond'
     from due where bulks.id = due.id returning bulks.id`,
    [limit, recheckMs],
  );
  return rows.map(({ id }) => id);
}

/** Bulks of which nothing came for minutes: their sender or the process that received them is gone. */
export async function claimAbandonedBulks(db: Db, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from bulks where state = 'receiving' and sweep_after < clock_timestamp() order by sweep_after limit $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}
