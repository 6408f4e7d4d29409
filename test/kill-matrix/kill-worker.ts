import path from 'node:path';

import { loadConfig } from '../../src/config';
import { claimCallbacks } from '../../src/db/callbacks';
import { claimUnclaimedDeliveries } from '../../src/db/outbox';
import { createCore, createRuns, createWorkerActivities } from '../../src/deps';
import { createSweeper } from '../../src/sweeper/sweeper';
import { connectWorker } from '../../src/temporal/connect';
import { installRuntimeLogger } from '../../src/temporal/runtime';
import { prebuiltBundle, startWorkers } from '../../src/temporal/worker';
import { createKillHooks } from './kill-hooks';
import { createPause } from './kill-pause';
import type { KillPlan } from './kill-pause';

/** The worker of src/main-worker.ts with points in what it is built from, at which its parent stops or kills it. */
async function main(): Promise<void> {
  const plan = JSON.parse(process.env['KILL_PLAN'] ?? '{}') as KillPlan;
  const pause = createPause(plan);
  const hooks = createKillHooks(pause);
  const config = loadConfig(process.env);
  const core = await createCore(config, 'kill-worker');
  const { logger, pool } = core;
  installRuntimeLogger(logger, 'WARN');
  const bundle = prebuiltBundle(path.join(__dirname, '..', '..', 'dist'));
  const workers = await startWorkers({
    connect: () => connectWorker(config),
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueuePrefix: config.TASK_QUEUE_PREFIX,
    dataConverter: core.dataConverter,
    activities: hooks.activities(
      createWorkerActivities({
        ...core,
        pool: hooks.pool(pool),
        providers: { orange: { ...core.providers.orange, sandbox: hooks.provider(core.providers.orange.sandbox) } },
      }),
    ),
    shutdownGraceMs: config.SHUTDOWN_GRACE_MS,
    workflows: bundle
      ? { workflowBundle: bundle }
      : { workflowsPath: path.join(__dirname, '..', '..', 'src', 'workflows') },
  });
  const runs = createRuns(core);
  const swept = new Set<string>();
  createSweeper({
    pool,
    runs: {
      ...runs,
      // The sweeper's other work goes on while one payout stands; its next rounds leave that one alone as long.
      async ensure(payoutId, options) {
        if (!plan[payoutId]?.point.startsWith('sweep:')) {
          await runs.ensure(payoutId, options);
          return;
        }
        if (swept.has(payoutId)) return;
        swept.add(payoutId);
        void (async () => {
          await pause.at('sweep:claimed', payoutId);
          await runs.ensure(payoutId, options).catch((err: unknown) => logger.warn({ err }, 'not started'));
          await pause.at('sweep:started', payoutId);
          swept.delete(payoutId);
        })();
      },
    },
    claimCallbacks: (limit) => claimCallbacks(pool, limit),
    claimWebhooks: (limit) => claimUnclaimedDeliveries(pool, limit),
    logger,
    everyMs: config.SWEEP_EVERY_MS,
    recheckMs: config.SWEEP_RECHECK_MS,
  });
  pause.tellUp();
  await workers.done;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
