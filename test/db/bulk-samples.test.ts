import { randomUUID } from 'node:crypto';

import type { Pool } from 'pg';

import { foldBulkMoves, readBulkRollUp } from '../../src/db/bulk-roll-up';
import { findBulk } from '../../src/db/bulk-rows';
import { readBulkStanding } from '../../src/db/bulk-standings';
import { moveBulk } from '../../src/db/move-bulk';
import { LINE_RESTS } from '../../src/domain/bulk';
import type { BulkState } from '../../src/domain/bulk-state';
import { PAYOUT_STATES } from '../../src/domain/payout-state';
import type { PayoutState } from '../../src/domain/payout-state';
import { startTestApp, seedMerchant } from '../helpers/app';
import type { TestApp } from '../helpers/app';

describe('samples of a running bulk', () => {
  let app: TestApp;
  let pool: Pool;
  let merchantId: string;
  beforeAll(async () => {
    app = await startTestApp();
    ({ pool } = app);
    merchantId = (await seedMerchant(pool)).id;
  });
  afterAll(() => app.close());

  /** A bulk of so many lines that exist in its roll-up only, running. */
  async function runningBulk(lines: number): Promise<string> {
    const id = `bulk_${randomUUID()}`;
    await pool.query(
      `insert into bulks (id, merchant_id, environment, state, reason, created_by, line_count)
       values ($1, $2, 'sandbox', 'ready', 'accepted_by_api', 'test', $3)`,
      [id, merchantId, lines],
    );
    await pool.query("insert into bulk_counts values ($1, 'accepted', $2::int, $2::int)", [id, lines]);
    await move(id, 'running');
    return id;
  }

  async function move(bulkId: string, to: BulkState): Promise<void> {
    const bulk = await findBulk(pool, bulkId);
    await moveBulk(pool, bulk!, { to, actor: 'system', reason: 'held' });
  }

  async function lines(bulkId: string, from: string, to: string, count: number): Promise<void> {
    await pool.query('insert into bulk_moves select $1, $2, $3, 1 from generate_series(1, $4::int)', [
      ...[bulkId, from, to],
      count,
    ]);
  }

  /** As if so much time had gone by. */
  async function age(bulkId: string, seconds: number): Promise<void> {
    await pool.query(
      "update bulk_samples set at = at - $2 * interval '1 second', slot = slot - 1000 where bulk_id = $1",
      [bulkId, seconds],
    );
  }

  /** Its age in steps of five seconds: the test itself takes time. */
  const sampleOf = async (bulkId: string) => {
    const { sample } = await readBulkStanding(pool, bulkId);
    return sample && { resting: sample.resting, seconds: 5 * Math.floor(sample.age / 5_000) };
  };

  test('it is told from the start, then from a minute ago', async () => {
    const id = await runningBulk(100);
    expect(await sampleOf(id)).toEqual({ resting: 0, seconds: 0 });
    await lines(id, 'accepted', 'succeeded', 10);
    await age(id, 20);
    expect((await sampleOf(id))?.seconds).toBe(20);
    await foldBulkMoves(pool, id);
    await age(id, 45);
    // From the start, 65 seconds ago: what was sampled 45 seconds ago is not old enough.
    expect(await sampleOf(id)).toEqual({ resting: 0, seconds: 65 });
    await lines(id, 'accepted', 'in_review', 5);
    await foldBulkMoves(pool, id);
    await age(id, 30);
    expect(await sampleOf(id)).toEqual({ resting: 10, seconds: 75 });
    expect(await readBulkRollUp(pool, id)).toMatchObject({ succeeded: { lines: 10 }, in_review: { lines: 5 } });
  });

  test('any number of folds at once count every move once and leave one sample for five seconds', async () => {
    const id = await runningBulk(1_000);
    await age(id, 10);
    await lines(id, 'accepted', 'succeeded', 400);
    await Promise.all(Array.from({ length: 8 }, () => foldBulkMoves(pool, id)));
    await foldBulkMoves(pool, id);
    expect(await readBulkRollUp(pool, id)).toMatchObject({ accepted: { lines: 600 }, succeeded: { lines: 400 } });
    const { rows } = await pool.query('select resting from bulk_samples where bulk_id = $1 order by at', [id]);
    expect(rows).toEqual([{ resting: 0 }, { resting: 400 }]);
  });

  test('lines rest in the same states for the database and for us', async () => {
    const id = await runningBulk(0);
    const inState = async (state: PayoutState): Promise<number> => {
      await pool.query('delete from bulk_counts where bulk_id = $1', [id]);
      await pool.query('insert into bulk_counts values ($1, $2, 1, 1)', [id, state]);
      const { rows } = await pool.query<{ resting: number }>('select bulk_lines_at_rest($1) as resting', [id]);
      return rows[0]!.resting;
    };
    for (const state of Object.keys(PAYOUT_STATES) as PayoutState[]) {
      expect([state, await inState(state)]).toEqual([state, LINE_RESTS.includes(state) ? 1 : 0]);
    }
  });

  test('a pause begins anew, and the end leaves nothing', async () => {
    const id = await runningBulk(10);
    await lines(id, 'accepted', 'succeeded', 4);
    await age(id, 90);
    await move(id, 'paused');
    expect(await sampleOf(id)).toEqual({ resting: 0, seconds: 90 });
    await move(id, 'running');
    expect(await sampleOf(id)).toEqual({ resting: 4, seconds: 0 });
    await move(id, 'completed');
    expect(await sampleOf(id)).toBeNull();
  });

  test('lines that are taken up again do not make the pace negative', async () => {
    const id = await runningBulk(10);
    await lines(id, 'accepted', 'failed', 10);
    await move(id, 'completed');
    await move(id, 'running');
    expect((await sampleOf(id))?.resting).toBe(10);
    await lines(id, 'failed', 'queued', 10);
    expect(await sampleOf(id)).toBeNull();
    await age(id, 70);
    await foldBulkMoves(pool, id);
    await lines(id, 'queued', 'succeeded', 3);
    expect(await sampleOf(id)).toEqual({ resting: 0, seconds: 0 });
  });
});
