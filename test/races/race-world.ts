import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { createApiKey } from '../../src/db/api-keys';
import { findBulk } from '../../src/db/bulk-rows';
import { markCallbackApplied } from '../../src/db/callbacks';
import { newId } from '../../src/db/ids';
import { findPayoutStart } from '../../src/db/payout-search';
import { insertWebhookEndpoint } from '../../src/db/webhook-endpoints-admin';
import { WEBHOOK_EVENTS } from '../../src/domain/webhook-event';
import { createPayoutRuns } from '../../src/temporal/payout-runs';
import type { PayoutRuns } from '../../src/temporal/payout-runs';
import { payoutRequest, startTestApp } from '../helpers/app';
import type { ApiAnswer, ApiRequest, TestApp } from '../helpers/app';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld, PayoutWorldOptions } from '../helpers/payout-world';

/** Whole XOF of each payout that the API accepts here. */
export const AMOUNT = 1_000;

/** A payout world with the real API over it: requests start real runs. */
export interface RaceWorld extends PayoutWorld {
  app: TestApp;
  runs: PayoutRuns;
  merchantKey: string;
  operatorKey: string;
  /** A request of the merchant. */
  ask(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer>;
  /** Accepts a payout by the API, which starts its run. */
  send(recipient: string, changes?: Record<string, unknown>): Promise<string>;
  addEndpoint(url: string): Promise<string>;
  /** Starts all at once, while the payout's row is locked, and lets go of the row after so many milliseconds. */
  collide<T>(payoutId: string, contenders: readonly (() => Promise<T>)[], lockedMs: number): Promise<T[]>;
}

export async function createRaceWorld(options: PayoutWorldOptions = {}): Promise<RaceWorld> {
  const world = await createPayoutWorld(options);
  const { pool, merchantId } = world;
  const runs = createPayoutRuns({
    client: world.client,
    taskQueuePrefix: world.taskQueuePrefix,
    webhookRetryForMs: 60_000,
    findPayoutStart: (payoutId) => findPayoutStart(pool, payoutId),
    findBulk: (bulkId) => findBulk(pool, bulkId),
    markCallbackApplied: (callbackId) => markCallbackApplied(pool, callbackId),
  });
  const { sandbox: orange } = world.providers.orange;
  const app = await startTestApp({
    pool,
    sealing: world.vault,
    runs,
    parseCallback: (_provider, raw, secrets) => orange.parseCallback(raw, secrets),
    parseBatchCallback: (_provider, raw, secrets) =>
      orange.bulk?.parseCallback(raw, secrets) ?? { authentic: false, why: 'no bulk call' },
  });
  const tenant = { merchantId, environment: 'sandbox' } as const;
  const subject = { kind: 'system', systemId: 'shop', responsiblePersonId: 'per_shop' } as const;
  const { key: merchantKey } = await createApiKey(pool, { role: 'merchant', ...tenant, subject });
  const operator = { kind: 'person', personId: 'per_one' } as const;
  const { key: operatorKey } = await createApiKey(pool, { role: 'operator', subject: operator });
  const ask: RaceWorld['ask'] = (method, path, request = {}) =>
    app.request(method, path, { key: merchantKey, ...request });

  return {
    ...world,
    app,
    runs,
    merchantKey,
    operatorKey,
    ask,

    async send(recipient, changes = {}) {
      const body = payoutRequest({ amount: AMOUNT, recipient: { msisdn: recipient }, ...changes });
      const answer = await ask('POST', '/v1/payouts', { idempotencyKey: randomUUID(), body });
      if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${answer.text}`);
      return answer.body.id;
    },

    async addEndpoint(url) {
      const secret = `whsec_${Buffer.from(newId('key')).toString('base64')}`;
      const { id } = await insertWebhookEndpoint(pool, {
        ...tenant,
        id: newId('we'),
        url,
        events: [...WEBHOOK_EVENTS],
        secretEnc: await world.vault.seal(merchantId, 'webhook-secret', secret),
      });
      return id;
    },

    async collide(payoutId, contenders, lockedMs) {
      const session = await pool.connect();
      try {
        await session.query('begin');
        await session.query('select 1 from payouts where id = $1 for update', [payoutId]);
        const answers = Promise.all(contenders.map((contender) => contender()));
        answers.catch(() => undefined);
        await sleep(lockedMs);
        await session.query('rollback');
        return await answers;
      } finally {
        session.release();
      }
    },

    async close() {
      await app.close();
      await world.close();
    },
  };
}
