import { createBulkRunWorld } from './run-world';
import type { BulkRunWorld } from './run-world';

jest.setTimeout(200_000);

describe('workers that serve bulks alone, or all the rest', () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld();
  });
  afterAll(() => world.close());

  test('single payouts need no worker for bulks, and no line of a bulk leaves by any other', async () => {
    await world.startWorkers({}, 'payouts');
    const lines = world.linesOf(Array.from({ length: 30 }, () => 'success' as const));
    const bulkId = await world.sendBulk(lines);
    await world.untilBulk(bulkId, 'running');
    await world.untilState(await world.send(world.recipientOf('success')), 'succeeded');
    expect(await world.paidLines(lines)).toBe(0);
    expect((await world.readBulk(bulkId)).progress).toMatchObject({ accepted: { lines: 30 } });
    await world.startWorkers({}, 'bulks');
    await world.untilBulk(bulkId, 'completed');
    expect(await world.paidLines(lines)).toBe(30);
  });

  test('a worker for bulks serves nothing else', async () => {
    const workers = await world.startWorkers({}, 'bulks');
    expect(Object.keys(workers.states())).toEqual([expect.stringMatching(/-bulk$/)]);
  });
});
