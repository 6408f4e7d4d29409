import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Pool } from 'pg';

import {
  claimDelivery,
  giveUpDelivery,
  listOwnDeliveries,
  markHandedOver,
  readDeliveryStanding,
  recordDelivery,
} from '../db/outbox';
import type { ClaimedDelivery, DeliveryKey } from '../db/outbox';
import type { Payout } from '../domain/payout';
import type { Sealing } from '../domain/sealing';
import { createWebhookLines } from '../webhooks/send';
import type { Delivery } from '../webhooks/send';
import { signWebhook } from '../webhooks/sign';
import { webhookBody } from './webhook-body';

export interface WebhookActivityDeps {
  pool: Pool;
  sealing: Sealing;
  logger: Logger;
  webhooks: {
    /** Milliseconds that one delivery may take; below the 60 s that the engine gives an attempt. */
    timeoutMs: number;
    allowLoopback: boolean;
    lookup?: (host: string) => Promise<readonly string[]>;
    /** Milliseconds for which an event is tried again. */
    retryForMs: number;
  };
}

export type WebhookEnd = 'delivered' | 'given_up';

export interface WebhookActivities {
  /** The run's own one try of what its payout has to tell; what fails is left to the sweeper. */
  deliverPayoutWebhooks(payoutId: string): Promise<{ delivered: number; failed: number }>;
  /** One attempt of a delivery that was handed over. Fails with `webhook_failed` where it must be tried again. */
  deliverWebhook(key: DeliveryKey): Promise<WebhookEnd>;
  /** The time for trying is over; the delivery log says so, and it can be delivered again by hand. */
  giveUpWebhook(key: DeliveryKey): Promise<void>;
}

/** A claim outlasts its attempt by this much, for what surrounds the sending. */
export const CLAIM_MARGIN_MS = 30_000;

export function createWebhookActivities(deps: WebhookActivityDeps): WebhookActivities {
  const { pool, sealing, logger, webhooks } = deps;
  const leaseMs = webhooks.timeoutMs + CLAIM_MARGIN_MS;

  const lineTo = createWebhookLines(webhooks);

  async function attempt(claimed: ClaimedDelivery, payout: Payout | null): Promise<Delivery> {
    const body = webhookBody(claimed, payout);
    const secrets = await Promise.all(
      claimed.secretsEnc.map((sealed) => sealing.open(claimed.merchantId, 'webhook-secret', sealed)),
    );
    const headers = signWebhook({ id: claimed.eventId, body, at: new Date() }, secrets);
    const delivery = await lineTo(claimed.url)({ body, headers });
    await recordDelivery(pool, claimed, delivery);
    const { eventId, endpointId } = claimed;
    const { result, httpStatus } = delivery;
    if (result === 'gone')
      logger.warn({ eventId, endpointId }, 'a webhook endpoint says that it is gone: switched off');
    else logger.info({ eventId, endpointId, result, httpStatus }, 'webhook');
    return delivery;
  }

  /** The events of one endpoint in order, up to the first that fails: a dead endpoint costs one time-out. */
  async function deliverInOrder(keys: readonly DeliveryKey[]): Promise<number> {
    let delivered = 0;
    for (const key of keys) {
      const claimed = await claimDelivery(pool, key, leaseMs);
      if (claimed === null || (await attempt(claimed, claimed.payout)).result !== 'delivered') break;
      delivered += 1;
    }
    return delivered;
  }

  async function giveUp(key: DeliveryKey): Promise<void> {
    if (!(await giveUpDelivery(pool, key))) return;
    logger.error({ ...key }, 'a webhook was given up without being delivered; it can be redelivered');
  }

  return {
    async deliverPayoutWebhooks(payoutId) {
      const keys = await listOwnDeliveries(pool, payoutId);
      const endpoints = [...new Set(keys.map(({ endpointId }) => endpointId))];
      // Endpoints do not wait for each other, and trouble with one is not the others'.
      const counts = await Promise.all(
        endpoints.map(async (id) => {
          try {
            return await deliverInOrder(keys.filter(({ endpointId }) => endpointId === id));
          } catch (err) {
            logger.warn({ err, payoutId, endpointId: id }, 'webhooks could not be tried; the sweeper takes them up');
            return 0;
          }
        }),
      );
      const delivered = counts.reduce((sum, count) => sum + count, 0);
      return { delivered, failed: keys.length - delivered };
    },

    async deliverWebhook(key) {
      await markHandedOver(pool, key);
      const claimed = await claimDelivery(pool, key, leaseMs);
      if (claimed !== null) {
        const { result, httpStatus } = await attempt(claimed, claimed.payout);
        if (result === 'delivered') return 'delivered';
        if (result === 'gone') return 'given_up';
        throw webhookFailed(httpStatus === null ? result : `${result} ${httpStatus}`);
      }
      const standing = await readDeliveryStanding(pool, key);
      switch (standing) {
        case 'delivered':
          return 'delivered';
        case 'given_up':
          return 'given_up';
        case 'endpoint_disabled':
          await giveUp(key);
          return 'given_up';
        case 'open':
          throw webhookFailed('another attempt is under way');
        case 'missing':
          throw ApplicationFailure.nonRetryable(`there is no event ${key.eventId} for endpoint ${key.endpointId}`);
        default:
          return standing satisfies never;
      }
    },

    giveUpWebhook: giveUp,
  };
}

/** Expected of endpoints on bad days: benign, so that it counts as no error anywhere. Carries no URL, which may hold secrets. */
function webhookFailed(why: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'webhook_failed', message: why, category: 'BENIGN' });
}
