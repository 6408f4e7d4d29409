import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Pool } from 'pg';

import {
  claimDelivery,
  claimPayoutDeliveries,
  deliveryStatus,
  giveUpDelivery,
  markHandedOver,
  recordDelivery,
} from '../db/outbox';
import type { ClaimedDelivery } from '../db/outbox';
import { findPayout } from '../db/payout-rows';
import { serializePayout } from '../domain/payout-object';
import type { Sealing } from '../domain/sealing';
import { sendWebhook } from '../webhooks/send';
import type { Delivery } from '../webhooks/send';
import { signWebhook } from '../webhooks/sign';

export interface WebhookActivityDeps {
  pool: Pool;
  sealing: Sealing;
  logger: Logger;
  webhooks: { timeoutMs: number; allowLoopback: boolean };
}

export interface WebhookKey {
  eventId: string;
  endpointId: string;
}

export interface WebhookActivities {
  /** The run's own one try of what its payout has to tell; what fails is left to the sweeper. */
  deliverPayoutWebhooks(payoutId: string): Promise<{ delivered: number; failed: number }>;
  /** One attempt of a delivery that was handed over. Fails with `webhook_failed` where it must be tried again. */
  deliverWebhook(key: WebhookKey): Promise<void>;
  /** The time for trying is over; the delivery log says so, and it can be delivered again by hand. */
  giveUpWebhook(key: WebhookKey): Promise<void>;
}

export function createWebhookActivities(deps: WebhookActivityDeps): WebhookActivities {
  const { pool, sealing, logger, webhooks } = deps;

  async function attempt(claimed: ClaimedDelivery): Promise<Delivery> {
    const body = await composeBody(claimed);
    const secrets = await Promise.all(
      claimed.secretsEnc.map((sealed) => sealing.open(claimed.merchantId, 'webhook-secret', sealed)),
    );
    const headers = signWebhook({ id: claimed.eventId, body, at: new Date() }, secrets);
    const delivery = await sendWebhook({ url: claimed.url, body, headers }, webhooks);
    await recordDelivery(pool, claimed, delivery);
    const { eventId, endpointId } = claimed;
    logger.info({ eventId, endpointId, result: delivery.result, httpStatus: delivery.httpStatus }, 'webhook');
    return delivery;
  }

  /** The payout as it was at the event's version: the same bytes on every attempt, whenever it is made. */
  async function composeBody(claimed: ClaimedDelivery): Promise<string> {
    const payout = await findPayout(pool, claimed.payoutId);
    if (!payout) throw new Error(`payout ${claimed.payoutId} does not exist`);
    const data = { ...serializePayout(payout), ...claimed.snapshot };
    return JSON.stringify({ type: claimed.type, timestamp: claimed.createdAt.toISOString(), data });
  }

  return {
    async deliverPayoutWebhooks(payoutId) {
      const claimed = await claimPayoutDeliveries(pool, payoutId);
      const byEndpoint = new Map<string, ClaimedDelivery[]>();
      for (const delivery of claimed) {
        byEndpoint.set(delivery.endpointId, [...(byEndpoint.get(delivery.endpointId) ?? []), delivery]);
      }
      const counts = { delivered: 0, failed: 0 };
      // Endpoints do not wait for each other; the events of one come in order, and a dead one is tried once.
      await Promise.all(
        [...byEndpoint.values()].map(async (deliveries) => {
          for (const delivery of deliveries) {
            const { result } = await attempt(delivery);
            if (result === 'delivered') counts.delivered += 1;
            else counts.failed += 1;
          }
        }),
      );
      return counts;
    },

    async deliverWebhook(key) {
      await markHandedOver(pool, key);
      const claimed = await claimDelivery(pool, key);
      if (claimed === null) {
        if ((await deliveryStatus(pool, key)) === 'claimed') throw webhookFailed('another attempt is under way');
        return;
      }
      const { result, httpStatus } = await attempt(claimed);
      if (result !== 'delivered' && result !== 'gone') throw webhookFailed(`${result} ${httpStatus ?? ''}`.trim());
    },

    async giveUpWebhook(key) {
      await giveUpDelivery(pool, key);
      logger.error(key, 'a webhook could not be delivered in its time; it can be redelivered');
    },
  };
}

function webhookFailed(why: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'webhook_failed', message: why, category: 'BENIGN' });
}
