import { createServer } from 'node:http';
import { join } from 'node:path';

import { loadConfig } from '../../src/config';
import { createProviders } from '../../src/providers/registry';
import { untilToldToStop } from '../../src/shutdown';
import { connectWorker } from '../../src/temporal/connect';
import { createDataConverter } from '../../src/temporal/data-converter';
import { startWorkers } from '../../src/temporal/worker';
import { loadMasterKeys } from '../../src/vault/master-keys';
import { createBaselineActivities } from './activities';
import { BASELINE_PREFIX } from './contract';

const PATIENCE_MS = 60_000;

/** The worker of both baselines: the product's own tuning, queues, codec and connector; no database. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const { WEBHOOK_URL: webhookUrl = '', WEBHOOK_SECRET: webhookSecret = '', PORT: port } = process.env;
  // Nothing is tried again here, so that a busy machine must not let a call run out of time.
  const timeouts = { connectMs: PATIENCE_MS, headersMs: PATIENCE_MS, bodyMs: PATIENCE_MS };
  const baseUrls = { sandbox: config.ORANGE_SANDBOX_URL, live: config.ORANGE_LIVE_URL };
  const { sandbox: provider } = createProviders({ orange: { baseUrls, timeouts } }).orange;
  const activities = createBaselineActivities({
    provider,
    account: {
      clientId: 'sandbox-client',
      clientSecret: 'sandbox-secret',
      accountNumber: '781234567',
      idType: 'MSISDN',
    },
    pin: '2468',
    webhookUrl,
    webhookSecret,
    webhookTimeoutMs: PATIENCE_MS,
    gapMs: config.POLL_FIRST_MS,
  });
  const workers = await startWorkers({
    connect: () => connectWorker(config),
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueuePrefix: BASELINE_PREFIX,
    dataConverter: createDataConverter(await loadMasterKeys(config)),
    activities,
    shutdownGraceMs: 5_000,
    workflows: { workflowsPath: join(__dirname, 'workflows.ts') },
  });
  const up = createServer((_request, response) => void response.end('{}')).listen(Number(port), '127.0.0.1');
  await Promise.race([untilToldToStop(), workers.done]);
  up.close();
  await workers.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
