import type { Pool } from 'pg';

import type { Db } from '../../src/db/pool';

/** Rows of a table that a piece of work reads, by scans and by indexes together; within one transaction, rolled back. */
export async function rowsRead(pool: Pool, table: string, work: (db: Db) => Promise<unknown>): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const before = await readCounter(client, table);
    await work(client);
    return (await readCounter(client, table)) - before;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

async function readCounter(db: Db, table: string): Promise<number> {
  const { rows } = await db.query<{ read: string | null }>(
    `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read from pg_stat_xact_user_tables where relname = $1`,
    [table],
  );
  return Number(rows[0]?.read ?? 0);
}
