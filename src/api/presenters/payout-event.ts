import type { PayoutEvent } from '../../db/payout-events';

export function serializePayoutEvent(event: PayoutEvent): Record<string, unknown> {
  return {
    sequence: event.sequence,
    from: event.from,
    to: event.to,
    at: event.at.toISOString(),
    actor: event.actor,
    reason: event.reason,
    provider_code: event.providerCode,
    provider_text: event.providerText,
    submission_id: event.submissionId,
    evidence: event.evidence,
  };
}
