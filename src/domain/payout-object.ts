import { serializeAmount } from './money';
import type { Payout } from './payout';

/** A payout as merchants see it, in the API's answers and in webhooks alike. Times are ISO 8601 in UTC. */
export interface PayoutObject {
  id: string;
  object: 'payout';
  environment: string;
  bulk_id: string | null;
  state: string;
  reason: string;
  version: number;
  attempt: number;
  amount: string;
  currency: string;
  method: string;
  recipient: Record<string, string>;
  description: string;
  reference: string | null;
  metadata: Record<string, string>;
  provider: string;
  provider_reference: string | null;
  scheduled_at: string | null;
  retry_at: string | null;
  settle_by: string | null;
  accepted_at: string;
  updated_at: string;
  finished_at: string | null;
}

export function serializePayout(payout: Payout): PayoutObject {
  return {
    id: payout.id,
    object: 'payout',
    environment: payout.environment,
    bulk_id: payout.bulkId,
    state: payout.state,
    reason: payout.reason,
    version: payout.version,
    attempt: payout.attempt,
    amount: serializeAmount(payout.amount),
    currency: payout.currency,
    method: payout.method,
    recipient: payout.recipient,
    description: payout.description,
    reference: payout.reference,
    metadata: payout.metadata,
    provider: payout.provider,
    provider_reference: payout.providerReference,
    scheduled_at: payout.scheduledAt?.toISOString() ?? null,
    retry_at: payout.retryAt?.toISOString() ?? null,
    settle_by: payout.settleBy?.toISOString() ?? null,
    accepted_at: payout.acceptedAt.toISOString(),
    updated_at: payout.updatedAt.toISOString(),
    finished_at: payout.finishedAt?.toISOString() ?? null,
  };
}

/** The part of a payout that changes with its state; a webhook shows it as it was at its version, whenever it is sent. */
export type PayoutSnapshot = Pick<
  PayoutObject,
  | 'state'
  | 'reason'
  | 'version'
  | 'attempt'
  | 'provider_reference'
  | 'description'
  | 'metadata'
  | 'settle_by'
  | 'retry_at'
  | 'updated_at'
  | 'finished_at'
>;
