import type { Pool } from 'pg';

import { handOverLines } from '../../src/db/hand-over-lines';
import { createPool } from '../../src/db/pool';
import { seedMerchant } from '../helpers/app';
import { neverRefused } from '../helpers/never-refused';
import { createTestDatabase } from '../helpers/postgres';
import { standBulk } from '../helpers/standing-bulk';

const MOST = 3;
const AT_ONCE = 12;

test('chunks that hand lines over at once hand over no more together than a bulk may', async () => {
  const database = await createTestDatabase();
  const pool: Pool = createPool({ databaseUrl: database.url, size: AT_ONCE, onIdleError: () => undefined });
  try {
    const { id: merchantId } = await seedMerchant(pool);
    await pool.query("select top_up_float($1, 'sandbox', 'XOF', 1000000, 'top-up')", [merchantId]);
    const trx = await pool.connect();
    await trx.query('begin');
    const bulkId = await standBulk(trx, { merchantId, lines: AT_ONCE, state: 'unknown', outcome: 'unknown' });
    await trx.query('commit');
    trx.release();
    const { rows } = await pool.query<{ id: string }>('select id from payouts where bulk_id = $1', [bulkId]);
    const gone = await Promise.all(
      rows.map(({ id }) => handOverLines(pool, { bulkId, payoutIds: [id], most: MOST, onRefused: neverRefused })),
    );
    expect(gone.flat()).toHaveLength(MOST);
  } finally {
    await pool.end();
    await database.close();
  }
});
