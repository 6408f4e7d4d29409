import type { BulkState } from './bulk-state';

/** What a merchant's person may send within the window without an approval; null: without end. */
export interface ApprovalThresholds {
  lines: number | null;
  /** Minor units, whatever the currency. */
  total: bigint | null;
}

/** The thresholds that a bulk passes with what its sender sent before; null where it passes none and needs no approval. */
export function thresholdsPassed(
  { lines, total }: ApprovalThresholds,
  bulk: { lines: number; total: bigint },
): ApprovalThresholds | null {
  const passed = {
    lines: lines !== null && bulk.lines > lines ? lines : null,
    total: total !== null && bulk.total > total ? total : null,
  };
  return passed.lines === null && passed.total === null ? null : passed;
}

export const BULK_VERDICTS = ['approved', 'refused'] as const;

export type BulkVerdict = (typeof BULK_VERDICTS)[number];

/** What a person decided about a bulk of somebody else. */
export interface BulkDecision {
  verdict: BulkVerdict;
  personId: string;
  /** Sealed, purpose `bulk-decision`. */
  reasonEnc: Buffer | null;
  decidedAt: Date;
}

/** That a bulk needs an approval, and what became of it. */
export interface BulkApproval {
  passed: ApprovalThresholds;
  /** From then on nobody decides any more. */
  expiresAt: Date;
  decision: BulkDecision | null;
}

/** How an approval stands. */
export const APPROVAL_STATES = ['waiting', ...BULK_VERDICTS, 'expired', 'cancelled'] as const;

export type ApprovalState = (typeof APPROVAL_STATES)[number];

export function approvalStateOf({ decision }: Pick<BulkApproval, 'decision'>, bulkState: BulkState): ApprovalState {
  if (decision) return decision.verdict;
  if (bulkState === 'awaiting_approval') return 'waiting';
  // Without a decision it left that state by its end: in time, or because the merchant cancelled it.
  return bulkState === 'rejected' ? 'expired' : 'cancelled';
}
