import { constants, setPriority } from 'node:os';
import path from 'node:path';

import { collectDefaultMetrics, Counter, Registry } from 'prom-client';

import { countActivities } from './activities/count-activities';
import { loadConfig } from './config';
import { claimCallbacks } from './db/callbacks';
import { readOverdueLateChecks } from './db/late-checks';
import { claimUnclaimedDeliveries } from './db/outbox';
import { createCore, createRestoreDeps, createRuns, createWorkerActivities } from './deps';
import { startHealthServer } from './health-server';
import { assertOwnDatabase } from './installation';
import { createReadiness } from './readiness';
import { obeyAfterRestore } from './restore/after-restore-flag';
import { createRestoreLoop } from './restore/restore-loop';
import { allClosed, untilToldToStop, withinGrace } from './shutdown';
import { createOperatorAlerts } from './sweeper/operator-alerts';
import { createSweeper } from './sweeper/sweeper';
import { connectWorker } from './temporal/connect';
import { installRuntimeLogger } from './temporal/runtime';
import { ensureSearchAttributes } from './temporal/search-attributes';
import { prebuiltBundle, startWorkers } from './temporal/worker';
import { collectPayoutMetrics } from './payout-metrics';

/** How often the worker looks for what the operator must hear of. */
const ALERTS_EVERY_MS = 10_000;

/** Runs workflows and activities, and the sweeper. `--after-restore`: reconciles before anything is sent. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  // Beside others on one machine bulks have what is left: they keep every core busy that they get.
  if (config.WORKER_SERVES === 'bulks') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const core = await createCore(config, 'worker');
  const { logger, pool, temporal } = core;
  installRuntimeLogger(logger, config.LOG_LEVEL === 'debug' ? 'DEBUG' : 'WARN');
  await assertOwnDatabase(core);
  await obeyAfterRestore(process.argv.slice(2), pool, logger);
  await ensureSearchAttributes(temporal);
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  collectPayoutMetrics(metrics, pool, { logger, lateCheckOverdueMs: config.LATE_CHECK_OVERDUE_MS });
  const bundle = prebuiltBundle(__dirname);
  const workers = await startWorkers({
    connect: () => connectWorker(config),
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueuePrefix: config.TASK_QUEUE_PREFIX,
    serves: config.WORKER_SERVES,
    dataConverter: core.dataConverter,
    activities: countActivities(createWorkerActivities(core), metrics),
    shutdownGraceMs: config.SHUTDOWN_GRACE_MS,
    workflows: bundle ? { workflowBundle: bundle } : { workflowsPath: path.join(__dirname, 'workflows') },
  });
  const runs = createRuns(core);
  const sweepFailures = new Counter({
    name: 'cauri_sweep_failures_total',
    help: 'Parts of the sweeper’s rounds that failed, by part',
    labelNames: ['part'],
    registers: [metrics],
  });
  const sweeper = createSweeper({
    onPartFailed: (part) => sweepFailures.inc({ part }),
    pool,
    runs,
    claimCallbacks: (limit) => claimCallbacks(pool, limit),
    claimWebhooks: (limit) => claimUnclaimedDeliveries(pool, limit),
    logger,
    everyMs: config.SWEEP_EVERY_MS,
    recheckMs: config.SWEEP_RECHECK_MS,
  });
  const alerts = createOperatorAlerts({
    pool,
    logger,
    readOthers: () => readOverdueLateChecks(pool, config.LATE_CHECK_OVERDUE_MS),
    everyMs: ALERTS_EVERY_MS,
  });
  const restoreLoop = createRestoreLoop(createRestoreDeps(core));
  const health = await startHealthServer({
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    metrics,
    logger,
    checks: {
      ...createReadiness(core),
      pollers: () => Promise.resolve(Object.values(workers.states()).every((state) => state === 'RUNNING')),
    },
  });
  logger.info({ port: health.port, taskQueues: Object.keys(workers.states()) }, 'worker is up');

  const reason = await Promise.race([untilToldToStop(), workers.done.then(() => 'workers ended')]);
  logger.info({ reason }, 'worker is stopping');
  // Beside each other: the grace is one for all.
  await allClosed([
    withinGrace('the sweeper', config.SHUTDOWN_GRACE_MS, sweeper.close()),
    withinGrace('the alerts', config.SHUTDOWN_GRACE_MS, alerts.close()),
    withinGrace('the restore loop', config.SHUTDOWN_GRACE_MS, restoreLoop.close()),
    workers.close(),
  ]);
  await health.close();
  await core.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
