import { randomUUID } from 'node:crypto';

import { pino } from 'pino';

import { createSweeper } from '../../src/sweeper/sweeper';
import type { Sweeper, SweeperDeps, SweeperRuns } from '../../src/sweeper/sweeper';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

describe('a round of the sweeper', () => {
  let world: PayoutWorld;
  let sweeper: Sweeper | undefined;
  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterEach(() => sweeper?.close());
  afterAll(() => world.close());

  function start(given: Partial<Omit<SweeperDeps, 'runs'>>, runs: Partial<SweeperRuns>): void {
    sweeper = createSweeper({
      ...{ pool: world.pool, logger: pino({ level: 'silent' }), everyMs: 60_000, recheckMs: 60_000 },
      claimCallbacks: () => Promise.resolve([]),
      claimWebhooks: () => Promise.resolve([]),
      ...given,
      runs: runs as SweeperRuns,
    });
  }

  test('counts and logs a part that fails, and does all others', async () => {
    const payout = await world.accept();
    await world.pool.query("update payouts set sweep_after = now() - interval '1 second'");
    const failed: string[] = [];
    const done: string[] = [];
    const logged: { level: number; part: string }[] = [];
    const pool = Object.create(world.pool) as typeof world.pool;
    pool.query = ((...args: Parameters<typeof world.pool.query>) =>
      args[0].includes('pin_gates')
        ? Promise.reject(new Error('the first part is broken'))
        : world.pool.query(...args)) as typeof world.pool.query;
    start(
      {
        pool,
        logger: pino({}, { write: (line: string) => logged.push(JSON.parse(line) as (typeof logged)[number]) }),
        onPartFailed: (part) => failed.push(part),
        claimCallbacks: () => Promise.reject(new Error('callbacks are broken')),
        claimWebhooks: () => Promise.resolve([{ eventId: 'evt_1', endpointId: 'we_1' }]),
      },
      {
        ensure: (payoutId) => Promise.resolve(void done.push(payoutId)),
        startWebhook: (eventId) => Promise.resolve(void done.push(eventId)),
      },
    );
    await eventually('a whole round', () => done.length === 2);
    expect(done).toEqual([payout, 'evt_1']);
    expect(failed).toEqual(['lost_probes', 'callbacks']);
    expect(logged.map(({ level, part }) => [level, part])).toEqual([
      [50, 'lost_probes'],
      [50, 'callbacks'],
    ]);
  });

  test('forgets a large backlog of old reports in batches, the oldest first, and no report of today', async () => {
    const reportOf = async (rows: number, age: string): Promise<string> => {
      const id = `bulk_${randomUUID()}`;
      await world.pool.query(
        `insert into bulks (id, merchant_id, environment, state, reason, created_by, finished_at, report_rows)
         values ($1, $2, 'sandbox', 'invalid', 'refused_whole', 'test', now() - $4::interval, $3)`,
        [id, world.merchantId, rows, age],
      );
      await world.pool.query(
        `insert into bulk_errors (bulk_id, position, line, code, message)
         select $1, position, position, 'not_valid', 'mend it' from generate_series(1, $2) as position`,
        [id, rows],
      );
      return id;
    };
    const [oldest, old, today] = [
      await reportOf(104_000, '3 days'),
      await reportOf(7_000, '2 days'),
      await reportOf(10, '1 hour'),
    ];
    const left = async (): Promise<number[]> => {
      const { rows } = await world.pool.query<{ id: string; count: number }>(
        'select bulk_id as id, count(*)::int as count from bulk_errors group by 1',
      );
      return [oldest, old, today].map((id) => rows.find((row) => row.id === id)?.count ?? 0);
    };
    const slowest: number[] = [];
    const pool = Object.create(world.pool) as typeof world.pool;
    pool.query = (async (...args: [string, unknown[]]) => {
      const before = (await left()).reduce((sum, count) => sum + count);
      const result = await world.pool.query(...args);
      slowest.push(before - (await left()).reduce((sum, count) => sum + count));
      return result;
    }) as unknown as typeof world.pool.query;
    start({ pool }, {});
    await eventually('the first round', async () => (await left())[0]! <= 4_000);
    await sweeper!.sweep();
    await sweeper!.sweep();
    expect(await left()).toEqual([0, 0, 10]);
    expect(Math.max(...slowest)).toBe(5_000);
    const { rows } = await world.pool.query('select report_rows from bulks where id = any ($1) order by finished_at', [
      [oldest, old, today],
    ]);
    expect(rows).toEqual([{ report_rows: 0 }, { report_rows: 0 }, { report_rows: 10 }]);
  });
});
