import type { ClaimedDelivery } from '../db/outbox';
import type { Payout } from '../domain/payout';
import { serializePayout } from '../domain/payout-object';

/** What is sent: the payout, or the bulk, as it was at the event's version, whenever it is sent. */
export function webhookBody(claimed: ClaimedDelivery, payout: Payout | null): string {
  if (claimed.payoutId !== null && payout === null) throw new Error(`payout ${claimed.payoutId} does not exist`);
  const data = payout === null ? claimed.snapshot : { ...serializePayout(payout), ...claimed.snapshot };
  return JSON.stringify({ type: claimed.type, timestamp: claimed.createdAt.toISOString(), data });
}
