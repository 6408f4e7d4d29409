import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';

import type { Activities } from '../activities/activities';

/** What one delivery workflow delivers, and for how long it tries, in milliseconds. */
export interface WebhookInput {
  eventId: string;
  endpointId: string;
  retryForMs: number;
}

/** Delivers one event to one endpoint, beside its payout, which has closed long since: tries for days, ever more rarely. */
export async function webhookWorkflow({
  eventId,
  endpointId,
  retryForMs,
}: WebhookInput): Promise<'delivered' | 'given_up'> {
  const { deliverWebhook } = proxyActivities<Activities>({
    startToCloseTimeout: '60s',
    scheduleToCloseTimeout: retryForMs,
    retry: { initialInterval: '10s', backoffCoefficient: 2, maximumInterval: '6h' },
    summary: 'deliver webhook',
  });
  const { giveUpWebhook } = proxyLocalActivities<Activities>({ startToCloseTimeout: '30s' });
  try {
    await deliverWebhook({ eventId, endpointId });
    return 'delivered';
  } catch {
    await giveUpWebhook({ eventId, endpointId });
    return 'given_up';
  }
}
