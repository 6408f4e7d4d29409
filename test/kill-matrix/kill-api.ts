import { createApp } from '../../src/api/app';
import { createBulkWatches } from '../../src/api/bulk-stream/watches';
import { createApiMetrics } from '../../src/api/metrics';
import { startApiServer } from '../../src/api/server';
import { loadConfig } from '../../src/config';
import { createApiReads, createCore, createRuns } from '../../src/deps';
import { createPause } from './kill-pause';
import type { KillPlan } from './kill-pause';
import { aroundStatements } from '../helpers/kill-pool';

/** The API of src/main-api.ts with points around the statement that accepts a payout, and its start; the plan names payouts by reference. */
async function main(): Promise<void> {
  const plan = JSON.parse(process.env['KILL_PLAN'] ?? '{}') as KillPlan;
  const pause = createPause(plan);
  const config = loadConfig(process.env);
  const core = await createCore(config, 'kill-api');
  const runs = createRuns(core);
  const references = new Map<string | undefined, string>();
  const { logger, vault, providers, payloadCodec } = core;
  const app = createApp({
    ...{ logger, config, payloadCodec, sealing: vault },
    metrics: createApiMetrics(),
    watches: createBulkWatches({ pool: core.pool, logger, sealing: vault }),
    pool: aroundStatements(core.pool, async ({ sql, values }, run) => {
      if (!sql.includes('insert into payouts')) return await run();
      const written = JSON.stringify(values);
      const [id] = /po_[0-9a-z]{26}/.exec(written) ?? [];
      const reference = Object.keys(plan).find((name) => written.includes(name)) ?? '';
      references.set(id, reference);
      await pause.at('accept:before', reference);
      const running = run();
      running.catch(() => undefined);
      await pause.at('accept:sent', reference);
      const result = await running;
      await pause.at('accept:after', reference);
      return result;
    }),
    runs: {
      ...runs,
      async start(payout) {
        await pause.at('start:before', references.get(payout.id));
        await runs.start(payout);
        await pause.at('start:after', references.get(payout.id));
      },
    },
    parseCallback: (provider, raw, secrets) => providers[provider].live.parseCallback(raw, secrets),
    parseBatchCallback: (provider, raw, secrets) =>
      providers[provider].live.bulk?.parseCallback(raw, secrets) ?? { authentic: false, why: 'no bulk call' },
    ...createApiReads(core),
    readiness: {},
  });
  const { API_HOST: host, REQUEST_TIMEOUT_MS: requestTimeoutMs } = config;
  const server = await startApiServer({ app, host, port: 0, requestTimeoutMs });
  pause.tellUp(server.port);
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
});
