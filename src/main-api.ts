import { collectDefaultMetrics } from 'prom-client';

import { createApp } from './api/app';
import { createBulkWatches } from './api/bulk-stream/watches';
import { createApiMetrics } from './api/metrics';
import { startApiServer } from './api/server';
import { loadConfig } from './config';
import { createApiReads, createCore, createRuns } from './deps';
import { startHealthServer } from './health-server';
import { assertOwnDatabase } from './installation';
import { createReadiness } from './readiness';
import { obeyAfterRestore } from './restore/after-restore-flag';
import { untilToldToStop } from './shutdown';

/**
 * A PostgreSQL that is frozen and not dead answers nothing: two statements in turn, the longest that a request waits (for
 * one under way and for its own), end within 10 s.
 */
const QUERY_LIMIT_MS = 4_000;

/** Serves the HTTP API. `--after-restore`: accepts nothing until a worker has reconciled. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const core = await createCore(config, 'api', { queryTimeoutMs: QUERY_LIMIT_MS });
  const { logger, pool, vault, providers, payloadCodec } = core;
  await assertOwnDatabase(core);
  await obeyAfterRestore(process.argv.slice(2), pool, logger);
  const metrics = createApiMetrics();
  collectDefaultMetrics({ register: metrics.registry });
  const runs = createRuns(core);
  const watches = createBulkWatches({ pool, logger, sealing: vault });
  const reads = createApiReads(core);
  const app = createApp({
    ...{ pool, logger, config, runs, payloadCodec, metrics, watches, ...reads },
    sealing: vault,
    // A callback reads alike in every environment; whose it is, its address says.
    parseCallback: (provider, raw, secrets) => providers[provider].live.parseCallback(raw, secrets),
    parseBatchCallback: (provider, raw, secrets) =>
      providers[provider].live.bulk?.parseCallback(raw, secrets) ?? { authentic: false, why: 'no bulk call' },
    readiness: createReadiness(core),
  });
  const { API_HOST: host, API_PORT: port, REQUEST_TIMEOUT_MS: requestTimeoutMs } = config;
  const health = await startHealthServer({
    ...{ host: config.API_METRICS_HOST, port: config.API_METRICS_PORT },
    ...{ metrics: metrics.registry, logger },
  });
  const server = await startApiServer({ app, host, port, requestTimeoutMs });
  logger.info({ host, port: server.port, metricsPort: health.port, url: config.PUBLIC_URL }, 'api is up');

  const reason = await untilToldToStop();
  logger.info({ reason }, 'api is stopping');
  // Streams would keep it up for the whole grace.
  watches.close();
  await server.close(config.SHUTDOWN_GRACE_MS);
  await health.close();
  await reads.close();
  await core.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
