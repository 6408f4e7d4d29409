import { randomBytes } from 'node:crypto';

import { pino } from 'pino';
import type { Logger } from 'pino';
import type { Pool } from 'pg';
import type { Client } from '@temporalio/client';

import { createActivities } from '../../src/activities/activities';
import type { Activities, ActivityDeps } from '../../src/activities/activities';
import type { BulkSettings } from '../../src/activities/lines/line-deps';
import { createProviderAccess } from '../../src/activities/provider-access';
import { createRequestBudget } from '../../src/activities/request-budget';
import type { PayoutSettings } from '../../src/activities/payout-settings';
import { newId } from '../../src/db/ids';
import { topUpFloat } from '../../src/db/operator-actions';
import { findPayout } from '../../src/db/payout-rows';
import { createPool } from '../../src/db/pool';
import { saveCredential } from '../../src/db/save-credential';
import { listSubmissions } from '../../src/db/submissions';
import type { Payout } from '../../src/domain/payout';
import type { PayoutState } from '../../src/domain/payout-state';
import type { Submission } from '../../src/domain/submission';
import { createProviders } from '../../src/providers/registry';
import type { Providers } from '../../src/providers/registry';
import { createOrangeSimulator, SCENARIOS } from '../../src/simulators/orange';
import type { OrangeSimulator, OrangeSimulatorOptions, ScenarioName } from '../../src/simulators/orange';
import { createTemporalClient, connectWorker } from '../../src/temporal/connect';
import { createDataConverter } from '../../src/temporal/data-converter';
import { installRuntimeLogger } from '../../src/temporal/runtime';
import { registerSearchAttributes } from '../../src/temporal/search-attributes';
import { startWorkers } from '../../src/temporal/worker';
import type { Workers, WorkersOptions } from '../../src/temporal/worker';
import type { MasterKeys } from '../../src/vault/master-keys';
import { createVault } from '../../src/vault/vault';
import type { Vault } from '../../src/vault/vault';
import { PAYOUT_WORKFLOW, payoutWorkflowId, workflowTaskQueue } from '../../src/workflows/contract';
import { eventually } from './eventually';
import { addPerson, addVerifiedOperators } from './persons';
import { createTestDatabase } from './postgres';
import { temporalAddress, uniqueName } from './temporal-server';
import { workflowBundle } from './workflow-bundle';

// Refusals and retries are what these tests are about: the SDK's warnings of them are only shown on demand.
installRuntimeLogger(pino({ level: process.env['TEST_LOG'] ?? 'silent' }));

export const PIN = '2468';
export const ACCOUNT = '781234567';
export const FLOAT = 1_000_000n;

/** The live environment's host, of which every call is lost: tests pay in the sandbox, where the simulator is. */
export const NO_LIVE_PROVIDER = 'https://no-live-provider.invalid';

/** Small, so that a test's bulk has several chunks, micro-batches and runs. */
export const BULK_SETTINGS: BulkSettings = {
  approvalForMs: 3_600_000,
  duplicateDays: 7,
  chunkSize: 20,
  chunksAtOnce: 2,
  callingAtOnce: 2,
  chunksPerRun: 400,
  batchCallbackBase: null,
  microBatch: 8,
  handOverMost: 10,
  slowAfterMs: 3_000,
  lookEveryMs: 100,
  carryForMs: 5_000,
};

export interface PayoutWorldOptions {
  settings?: Partial<PayoutSettings>;
  bulks?: Partial<BulkSettings>;
  simulator?: OrangeSimulatorOptions;
  timeouts?: { connectMs?: number; headersMs?: number; bodyMs?: number };
  /** Of the provider's account over all workers; none by default. */
  requestsPerMinute?: number;
  /** Milliseconds after a lost answer from which it is sent once more; never by default. */
  resendAfterMs?: number;
  clientSecret?: string;
  /** The PIN that is saved; the simulator's own by default. */
  pin?: string;
  gate?: 'open' | 'unproven';
  /** Address of a Temporal server of the test's own; the run's shared one by default. */
  temporal?: string;
  /** A migrated database of the test's own server; a fresh one of the run's by default. */
  databaseUrl?: string;
  /** What payloads and the vault are encrypted under; random by default. */
  masterKeys?: MasterKeys;
  /** Of the activities; silent by default. */
  logger?: Logger;
}

