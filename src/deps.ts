import type { Client } from '@temporalio/client';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import type { Pool } from 'pg';

import { createActivities } from './activities/activities';
import type { Activities } from './activities/activities';
import type { PayoutSettings } from './activities/payout-settings';
import { createProviderAccess } from './activities/provider-access';
import { createRequestBudget } from './activities/request-budget';
import type { RequestBudget } from './activities/request-budget';
import type { Config } from './config';
import { findBulk } from './db/bulk-rows';
import { markCallbackApplied } from './db/callbacks';
import { findPayoutStart } from './db/payout-search';
import { createPool } from './db/pool';
import type { PoolOptions } from './db/pool';
import { createSearches } from './db/searches';
import type { Searches } from './db/searches';
import { createLogger } from './logger';
import type { Logger } from './logger';
import { createProviders } from './providers/registry';
import type { Providers } from './providers/registry';
import type { RestoreDeps } from './restore/restore-deps';
import { createTemporalClient } from './temporal/connect';
import { createDataConverter } from './temporal/data-converter';
import { createPayloadCodec } from './temporal/payload-codec';
import { createPayoutEvidence } from './temporal/payout-evidence';
import { createPayoutRuns } from './temporal/payout-runs';
import type { PayoutRuns } from './temporal/payout-runs';
import { loadMasterKeys } from './vault/master-keys';
import type { MasterKeys } from './vault/master-keys';
import { createVault } from './vault/vault';
import type { Vault } from './vault/vault';

/** What every process of Cauri is built from. */
export interface Core {
  config: Config;
  logger: Logger;
  pool: Pool;
  masterKeys: MasterKeys;
  vault: Vault;
  providers: Providers;
  dataConverter: DataConverter;
  payloadCodec: PayloadCodec;
  temporal: Client;
  close(): Promise<void>;
}

/** The only place where the parts are wired; built in order, closed in reverse. */
export async function createCore(
  config: Config,
  name: string,
  database: Pick<PoolOptions, 'queryTimeoutMs'> = {},
): Promise<Core> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: `cauri-${name}` });
  const masterKeys = await loadMasterKeys(config);
  const pool = createPool({
    databaseUrl: config.DATABASE_URL,
    size: config.DATABASE_POOL_SIZE,
    ...database,
    onIdleError: (err) => logger.warn({ err }, 'an idle database connection broke'),
  });
  const payloadCodec = createPayloadCodec(masterKeys);
  const dataConverter = createDataConverter(masterKeys);
  const temporal = createTemporalClient(config, dataConverter);
  return {
    config,
    logger,
    pool,
    masterKeys,
    dataConverter,
    payloadCodec,
    temporal,
    vault: createVault({ pool, masterKeys }),
    providers: createProviders({
      orange: {
        baseUrls: { sandbox: config.ORANGE_SANDBOX_URL, live: config.ORANGE_LIVE_URL },
        timeouts: {
          connectMs: config.ORANGE_CONNECT_TIMEOUT_MS,
          headersMs: config.ORANGE_HEADERS_TIMEOUT_MS,
          bodyMs: config.ORANGE_BODY_TIMEOUT_MS,
        },
        settlementWindowMs: config.ORANGE_SETTLEMENT_WINDOW_MS,
        resendAfterMs: config.ORANGE_RESEND_AFTER_MS ?? null,
      },
    }),
    async close() {
      await temporal.connection.close();
      await pool.end();
    },
  };
}

/** Connections of an API process for statements over all lines of a bulk; each upload has one only while it stores. */
const BULK_POOL_SIZE = 5;

/** Connections of the API for what reads much: apart, so that none of it keeps a payout from being accepted. */
export function createApiReads({ config, logger }: Core): {
  searches: Searches;
  exports: Pool;
  bulks: Pool;
  close(): Promise<void>;
} {
  const { DATABASE_URL: databaseUrl, SEARCH_POOL_SIZE, SEARCH_LIMIT_MS, EXPORT_POOL_SIZE } = config;
  const onIdleError = (err: Error): void => logger.warn({ err }, 'an idle database connection broke');
  const searches = createSearches({ databaseUrl, size: SEARCH_POOL_SIZE, limitMs: SEARCH_LIMIT_MS, onIdleError });
  const exports = createPool({ databaseUrl, size: EXPORT_POOL_SIZE, onIdleError });
  const bulks = createPool({ databaseUrl, size: BULK_POOL_SIZE, onIdleError });
  return {
    searches,
    exports,
    bulks,
    async close() {
      await Promise.all([searches.close(), exports.end(), bulks.end()]);
    },
  };
}

