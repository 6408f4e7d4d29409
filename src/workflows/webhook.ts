import { isCancellation, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';

import type { Activities } from '../activities/activities';

/** What one delivery workflow delivers, and for how long it tries, in milliseconds. */
export interface WebhookInput {
  eventId: string;
  endpointId: string;
  /** @default three days */
  retryForMs?: number;
}

const THREE_DAYS_MS = 3 * 24 * 3_600_000;

/**
 * Delivers one event to one endpoint, beside its payout, which has closed long since: tries for days, ever more rarely
 * up to once an hour, then gives up and says so. Terminated or cancelled, it is started again by the sweeper.
 */
export async function webhookWorkflow({
  eventId,
  endpointId,
  retryForMs = THREE_DAYS_MS,
}: WebhookInput): Promise<'delivered' | 'given_up'> {
  const key = { eventId, endpointId };
  const { deliverWebhook } = proxyActivities<Activities>({
    startToCloseTimeout: '60s',
    scheduleToCloseTimeout: retryForMs,
    retry: { initialInterval: '10s', backoffCoefficient: 2, maximumInterval: '1h' },
    summary: 'deliver webhook',
  });
  const { giveUpWebhook } = proxyLocalActivities<Activities>({
    startToCloseTimeout: '30s',
    summary: 'give up',
  });
  try {
    return await deliverWebhook(key);
  } catch (error) {
    if (isCancellation(error)) throw error;
    await giveUpWebhook(key);
    return 'given_up';
  }
}
