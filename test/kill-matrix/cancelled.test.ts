import { setTimeout as sleep } from 'node:timers/promises';

import { eventually } from '../helpers/eventually';
import { KILL_CASES, pointOf } from './kill-cases';
import { expected } from './kill-judge';
import type { KillVerdict } from './kill-judge';
import { cancelRun } from './kill-runs';
import type { KillStage } from './kill-stage';
import { createStandingWorker } from './standing-worker';

/** A delivery of its own is no part of the payout's run. */
const CASES = KILL_CASES.filter((each) => !pointOf(each).startsWith('deliverWebhook'));

/** Steps at which nothing of the payout is written: whoever cancels the run there cancels the payout. */
const NOTHING_WRITTEN = /^(takeUp|releaseScheduled|authenticate|encryptPin|token|key|submitPayout:before)/;

/** For the worker to do what it was told; the longest pause stays below the 15 s of a session's open transaction. */
const ACT_WITHIN_MS = 2_000;

let stage: KillStage;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const standing = await createStandingWorker(CASES, { env: { POLL_AT_ONCE_MS: '0' } }, closers);
  const { worker } = standing;
  stage = standing.stage;
  await Promise.all(stage.actors.map(({ payoutId }) => cancelRun(stage.world.client, payoutId)));
  await sleep(ACT_WITHIN_MS);
  stage.releaseProvider();
  worker.letGo();
}, 300_000);

afterAll(async () => {
  for (const close of closers) await close();
});

describe('a run is cancelled, as in the Temporal UI, while its payout stands', () => {
  test.each(CASES.map((killCase, index) => [killCase.name, killCase, index] as const))(
    '%s: cancelled where nothing is written, else nothing changes',
    async (_name, killCase, index) => {
      const actor = stage.actors[index]!;
      let verdict: KillVerdict | undefined;
      await eventually('it is at rest, its webhooks heard', async () => {
        await stage.nudge();
        verdict = await stage.judge(actor);
        return ['cancelled', killCase.away].includes(verdict.state) && verdict.webhooks.missing.length === 0;
      }).catch(() => undefined);
      const cancelled = { ...expected('failed'), state: 'cancelled' };
      expect(verdict).toEqual(verdict?.state === 'cancelled' ? cancelled : expected(killCase.away));
      if (NOTHING_WRITTEN.test(pointOf(killCase))) expect(verdict?.state).toBe('cancelled');
    },
    200_000,
  );
});
