import type { BulkState } from './bulk-state';
import type { PayoutState } from './payout-state';

export const WEBHOOK_EVENTS = [
  'payout.processing',
  'payout.unknown',
  'payout.succeeded',
  'payout.failed',
  'payout.cancelled',
  'payout.returned',
  'bulk.completed',
  'bulk.cancelled',
  'bulk.rejected',
] as const;

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** The event of a bulk that comes to rest, or null where none is sent. */
export function bulkWebhookEventOf(state: BulkState): WebhookEvent | null {
  const name = `bulk.${state}`;
  return (WEBHOOK_EVENTS as readonly string[]).includes(name) ? (name as WebhookEvent) : null;
}

/** The event that a merchant's endpoint hears when a payout enters a state, or null where none is sent. */
export function webhookEventOf(state: PayoutState): WebhookEvent | null {
  const name = `payout.${state}`;
  return (WEBHOOK_EVENTS as readonly string[]).includes(name) ? (name as WebhookEvent) : null;
}
