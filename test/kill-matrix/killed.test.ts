import { KILL_CASES } from './kill-cases';
import { expected } from './kill-judge';
import type { KillStage } from './kill-stage';
import { createStandingWorker } from './standing-worker';
import { startProduct } from '../helpers/product';

describe('a worker is killed, and another one starts, while a payout stands', () => {
  const closers: (() => Promise<void>)[] = [];
  let stage: KillStage;

  beforeAll(async () => {
    const standing = await createStandingWorker(KILL_CASES, {}, closers);
    stage = standing.stage;
    await standing.worker.kill();
    stage.releaseProvider();
    const worker = startProduct('worker', stage.env);
    closers.unshift(() => worker.kill('SIGTERM'));
  }, 300_000);

  afterAll(async () => {
    for (const close of closers) await close();
  });

  test.each(KILL_CASES.map((killCase, index) => [killCase.name, killCase.killed, index] as const))(
    '%s: %s',
    async (_name, end, index) => {
      const actor = stage.actors[index]!;
      expect(await stage.restOf(actor, end)).toEqual(expected(end));
    },
    200_000,
  );

  test('what nobody can tell stays so', async () => {
    const unknown = stage.actors.filter((actor) => actor.case.killed === 'unknown');
    expect(unknown.length).toBeGreaterThan(3);
    const verdicts = await Promise.all(unknown.map((actor) => stage.restOf(actor, 'unknown')));
    expect(verdicts).toEqual(unknown.map(() => expected('unknown')));
  }, 300_000);
});