export interface SavedClient {
  clientId: string;
  clientSecret: string;
  accountNumber: string;
}

/** Real PostgreSQL, real Temporal, real HTTP to a simulator: one merchant with a float and a credential. */
export interface PayoutWorld {
  databaseUrl: string;
  pool: Pool;
  vault: Vault;
  providers: Providers;
  simulator: OrangeSimulator;
  client: Client;
  merchantId: string;
  credentialId: string;
  settings: PayoutSettings;
  requestsPerMinute: number | null;
  activities: Activities;
  taskQueuePrefix: string;
  /** The environment of a product process that works in this world, with short times. */
  env: Readonly<Record<string, string>>;
  /** A number in E.164 that meets this scenario of the simulator and was not used before. */
  recipientOf(scenario: ScenarioName): string;
  /** Accepts a payout as the API does: row, first event and hold in one transaction. */
  accept(payout?: {
    id?: string;
    recipient?: string;
    amount?: bigint;
    scheduledAt?: Date;
    /** Another merchant than the world's own. */
    by?: { merchantId: string; credentialId: string };
    environment?: 'sandbox' | 'live';
  }): Promise<string>;
  startRun(payoutId: string): Promise<void>;
  startWorkers(
    overrides?: Partial<Activities>,
    serves?: WorkersOptions['serves'],
    bulkSlots?: number,
  ): Promise<Workers>;
  payout(payoutId: string): Promise<Payout>;
  submissions(payoutId: string): Promise<readonly Submission[]>;
  /** The states that the payout went through, in order. */
  states(payoutId: string): Promise<readonly PayoutState[]>;
  untilState(payoutId: string, ...states: PayoutState[]): Promise<Payout>;
  balances(): Promise<Record<string, bigint>>;
  /** Money that truly moved to a recipient, by the simulator's own ledger. */
  credited(recipient: string): Promise<bigint>;
  /** Replaces the credential; what is not named of the client and the account stays as it was saved first. */
  saveCredential(pin: string, gate: 'open' | 'unproven', client?: Partial<SavedClient>): Promise<void>;
  close(): Promise<void>;
}

