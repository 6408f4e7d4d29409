import type { PayoutState } from '../domain/payout-state';
import type { Actor } from '../domain/principal';
import type { Reason } from '../domain/reasons';
import type { Db } from './pool';

/** One change of a payout, as it was written with it. */
export interface PayoutEvent {
  sequence: number;
  from: PayoutState | null;
  to: PayoutState;
  at: Date;
  actor: Actor;
  reason: Reason;
  providerCode: string | null;
  providerText: string | null;
  submissionId: string | null;
  evidence: string | null;
}

interface PayoutEventRow {
  sequence: number;
  from_state: PayoutState | null;
  to_state: PayoutState;
  at: Date;
  actor: Actor;
  reason: Reason;
  provider_code: string | null;
  provider_text: string | null;
  submission_id: string | null;
  evidence: string | null;
}

/** Every change of a payout, oldest first. */
export async function listPayoutEvents(db: Db, payoutId: string): Promise<readonly PayoutEvent[]> {
  const { rows } = await db.query<PayoutEventRow>(
    'select * from payout_events where payout_id = $1 order by sequence',
    [payoutId],
  );
  return rows.map((row) => ({
    sequence: row.sequence,
    from: row.from_state,
    to: row.to_state,
    at: row.at,
    actor: row.actor,
    reason: row.reason,
    providerCode: row.provider_code,
    providerText: row.provider_text,
    submissionId: row.submission_id,
    evidence: row.evidence,
  }));
}
