import type { Db } from '../pool';

/** Look-ups after `failed` that were due ten minutes ago and not made. */
export async function countOverdueLateChecks(db: Db): Promise<{ overdue: number; oldest: Date | null }> {
  const { rows } = await db.query<{ overdue: number; oldest: Date | null }>(
    `select count(*)::integer as overdue, min(next_watch_at) as oldest from payouts
     where next_watch_at < clock_timestamp() - interval '10 minutes'`,
  );
  return rows[0] ?? { overdue: 0, oldest: null };
}
