import { createWorkerProcess } from '../races/worker-process';
import { eventually } from '../helpers/eventually';
import { createBulkRunWorld } from './run-world';
import type { BulkRunWorld } from './run-world';

jest.setTimeout(300_000);

/** Of ours, per account and in any minute. */
const LIMIT = 60;

/** What was granted before a minute began may arrive in it: we count grants, the provider arrivals. */
const ARRIVE_LATE = 2;

describe("a bulk within its account's limit of requests", () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld({
      settings: { settlementWindowMs: 120_000 },
      simulator: { rateLimitPerMinute: LIMIT + ARRIVE_LATE },
      requestsPerMinute: LIMIT,
    });
    await world.startWorkers();
    await world.startWorkers(createWorkerProcess(world));
  });
  afterAll(() => world.close());

  test('two workers get no 429, and single payouts do not wait for the bulk', async () => {
    const lines = world.linesOf(Array.from({ length: LIMIT + 10 }, () => 'success' as const));
    const bulkId = await world.sendBulk(lines);
    await eventually(
      'what may come at once has left',
      async () => ((await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0) >= 5,
    );
    const singles = await Promise.all(Array.from({ length: 3 }, () => world.send(world.recipientOf('success'))));
    for (const payoutId of singles) await world.untilState(payoutId, 'succeeded');
    const left = (await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0;
    expect(left).toBeLessThan(lines.length / 2);

    await world.untilBulk(bulkId, 'completed');
    expect(await world.paidLines(lines)).toBe(lines.length);
    expect(world.simulator.requests().throttled).toBe(0);
    expect(world.simulator.requests().byEndpoint.cashIn).toBe(lines.length + singles.length);
  });
});
