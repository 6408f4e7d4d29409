import { createBulkRunWorld } from '../bulks/run-world';
import type { BulkRunWorld } from '../bulks/run-world';
import { eventually } from '../helpers/eventually';
import { standPayout } from '../helpers/standing-payout';

jest.setTimeout(300_000);

/** Of ours, per account and minute. */
const LIMIT = 120;

/** What of them may come at once, before the rest flows evenly. */
const BURST = 24;

const PAYOUTS = 50;
const LATE_CHECKS = 30;

/** Late checks that may have added up before payouts waited, and that are under way at the moments of counting. */
const AT_ONCE = 3;

describe("late checks within their account's limit of requests", () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld({ settings: { settlementWindowMs: 240_000 }, requestsPerMinute: LIMIT });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  const requests = (): { all: number; searches: number; paid: number } => {
    const { byEndpoint } = world.simulator.requests();
    const all = Object.values(byEndpoint).reduce((sum, count) => sum + count, 0);
    return { all, searches: byEndpoint.search, paid: byEndpoint.cashIn };
  };

  /** Refused two days ago, so that each is a search of its own. */
  async function refusedLongAgo(): Promise<void> {
    await standPayout(world, {
      state: 'queued',
      outcomes: Array.from({ length: LATE_CHECKS }, () => 'rejected' as const),
    });
    await world.pool.query(`update submissions set created_at = now() - interval '2 days' where outcome = 'rejected'`);
  }

  const waiting = {
    async 'single payouts'() {
      const ids = await Promise.all(Array.from({ length: PAYOUTS }, () => world.send(world.recipientOf('success'))));
      return async () => {
        const { rows } = await world.pool.query<{ open: number }>(
          `select count(*)::int as open from payouts where id = any ($1) and state <> 'succeeded'`,
          [ids],
        );
        return rows[0]?.open === 0;
      };
    },
    async 'a bulk'() {
      const id = await world.sendBulk(world.linesOf(Array.from({ length: PAYOUTS }, () => 'success' as const)));
      return async () => (await world.readBulk(id)).state === 'completed';
    },
  };

  test.each(Object.entries(waiting))('take their share, no more and no less, while %s wait', async (_name, send) => {
    await world.pool.query('delete from late_checks');
    await refusedLongAgo();
    const paidBefore = requests().paid;
    const areDone = await send();
    await eventually('what may come at once is used up', () =>
      Promise.resolve(requests().paid - paidBefore >= BURST / 2 - 1),
    );
    const before = requests();
    await world.pool.query('update late_checks set next_late_check_at = now()');
    await eventually('all are paid', areDone, 240_000);
    const after = requests();
    const searches = after.searches - before.searches;
    const share = (after.all - before.all) / 10;
    expect(searches).toBeLessThanOrEqual(Math.ceil(share) + AT_ONCE);
    expect(searches).toBeGreaterThanOrEqual(Math.floor(share) - AT_ONCE);
    expect(searches).toBeGreaterThan(0);

    // Nobody waits any more: they take what is left, and each that was complete is done with.
    const { rows } = await world.pool.query<{ left: number }>(
      'select count(*)::int as left from late_checks where next_late_check_at <= now()',
    );
    expect(rows[0]!.left).toBeGreaterThan(LATE_CHECKS - searches - AT_ONCE);
    await eventually(
      'all late checks are made',
      async () => {
        const { rowCount } = await world.pool.query('select 1 from late_checks where next_late_check_at <= now()');
        return rowCount === 0;
      },
      120_000,
    );
  });
});
