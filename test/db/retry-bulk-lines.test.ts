import type { Pool } from 'pg';

import { createPool } from '../../src/db/pool';
import { retryBulkLines } from '../../src/db/retry-bulk-lines';
import { withTransaction } from '../../src/db/transaction';
import { seedMerchant } from '../helpers/app';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';
import { standBulk } from '../helpers/standing-bulk';

describe('failed items of a bulk that is retried', () => {
  let database: TestDatabase;
  let pool: Pool;
  let merchantId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => undefined });
    ({ id: merchantId } = await seedMerchant(pool));
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  /** A bulk whose two items failed, at the moment when those that were looked up are taken back. */
  async function stand(): Promise<{ bulkId: string; one: string; other: string }> {
    const bulkId = await withTransaction(pool, async (trx) => {
      const id = await standBulk(trx, { merchantId, lines: 2, state: 'failed', outcome: 'rejected' });
      const ids = [`${id}-1`, `${id}-2`];
      await trx.query('select close_bulk_parts($1, $2, $3, $4)', [id, 'release', ids, ids]);
      await trx.query('set local session_replication_role = replica');
      await trx.query('update bulks set hold_no = 2, retrying = true where id = $1', [id]);
      return id;
    });
    return { bulkId, one: `${bulkId}-1`, other: `${bulkId}-2` };
  }

  async function force(sql: string, id: string): Promise<void> {
    await withTransaction(pool, async (trx) => {
      await trx.query('set local session_replication_role = replica');
      await trx.query(sql, [id]);
    });
  }

  async function retry({ bulkId, one, other }: { bulkId: string; one: string; other: string }): Promise<unknown> {
    await retryBulkLines(
      pool,
      bulkId,
      [
        { payoutId: one, version: 1 },
        { payoutId: other, version: 1 },
      ],
      { duplicateDays: 7 },
    );
    const { rows } = await pool.query<{ state: string; attempt: number; held: bigint | null }>(
      `select state, attempt, (select amount from holds where owner = 'bulk/' || $1 and hold_no = 2) as held
       from payouts where bulk_id = $1 order by bulk_line`,
      [bulkId],
    );
    return rows.map(({ state, attempt, held }) => [state, attempt, held]);
  }

  test('are taken back with a new attempt under a hold of their sum', async () => {
    await expect(retry(await stand())).resolves.toEqual([
      ['queued', 2, 2_000n],
      ['queued', 2, 2_000n],
    ]);
  });

  const OTHER_ONLY = [
    ['failed', 1, 1_000n],
    ['queued', 2, 1_000n],
  ];

  test('are left where a question about them is open', async () => {
    const stood = await stand();
    await pool.query("insert into review_items (id, payout_id, kind) values ('rev_' || $1, $1, 'late_credit')", [
      stood.one,
    ]);
    await expect(retry(stood)).resolves.toEqual(OTHER_ONLY);
  });

  test('are left where a submission of theirs is not proven unpaid', async () => {
    const stood = await stand();
    await force("update submissions set outcome = 'unknown', rejection = null where payout_id = $1", stood.one);
    await expect(retry(stood)).resolves.toEqual(OTHER_ONLY);
  });

  test('are left where they changed since they were looked up', async () => {
    const stood = await stand();
    await force('update payouts set version = 2 where id = $1', stood.one);
    await expect(retry(stood)).resolves.toEqual(OTHER_ONLY);
  });
});
