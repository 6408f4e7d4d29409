import { setTimeout as sleep } from 'node:timers/promises';

import { eventually } from '../helpers/eventually';
import { createBulkRunWorld } from './run-world';
import type { BulkRunWorld } from './run-world';

jest.setTimeout(200_000);

const NOBODY_ASKED = { search: { error_500: 1 }, status: { error_500: 1 } };

describe('the end of a settlement window', () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld({ settings: { settlementWindowMs: 3_000, sendByMs: 2_000 } });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function untilAllOver(payoutIds: readonly string[]): Promise<void> {
    await eventually('every window is over', async () => {
      const payouts = await Promise.all(payoutIds.map((id) => world.payout(id)));
      return payouts.every(({ settleBy }) => settleBy !== null && settleBy.getTime() + 1_000 < Date.now());
    });
  }

  const statesOf = async (payoutIds: readonly string[]): Promise<readonly string[]> =>
    await Promise.all(payoutIds.map(async (id) => (await world.payout(id)).state));

  test('waits for a look that was completed after it: what the provider tells by then is not left to people', async () => {
    world.simulator.configure({ endpointFaults: NOBODY_ASKED });
    const lines = world.linesOf(['lost_moved', 'pending_success', 'lost_moved', 'never_final']);
    const bulkId = await world.sendBulk(lines);
    const single = await world.send(world.recipientOf('lost_moved'));
    const pending = await world.send(world.recipientOf('pending_success'));
    const { rows } = await world.pool.query<{ id: string }>(
      'select id from payouts where bulk_id = $1 order by bulk_line',
      [bulkId],
    );
    const ids = [...rows.map(({ id }) => id), single, pending];
    await untilAllOver(ids);
    await sleep(1_000);
    expect(await statesOf(ids)).not.toContain('in_review');

    world.simulator.configure({ endpointFaults: {} });
    await world.untilBulk(bulkId, 'completed');
    const expected = ['succeeded', 'succeeded', 'succeeded', 'in_review'];
    expect((await statesOf(ids)).slice(0, 4)).toEqual(expected);
    await world.untilState(single, 'succeeded');
    await world.untilState(pending, 'succeeded');
    await world.expectRollUpTrue(bulkId);
  });
});