/** The engine as the API and the sweeper see it, over a core. */
export function createRuns({ config, pool, temporal }: Core): PayoutRuns {
  return createPayoutRuns({
    client: temporal,
    findPayoutStart: (payoutId) => findPayoutStart(pool, payoutId),
    findBulk: (bulkId) => findBulk(pool, bulkId),
    markCallbackApplied: (callbackId) => markCallbackApplied(pool, callbackId),
    taskQueuePrefix: config.TASK_QUEUE_PREFIX,
    webhookRetryForMs: config.WEBHOOK_RETRY_FOR_MS,
  });
}

/** The activities of a worker, over its core. */
export function createWorkerActivities(core: Core): Activities {
  const { config, pool, vault, logger } = core;
  return createActivities({
    pool,
    logger,
    ...createProviderParts(core),
    sealing: vault,
    bulks: {
      approvalForMs: config.BULK_APPROVAL_HOURS * 3_600_000,
      duplicateDays: config.BULK_DUPLICATE_DAYS,
      chunkSize: config.BULK_CHUNK_SIZE,
      chunksAtOnce: config.BULK_CHUNKS_AT_ONCE,
      callingAtOnce: config.BULK_CHUNKS_CALLING,
      chunksPerRun: config.BULK_CHUNKS_PER_RUN,
      batchCallbackBase: config.ORANGE_BULK === 'native' ? config.PUBLIC_URL.replace(/\/+$/, '') : null,
      microBatch: config.BULK_MICRO_BATCH,
      handOverMost: config.BULK_HAND_OVER_MOST,
      slowAfterMs: config.BULK_SLOW_AFTER_MS,
      lookEveryMs: 1_000,
      carryForMs: 600_000,
    },
    webhooks: {
      timeoutMs: config.WEBHOOK_TIMEOUT_MS,
      allowLoopback: config.ALLOW_LOOPBACK_WEBHOOKS,
      retryForMs: config.WEBHOOK_RETRY_FOR_MS,
    },
  });
}

/** What reconciles a database that went back in time with the providers and the engine. */
export function createRestoreDeps(core: Core): RestoreDeps {
  const { config, pool, logger, temporal } = core;
  const engine = createPayoutEvidence(temporal, config.TASK_QUEUE_PREFIX);
  return { pool, logger, engine, ...createProviderParts(core) };
}

/** The requests that operators' commands and the seeding take from the accounts' budgets; people wait a little longer than payouts. */
export function createOperatorBudget(core: Core): RequestBudget {
  return createBudget(core, 20_000);
}

function createBudget({ config, pool }: Pick<Core, 'config' | 'pool'>, patienceMs: number): RequestBudget {
  return createRequestBudget({
    pool,
    requestsPerMinute: config.ORANGE_REQUESTS_PER_MINUTE ?? null,
    patienceMs,
    lateShare: config.LATE_CHECK_SHARE_PERCENT / 100,
  });
}

function createProviderParts({
  config,
  pool,
  vault,
  providers,
}: Core): Pick<RestoreDeps, 'access' | 'budget' | 'settings'> {
  const budget = createBudget({ config, pool }, 5_000);
  const access = createProviderAccess({
    pool,
    sealing: vault,
    fingerprintPin: (provider, account, pin) => vault.fingerprintPin(provider, account, pin),
    providers,
    budget,
  });
  return { access, budget, settings: payoutSettings(config) };
}

function payoutSettings(config: Config): PayoutSettings {
  return {
    sendByMs: config.ORANGE_CONNECT_TIMEOUT_MS + 10_000,
    sendByMarginMs: config.SEND_BY_MARGIN_MS,
    backOff: { firstMs: config.BACK_OFF_FIRST_MS, maxMs: config.BACK_OFF_MAX_MS },
    watchMs: config.LATE_CREDIT_WATCH_MS,
    poll: { firstMs: config.POLL_FIRST_MS, maxMs: config.POLL_MAX_MS },
    pollAtOnceMs: config.POLL_AT_ONCE_MS,
    pollLoopMs: 20_000,
    settlementWindowMs: null,
  };
}
