import { lockBulk } from '../../src/db/bulk-rows';
import { moveBulk } from '../../src/db/move-bulk';
import { withTransaction } from '../../src/db/transaction';
import { eventually } from '../helpers/eventually';
import { createBulkRunWorld } from './run-world';
import type { BulkRunWorld } from './run-world';

let world: BulkRunWorld;

beforeAll(async () => {
  // One line is under way for so long, and stays with its bulk.
  world = await createBulkRunWorld({ settings: { settlementWindowMs: 20_000 }, bulks: { handOverMost: 0 } });
  await world.startWorkers();
});
afterAll(() => world.close());

test('cancelled by an API that died right after, the waiting lines do not wait for one that is under way', async () => {
  const before = await world.balances();
  const lines = world.linesOf(['never_final', ...Array.from({ length: 40 }, () => 'success' as const)]);
  const bulkId = await world.sendBulk(lines);
  await eventually('some are paid', async () => ((await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0) > 2);
  await world.control(bulkId, 'pause');
  await withTransaction(world.pool, async (trx) => {
    const bulk = await lockBulk(trx, bulkId);
    await moveBulk(trx, bulk, { to: 'stopping', actor: 'system', reason: 'cancelled_by_merchant' });
  });

  const { progress } = await world.untilBulk(bulkId, 'cancelled');
  expect(progress).toMatchObject({ in_review: { lines: 1 }, cancelled: { lines: expect.any(Number) as number } });
  const { rows } = await world.pool.query<{ waited: boolean }>(
    `select max(finished_at) filter (where state = 'cancelled') > max(updated_at) filter (where state = 'in_review') as waited
     from payouts where bulk_id = $1`,
    [bulkId],
  );
  expect(rows).toEqual([{ waited: false }]);
  // What the line in review and the paid ones need is all that is not there any more.
  const after = await world.balances();
  const gone = BigInt(progress['succeeded']!.amount) + BigInt(progress['in_review']!.amount);
  expect((before['available'] ?? 0n) - (after['available'] ?? 0n)).toBe(gone);
  await world.expectRollUpTrue(bulkId);
});
