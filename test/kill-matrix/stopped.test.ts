import { KILL_CASES, pointOf } from './kill-cases';
import { expected } from './kill-judge';
import type { KillVerdict } from './kill-judge';
import { resetRun, terminateRun } from './kill-runs';
import { settle } from './kill-stage';
import type { KillStage } from './kill-stage';
import { createStandingWorker } from './standing-worker';
import { startProduct } from '../helpers/product';

/** A delivery of its own is no part of the payout's run, and stays on the queue that it was started on. */
const DELIVERIES = /^deliverWebhook/;

/** A payout whose run is not started yet has none that could be reset: the server answers NOT_FOUND. */
const WITHOUT_RUN = 'sweep:claimed';

const WAYS = [
  {
    way: 'its run is terminated, and another worker takes the payout up by its sweeper',
    cases: KILL_CASES.filter((each) => !DELIVERIES.test(pointOf(each))),
    end: terminateRun,
    // On queues of its own, so that nothing of the new run is handed to the polls that the stopped worker has open.
    queues: 'other',
  },
  {
    way: 'its run is reset, and goes on in another worker of the same queues',
    cases: KILL_CASES.filter((each) => pointOf(each) !== WITHOUT_RUN),
    end: resetRun,
    queues: 'same',
  },
] as const;

interface Scene {
  stage: KillStage;
  /** What each payout was found as before the stopped worker woke up. */
  meanwhile: readonly KillVerdict[];
}

const scenes: Scene[] = [];
const closers: (() => Promise<void>)[] = [];

async function play({ cases, end, queues }: (typeof WAYS)[number]): Promise<Scene> {
  const { stage, worker: old } = await createStandingWorker(cases, { env: { POLL_AT_ONCE_MS: '0' } }, closers);
  old.freeze();
  stage.releaseProvider();
  await Promise.all(stage.actors.map(({ payoutId }) => end(stage.world.client, payoutId)));
  const prefix = stage.world.taskQueuePrefix;
  const env = { ...stage.env, TASK_QUEUE_PREFIX: queues === 'same' ? prefix : `${prefix}-other` };
  const worker = startProduct('worker', env);
  closers.unshift(() => worker.kill('SIGTERM'));
  const meanwhile = await Promise.all(stage.actors.map((actor) => stage.restOf(actor, actor.case.stopped.meanwhile)));
  old.letGo();
  old.thaw();
  await old.allEnded();
  await settle();
  return { stage, meanwhile };
}

beforeAll(async () => {
  scenes.push(...(await Promise.all(WAYS.map(play))));
}, 300_000);

afterAll(async () => {
  for (const close of closers) await close();
});

describe.each(WAYS.map(({ way, cases }, index) => [way, cases, index] as const))(
  'a worker is stopped while a payout stands, %s, and the first one wakes up',
  (_way, cases, which) => {
    test.each(cases.map((killCase, index) => [killCase.name, killCase.stopped, index] as const))(
      '%s',
      async (_name, { meanwhile, woken }, index) => {
        const { stage, meanwhile: found } = scenes[which]!;
        expect(found[index]).toEqual(expected(meanwhile));
        expect(await stage.restOf(stage.actors[index]!, woken)).toEqual(expected(woken));
      },
      200_000,
    );
  },
);
