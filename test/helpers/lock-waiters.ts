import type { Db } from '../../src/db/pool';

/** Process ids of the sessions of this database that wait for a lock, with a statement like the pattern. */
export async function listLockWaiters(db: Db, pattern = '%'): Promise<readonly number[]> {
  const { rows } = await db.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and query ilike $1`,
    [pattern],
  );
  return rows.map(({ pid }) => pid);
}
