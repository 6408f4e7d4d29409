import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { pino } from 'pino';
import type { Pool } from 'pg';
import { Webhook } from 'standardwebhooks';

import { createWebhookActivities } from '../../src/activities/webhooks';
import type { WebhookActivities, WebhookActivityDeps } from '../../src/activities/webhooks';
import { newId } from '../../src/db/ids';
import { movePayout } from '../../src/db/move-payout';
import { lockPayout } from '../../src/db/payout-rows';
import { withTransaction } from '../../src/db/transaction';
import { insertWebhookEndpoint } from '../../src/db/webhook-endpoints-admin';
import type { PayoutState } from '../../src/domain/payout-state';
import { WEBHOOK_EVENTS } from '../../src/domain/webhook-event';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

export interface ReceivedRequest {
  headers: Record<string, string>;
  body: string;
}

/** A merchant's endpoint: real HTTP, with everything that it heard. */
export interface Receiver {
  url: string;
  received: ReceivedRequest[];
  /** What it does with the next requests: a status, or null for never an answer. */
  answer: number | null | (() => Promise<number>);
}

export interface DeliveryWorld extends PayoutWorld {
  webhooks: WebhookActivities;
  createReceiver(): Promise<Receiver>;
  /** Registers an endpoint that wants all events; with its secret. */
  addEndpoint(url: string): Promise<{ id: string; secret: string }>;
  move(payoutId: string, to: PayoutState): Promise<void>;
  /** A payout that has entered these states. */
  payoutIn(...states: PayoutState[]): Promise<string>;
  /** The id of the event of a version. */
  eventId(payoutId: string, version: number): string;
  outbox(payoutId: string): Promise<OutboxRow[]>;
  deliveries(payoutId: string): Promise<{ endpoint_id: string; result: string; http_status: number | null }[]>;
  /** Lets time pass for the outbox: everything in it happened so much earlier. */
  age(payoutId: string, by: string): Promise<void>;
}

export interface OutboxRow {
  event_id: string;
  endpoint_id: string;
  claim_no: number;
  delivered_at: Date | null;
  given_up_at: Date | null;
  claimed_until: Date | null;
  handed_over_at: Date | null;
}

/** A merchant with a secret that verifies, or throws. */
export function verify(request: ReceivedRequest, secret: string): { type: string; timestamp: string; data: object } {
  return new Webhook(secret).verify(request.body, request.headers) as never;
}

export async function createDeliveryWorld(
  options: Partial<Pick<WebhookActivityDeps['webhooks'], 'timeoutMs' | 'allowLoopback'>> &
    Pick<WebhookActivityDeps['webhooks'], 'lookup'> = {},
): Promise<DeliveryWorld> {
  const world = await createPayoutWorld();
  const { pool, vault, merchantId } = world;
  const closers: (() => void)[] = [];

  return {
    ...world,
    webhooks: createWebhookActivities({
      pool,
      sealing: vault,
      logger: pino({ level: 'silent' }),
      webhooks: { timeoutMs: 5_000, allowLoopback: true, retryForMs: 3 * 24 * 3_600_000, ...options },
    }),

    async createReceiver() {
      const receiver: Receiver = { url: '', received: [], answer: 204 };
      const server = createServer((request, response) => {
        void text(request).then(async (body) => {
          receiver.received.push({ headers: request.headers as Record<string, string>, body });
          const { answer } = receiver;
          if (answer === null) return;
          response.writeHead(typeof answer === 'number' ? answer : await answer()).end();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closers.push(() => {
        server.close();
        server.closeAllConnections();
      });
      receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
      return receiver;
    },

    async addEndpoint(url) {
      const secret = `whsec_${Buffer.from(newId('key')).toString('base64')}`;
      const { id } = await insertWebhookEndpoint(pool, {
        id: newId('we'),
        merchantId,
        environment: 'sandbox',
        url,
        events: [...WEBHOOK_EVENTS],
        secretEnc: await vault.seal(merchantId, 'webhook-secret', secret),
      });
      return { id, secret };
    },

    move: (payoutId, to) => move(pool, payoutId, to),

    async payoutIn(...states) {
      const payoutId = await world.accept();
      for (const state of states) await move(pool, payoutId, state);
      return payoutId;
    },

    eventId: (payoutId, version) => `evt_${payoutId.slice('po_'.length)}_${version}`,

    async outbox(payoutId) {
      const { rows } = await pool.query('select * from outbox where payout_id = $1 order by object_version', [
        payoutId,
      ]);
      return rows as OutboxRow[];
    },

    async deliveries(payoutId) {
      const { rows } = await pool.query(
        `select delivery.* from webhook_deliveries delivery join outbox using (event_id, endpoint_id)
         where payout_id = $1 order by id`,
        [payoutId],
      );
      return rows as { endpoint_id: string; result: string; http_status: number | null }[];
    },

    async age(payoutId, by) {
      await pool.query(
        `update outbox set sweep_after = sweep_after - $2::interval, claimed_until = claimed_until - $2::interval
         where payout_id = $1`,
        [payoutId, by],
      );
    },

    async close() {
      for (const close of closers) close();
      await world.close();
    },
  };
}

async function move(pool: Pool, payoutId: string, to: PayoutState): Promise<void> {
  await withTransaction(pool, async (trx) => {
    await movePayout(trx, await lockPayout(trx, payoutId), { to, actor: 'system', reason: 'sending' });
  });
}
