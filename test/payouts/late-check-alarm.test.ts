import { pino } from 'pino';
import { Registry } from 'prom-client';

import { readOverdueLateChecks } from '../../src/db/late-checks';
import { collectPayoutMetrics } from '../../src/payout-metrics';
import { createOperatorAlerts } from '../../src/sweeper/operator-alerts';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';

const HOUR = 3_600_000;

describe('overdue late checks', () => {
  let world: PayoutWorld;
  beforeAll(async () => {
    world = await createPayoutWorld();
    await standPayout(world, { state: 'succeeded', outcomes: ['settled', 'settled'] });
  });
  afterAll(() => world.close());

  const postpone = (interval: string): Promise<unknown> =>
    world.pool.query('update late_checks set next_late_check_at = clock_timestamp() + $1::interval', [interval]);

  test('are a gauge, which is 0 where there is none', async () => {
    const registry = new Registry();
    collectPayoutMetrics(registry, world.pool, { logger: pino({ level: 'silent' }), lateCheckOverdueMs: HOUR });
    const gauge = async (): Promise<string> => await registry.getSingleMetricAsString('cauri_late_checks_overdue');
    await postpone('-59 minutes');
    expect(await gauge()).toContain('cauri_late_checks_overdue{provider="orange"} 0');
    await postpone('-61 minutes');
    expect(await gauge()).toContain('cauri_late_checks_overdue{provider="orange"} 2');
  });

  test('are an alert: one error in the log while they last', async () => {
    const logged: { level: number; kind?: unknown }[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => void logged.push(JSON.parse(line) as never) });
    const { pool } = world;
    await postpone('-59 minutes');
    const alerts = createOperatorAlerts({
      ...{ pool, logger, everyMs: 3_600_000 },
      readOthers: () => readOverdueLateChecks(pool, HOUR),
    });
    try {
      await alerts.round();
      expect(logged).toEqual([]);
      await postpone('-61 minutes');
      await alerts.round();
      await alerts.round();
      expect(logged).toMatchObject([{ level: 50, kind: 'late_checks.overdue' }]);
    } finally {
      await alerts.close();
    }
  });
});
