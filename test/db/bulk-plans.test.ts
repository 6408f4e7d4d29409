import type { Pool } from 'pg';

import { createPool } from '../../src/db/pool';
import type { Db } from '../../src/db/pool';
import { listSubmissionsOf } from '../../src/db/submissions';
import { seedMerchant } from '../helpers/app';
import { createTestDatabase } from '../helpers/postgres';
import { standBulk } from '../helpers/standing-bulk';

/** Lines of the bulk, and of one micro-batch of it. */
const LINES = 5_000;
const BATCH = 64;

/** Rows of a table that one statement may read for each line it is about. */
const MOST_ROWS_PER_LINE = 10;

describe('A batch of lines reads its own rows, however large its bulk and whatever the statistics', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let pool: Pool;
  let merchantId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 2, onIdleError: () => undefined });
    ({ id: merchantId } = await seedMerchant(pool));
    await pool.query("select top_up_float($1, 'sandbox', 'XOF', 100000000, 'top-up')", [merchantId]);
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  test.each(['capture', 'release'])('to close its parts: %s', async (how) => {
    const { payouts, submissions } = await rowsRead((db, bulkId, ids) =>
      db.query('select close_bulk_parts($1, $2, $3, $3)', [bulkId, how, ids]),
    );
    expect(payouts).toBeLessThanOrEqual(BATCH * MOST_ROWS_PER_LINE);
    expect(submissions).toBeLessThanOrEqual(BATCH * MOST_ROWS_PER_LINE);
  });

  test('to list its submissions', async () => {
    const { payouts, submissions } = await rowsRead(async (db, _bulkId, ids) => {
      const found = await listSubmissionsOf(db, ids);
      expect(ids.map((id) => found.get(id)?.length)).toEqual(ids.map(() => 1));
    });
    expect(payouts).toBe(0);
    expect(submissions).toBe(BATCH);
  });

  /** Rows that a piece of work reads while PostgreSQL knows nothing about how full its tables are, by table. */
  async function rowsRead(
    work: (db: Db, bulkId: string, ids: readonly string[]) => Promise<unknown>,
  ): Promise<Record<'payouts' | 'submissions', number>> {
    const client = await pool.connect();
    try {
      // Nobody can analyse what is not committed.
      await client.query('begin');
      const bulkId = await standBulk(client, { merchantId, lines: LINES, state: 'processing', outcome: 'rejected' });
      const { rows } = await client.query<{ id: string }>(
        'select id from payouts where bulk_id = $1 order by bulk_line limit $2',
        [bulkId, BATCH],
      );
      const before = await readCounters(client);
      const ids = rows.map(({ id }) => id);
      await work(client, bulkId, ids);
      const after = await readCounters(client);
      return { payouts: after.payouts - before.payouts, submissions: after.submissions - before.submissions };
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  async function readCounters(db: Db): Promise<Record<'payouts' | 'submissions', number>> {
    const { rows } = await db.query<{ payouts: string; submissions: string }>(
      `select sum(seq_tup_read + idx_tup_fetch) filter (where relname = 'payouts') as payouts,
         sum(seq_tup_read + idx_tup_fetch) filter (where relname = 'submissions') as submissions
       from pg_stat_xact_user_tables`,
    );
    return { payouts: Number(rows[0]?.payouts), submissions: Number(rows[0]?.submissions) };
  }
});
