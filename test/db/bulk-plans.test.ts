import type { Pool } from 'pg';

import { newId } from '../../src/db/ids';
import { createPool } from '../../src/db/pool';
import type { Db } from '../../src/db/pool';
import { listSubmissionsOf } from '../../src/db/submissions';
import { seedMerchant } from '../helpers/app';
import { createTestDatabase } from '../helpers/postgres';

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
      const bulkId = await standBulk(client);
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

  /** A bulk that runs, with a refused submission for each line. */
  async function standBulk(db: Db): Promise<string> {
    const id = newId('bulk');
    // Rows of any state, without the way there.
    await db.query('set local session_replication_role = replica');
    await db.query(
      `insert into bulks (id, merchant_id, environment, state, reason, currency, line_count, total, created_by)
       values ($1, $2, 'sandbox', 'running', 'test', 'XOF', $3, $3 * 1000, 'test')`,
      [id, merchantId, LINES],
    );
    await db.query(
      `insert into payouts (id, merchant_id, environment, owner, bulk_id, bulk_line, state, amount, currency, method,
         provider, credential_id, description, customer_enc, reason, sweep_after, created_by)
       select $1 || '-' || line, $2, 'sandbox', 'bulk/' || $1, $1, line, 'processing', 1000, 'XOF', 'orange_sn',
         'orange', 'cred', 'test', '\\x00', 'test', 'infinity', 'test'
       from generate_series(1, $3::integer) as line`,
      [id, merchantId, LINES],
    );
    await db.query(
      `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number,
         amount, currency, send_by, outcome, rejection)
       select 'sub-' || id, id, 1, 1, 1, 'call', 'orange', 'cred', '0', amount, currency, now(), 'rejected', 'final'
       from payouts where bulk_id = $1`,
      [id],
    );
    await db.query('set local session_replication_role = origin');
    await db.query('select open_bulk_hold($1)', [id]);
    return id;
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
