import { Registry } from 'prom-client';

import { countActivities } from '../../../src/activities/count-activities';
import { stillPending } from '../../../src/activities/failures';

test('a poll whose answer is not there yet counts as waiting, any other error as a failure', async () => {
  const registry = new Registry();
  const ends: (() => Promise<unknown>)[] = [
    () => Promise.reject(stillPending(1_000)),
    () => Promise.reject(stillPending(2_000)),
    () => Promise.reject(new Error('the database is away')),
    () => Promise.resolve({ state: 'succeeded' }),
  ];
  const counted = countActivities({ pollStatus: () => ends.shift()!() }, registry);
  for (let call = 0; call < 4; call += 1) await counted.pollStatus().catch(() => undefined);

  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('cauri_'));
  expect(lines).toEqual([
    'cauri_activities_total{activity="pollStatus",result="waiting"} 2',
    'cauri_activities_total{activity="pollStatus",result="failed"} 1',
    'cauri_activities_total{activity="pollStatus",result="done"} 1',
    'cauri_payout_positions_total{activity="pollStatus",state="succeeded"} 1',
  ]);
});
