import type { KillCase } from './kill-cases';
import { startKillProcess } from './kill-process';
import type { KillProcess } from './kill-process';
import { createKillStage } from './kill-stage';
import type { KillStage } from './kill-stage';

/** A stage and a worker of it in which each payout stands at its case's point; `closers`: what ends both, the last first. */
export async function createStandingWorker(
  cases: readonly KillCase[],
  options: Parameters<typeof createKillStage>[1],
  closers: (() => Promise<void>)[],
): Promise<{ stage: KillStage; worker: KillProcess }> {
  const stage = await createKillStage(cases, options);
  closers.unshift(stage.close);
  const worker = startKillProcess('kill-worker', stage);
  closers.unshift(worker.kill);
  await worker.up();
  await stage.startRuns();
  await worker.allReached(stage.nudge);
  return { stage, worker };
}
