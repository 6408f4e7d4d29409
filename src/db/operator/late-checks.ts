import type { Db } from '../pool';

/** Late checks that were due six hours ago and not made, as the alert has it by default. */
export async function countOverdueLateChecks(db: Db): Promise<{ overdue: number; oldest: Date | null }> {
  const { rows } = await db.query<{ overdue: number; oldest: Date | null }>(
    `select count(*)::integer as overdue, min(next_late_check_at) as oldest from late_checks
     where next_late_check_at < clock_timestamp() - interval '6 hours'`,
  );
  return rows[0] ?? { overdue: 0, oldest: null };
}
