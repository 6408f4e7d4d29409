import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { createRecordingRuns, payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import type { RecordingRuns, TestApp } from '../helpers/app';
import { eventually } from '../helpers/eventually';

/** Longer than the gap between two starts while many payouts are accepted. */
const LONG_ENOUGH_MS = 500;

/** Runs whose starts are answered when the test says so. */
function createSlowRuns(): { runs: RecordingRuns; begun: () => number; answer: () => void } {
  let begun = 0;
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const start = async (): Promise<void> => {
    begun += 1;
    await answered;
  };
  return { runs: { ...createRecordingRuns(), start }, begun: () => begun, answer };
}

async function acceptMany(app: TestApp, count: number): Promise<void> {
  const { key } = await seedMerchant(app.pool);
  const accepted = Array.from({ length: count }, async () => {
    const request = { key, idempotencyKey: randomUUID(), body: payoutRequest() };
    expect((await app.request('POST', '/v1/payouts', request)).status).toBe(202);
  });
  await Promise.all(accepted);
}

test.each([4, 25])(
  'of many payouts, MAX_STARTS_IN_FLIGHT=%d are started at once and the others in turn',
  async (most) => {
    const { runs, begun, answer } = createSlowRuns();
    const app = await startTestApp({ runs }, { MAX_STARTS_IN_FLIGHT: most });
    try {
      await acceptMany(app, 40);
      await eventually('as many starts as may be are under way', () => begun() === most);
      await sleep(LONG_ENOUGH_MS);
      expect(begun()).toBe(most);
      answer();
      await eventually('all are started', () => begun() === 40);
    } finally {
      answer();
      await app.close();
    }
  },
);

test('with MAX_STARTS_IN_FLIGHT=0 every start is left to the sweeper', async () => {
  const { runs, begun } = createSlowRuns();
  const app = await startTestApp({ runs }, { MAX_STARTS_IN_FLIGHT: 0 });
  try {
    await acceptMany(app, 3);
    await sleep(LONG_ENOUGH_MS);
    expect(begun()).toBe(0);
  } finally {
    await app.close();
  }
});
