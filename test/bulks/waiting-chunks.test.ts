import { insertStop } from '../../src/db/stops';
import { withTransaction } from '../../src/db/transaction';
import { eventually } from '../helpers/eventually';
import { insertSubmissionBySql } from '../helpers/standing-payout';
import { createBulkRunWorld } from './run-world';
import type { BulkRunWorld } from './run-world';

describe('what keeps lines of a bulk from leaving', () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld({ bulks: { chunkSize: 1, chunksAtOnce: 1 } });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  test('keeps no line that left from its end, in whichever chunk it is', async () => {
    const stop = { scope: 'merchant', target: world.merchantId, personId: 'per_one', reason: 'test' } as const;
    await withTransaction(world.pool, (trx) => insertStop(trx, stop));
    const bulkId = await world.sendBulk(world.linesOf(['success', 'success', 'success']));
    await eventually('the first one waits', async () => (await world.readBulk(bulkId)).progress['queued']?.lines === 1);
    const { rows } = await world.pool.query<{ id: string }>(
      'select id from payouts where bulk_id = $1 order by bulk_line',
      [bulkId],
    );
    const [first, second, third] = rows.map(({ id }) => id);
    // As if it had left before sending was stopped.
    await insertSubmissionBySql(world.pool, { payoutId: third!, attempt: 1, outcome: 'unknown' });
    for (const state of ['queued', 'processing', 'unknown']) {
      await world.pool.query(
        "update payouts set state = $2, version = version + 1, settle_by = now() - interval '1 second' where id = $1",
        [third, state],
      );
    }

    await world.untilState(third!, 'in_review');
    for (const id of [first!, second!]) {
      expect(['accepted', 'queued']).toContain((await world.payout(id)).state);
      expect(await world.submissions(id)).toEqual([]);
    }
  });

  test('is tried with each chunk in turn: one line that is refused each time holds no other one', async () => {
    await world.pool.query("update stops set resumed_by = 'per_one', resumed_at = now() where resumed_at is null");
    const bulkId = await world.sendBulk(
      world.linesOf(['payer_balance_insufficient', 'payer_balance_insufficient', 'success']),
    );
    const { rows } = await world.pool.query<{ id: string }>(
      'select id from payouts where bulk_id = $1 order by bulk_line',
      [bulkId],
    );
    await world.untilState(rows[2]!.id, 'succeeded');
    for (const { id } of rows.slice(0, 2)) expect((await world.payout(id)).state).not.toBe('failed');
  });
});
