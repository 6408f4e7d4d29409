import { randomUUID } from 'node:crypto';

import type { Pool } from 'pg';

import { resumeSending, stopSending } from '../../src/db/operator-actions';
import { claimDueBulks } from '../../src/db/bulk-sweeps';
import { seedMerchant, startTestApp } from '../helpers/app';
import type { TestApp } from '../helpers/app';

describe('what keeps bulks waiting', () => {
  let app: TestApp;
  let pool: Pool;
  let merchantId: string;
  beforeAll(async () => {
    app = await startTestApp();
    ({ pool } = app);
    merchantId = (await seedMerchant(pool)).id;
    await pool.query("insert into persons (id, name) values ('per_one', 'One') on conflict do nothing");
  });
  afterAll(() => app.close());

  async function bulk(state: string): Promise<string> {
    const id = `bulk_${randomUUID()}`;
    await pool.query(
      `insert into bulks (id, merchant_id, environment, state, reason, created_by, sweep_after)
       values ($1, $2, 'sandbox', $3, 'accepted_by_api', 'test', clock_timestamp() + interval '1 hour')`,
      [id, merchantId, state],
    );
    return id;
  }

  test('is told to their runs when it ends, not minutes later', async () => {
    const [running, paused] = [await bulk('running'), await bulk('paused')];
    const stop = { scope: 'provider', target: 'orange', personId: 'per_one' } as const;
    await stopSending(pool, { ...stop, reason: 'test' });
    expect(await claimDueBulks(pool, { limit: 10, recheckMs: 3_600_000 })).toEqual([]);
    await resumeSending(pool, stop);
    expect(await claimDueBulks(pool, { limit: 10, recheckMs: 3_600_000 })).toEqual([{ bulkId: running, nudged: true }]);
    const { rows } = await pool.query('select nudged from bulks where id = $1', [paused]);
    expect(rows).toEqual([{ nudged: false }]);
  });
});