export async function createPayoutWorld(options: PayoutWorldOptions = {}): Promise<PayoutWorld> {
  const database = options.databaseUrl
    ? { url: options.databaseUrl, close: () => Promise.resolve() }
    : await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, size: 20, onIdleError: () => undefined });
  const masterKeys = options.masterKeys ?? ([{ id: 'test', key: randomBytes(32) }] as const);
  const vault = createVault({ pool, masterKeys });
  const simulator = await createOrangeSimulator({ rateLimitPerMinute: null, ...options.simulator });
  const providers = createProviders({
    orange: {
      baseUrls: { sandbox: simulator.url, live: NO_LIVE_PROVIDER },
      // A busy machine loses no answer of a provider that gives one; who waits for their end sets shorter ones.
      timeouts: { connectMs: 5_000, headersMs: 10_000, bodyMs: 10_000, ...options.timeouts },
      resendAfterMs: options.resendAfterMs ?? null,
    },
  });
  const settings: PayoutSettings = {
    sendByMs: 5_000,
    sendByMarginMs: 500,
    backOff: { firstMs: 200, maxMs: 1_000 },
    watchMs: 60_000,
    poll: { firstMs: 100, maxMs: 500 },
    pollAtOnceMs: 5_000,
    pollLoopMs: 5_000,
    settlementWindowMs: 60_000,
    ...options.settings,
  };
  const logger = options.logger ?? pino({ level: process.env['TEST_LOG'] ?? 'silent' });
  const requestsPerMinute = options.requestsPerMinute ?? null;
  const budget = createRequestBudget({ pool, requestsPerMinute, patienceMs: 5_000 });
  const deps: ActivityDeps = {
    pool,
    budget,
    settings,
    logger,
    access: createProviderAccess({
      pool,
      sealing: vault,
      fingerprintPin: (...pin: [string, string, string]) => vault.fingerprintPin(...pin),
      providers,
      budget,
    }),
    sealing: vault,
    bulks: { ...BULK_SETTINGS, ...options.bulks },
    webhooks: { timeoutMs: 10_000, allowLoopback: true, retryForMs: 3 * 24 * 3_600_000 },
  };
  const activities = createActivities(deps);
  const connection = {
    TEMPORAL_ADDRESS: options.temporal ?? temporalAddress(),
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_TLS: false,
    TEMPORAL_API_KEY: undefined,
  };
  const dataConverter = createDataConverter(masterKeys);
  const client = createTemporalClient(connection, dataConverter);
  await registerSearchAttributes(client);
  const taskQueuePrefix = uniqueName('w');
  const started: Workers[] = [];

  const merchantId = newId('mer');
  await pool.query('insert into merchants (id, name) values ($1, $1)', [merchantId]);
  await addVerifiedOperators(pool, 'per_one', 'per_two');
  // Answers for what the merchant's systems send.
  await addPerson(pool, 'per_shop');
  const tenant = { merchantId, environment: 'sandbox' } as const;
  await topUpFloat(pool, { ...tenant, currency: 'XOF', amount: FLOAT, requestId: 'first', personId: 'per_one' });

  async function save(
    pin: string,
    gate: 'open' | 'unproven',
    {
      clientId = 'sandbox-client',
      clientSecret = options.clientSecret ?? 'sandbox-secret',
      accountNumber = ACCOUNT,
    }: Partial<SavedClient> = {},
  ): Promise<string> {
    const secret = JSON.stringify({ clientId, clientSecret });
    const { id } = await saveCredential(pool, {
      ...tenant,
      id: newId('cred'),
      provider: 'orange',
      operator: 'orange_sn',
      role: 'primary',
      accountNumber,
      idType: 'MSISDN',
      secretEnc: await vault.seal(merchantId, 'credential', secret),
      pinEnc: await vault.seal(merchantId, 'pin', pin),
      pinFingerprint: vault.fingerprintPin('orange', accountNumber, pin),
      gate,
      personId: 'per_one',
    });
    return id;
  }
  const credentialId = await save(options.pin ?? PIN, options.gate ?? 'open');
  let used = 0;

  const world: PayoutWorld = {
    databaseUrl: database.url,
    pool,
    vault,
    providers,
    simulator,
    client,
    merchantId,
    credentialId,
    settings,
    requestsPerMinute,
    activities,
    taskQueuePrefix,
    env: {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: connection.TEMPORAL_ADDRESS,
      TASK_QUEUE_PREFIX: taskQueuePrefix,
      MASTER_KEY: masterKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(','),
      ORANGE_SANDBOX_URL: simulator.url,
      ORANGE_LIVE_URL: NO_LIVE_PROVIDER,
      ORANGE_CONNECT_TIMEOUT_MS: '2000',
      ORANGE_HEADERS_TIMEOUT_MS: '3000',
      ORANGE_BODY_TIMEOUT_MS: '2000',
      SEND_BY_MARGIN_MS: '500',
      BACK_OFF_FIRST_MS: '200',
      BACK_OFF_MAX_MS: '1000',
      POLL_FIRST_MS: '100',
      POLL_MAX_MS: '500',
      SWEEP_EVERY_MS: '300',
      SWEEP_RECHECK_MS: '1000',
      METRICS_PORT: '0',
      API_METRICS_PORT: '0',
      API_PORT: '0',
      ALLOW_LOOPBACK_WEBHOOKS: 'true',
      SHUTDOWN_GRACE_MS: '3000',
      LOG_LEVEL: 'info',
    },

    recipientOf(name) {
      const scenario = SCENARIOS.find((candidate) => candidate.name === name);
      used += 1;
      const number = String(used).padStart(3, '0');
      return scenario?.code == null ? `+221771000${number}` : `+2217700${scenario.code}${number}`;
    },

    async accept({
      id = newId('po'),
      recipient = world.recipientOf('success'),
      amount = 1_000n,
      scheduledAt,
      by = { merchantId, credentialId },
      environment = 'sandbox',
    } = {}) {
      const state = scheduledAt ? 'scheduled' : 'queued';
      const reason = scheduledAt ? 'scheduled_by_api' : 'accepted_by_api';
      const customer = await vault.seal(by.merchantId, 'customer', '{}');
      const trx = await pool.connect();
      try {
        await trx.query('begin');
        await trx.query(
          `insert into payouts (id, merchant_id, environment, owner, state, amount, currency, method, provider,
             credential_id, recipient_msisdn, description, customer_enc, scheduled_at, reason, sweep_after, created_by)
           values ($1, $2, $11, $3, $4, $5, 'XOF', 'orange_sn', 'orange', $6, $7, 'test', $8, $9, $10,
             now() + interval '1 hour', 'test')`,
          [
            id,
            by.merchantId,
            `payout/${id}`,
            state,
            amount,
            by.credentialId,
            recipient,
            customer,
            scheduledAt ?? null,
            reason,
            environment,
          ],
        );
        await trx.query(
          `insert into payout_events (payout_id, sequence, to_state, actor, reason) values ($1, 1, $2, 'system', $3)`,
          [id, state, reason],
        );
        await trx.query('select open_hold($1)', [id]);
        await trx.query('commit');
      } finally {
        trx.release();
      }
      return id;
    },

    async startRun(payoutId) {
      await client.workflow.start(PAYOUT_WORKFLOW, {
        taskQueue: workflowTaskQueue(taskQueuePrefix),
        workflowId: payoutWorkflowId(payoutId),
        args: [payoutId],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
    },

    async startWorkers(overrides = {}, serves = 'all', bulkSlots) {
      const workers = await startWorkers({
        connect: () => connectWorker(connection),
        namespace: 'default',
        taskQueuePrefix,
        serves,
        ...(bulkSlots === undefined ? {} : { bulkSlots }),
        dataConverter,
        activities: { ...activities, ...overrides },
        shutdownGraceMs: 2_000,
        workflows: { workflowBundle: workflowBundle() },
      });
      started.push(workers);
      return workers;
    },

    async payout(payoutId) {
      const payout = await findPayout(pool, payoutId);
      if (!payout) throw new Error(`no payout ${payoutId}`);
      return payout;
    },

    submissions: (payoutId) => listSubmissions(pool, payoutId),

    async states(payoutId) {
      const { rows } = await pool.query<{ to_state: PayoutState }>(
        'select to_state from payout_events where payout_id = $1 order by sequence',
        [payoutId],
      );
      return rows.map(({ to_state }) => to_state);
    },

    untilState: (payoutId, ...states) =>
      eventually(`${payoutId} is ${states.join(' or ')}`, async () => {
        const payout = await world.payout(payoutId);
        return states.includes(payout.state) && payout;
      }),

    async balances() {
      const { rows } = await pool.query<{ kind: string; balance: bigint }>(
        'select kind, balance from ledger_accounts where merchant_id = $1',
        [merchantId],
      );
      return Object.fromEntries(rows.map(({ kind, balance }) => [kind, balance]));
    },

    credited(recipient) {
      const { credits } = simulator.ledger();
      const national = recipient.replace('+221', '');
      const sum = credits
        .filter(({ customer }) => customer === national)
        .reduce((sum, { amount }) => sum + BigInt(amount), 0n);
      return Promise.resolve(sum);
    },

    async saveCredential(pin, gate, client) {
      await save(pin, gate, client);
    },

    async close() {
      for (const workers of started) await workers.close();
      await client.connection.close();
      await pool.end();
      await simulator.close();
      await database.close();
    },
  };
  return world;
}
