import { findBulkApproval } from '../db/bulk-approvals';
import type { Bulk } from '../domain/bulk';
import { approvalStateOf } from '../domain/bulk-approval';
import type { ApprovalState, BulkApproval } from '../domain/bulk-approval';
import { serializeAmount } from '../domain/money';
import type { Db } from '../db/pool';
import type { RouteDeps } from './deps';

/** What a reason of a decision is sealed for. */
export const DECISION_REASON = 'bulk-decision';

/** An approval as merchants see it. */
export interface BulkApprovalObject {
  required: true;
  threshold: { lines: number | null; total: string | null };
  state: ApprovalState;
  by: string | null;
  at: string | null;
  reason: string | null;
  expires_at: string;
  content_hash: string | null;
}

export function serializeApproval(
  approval: BulkApproval,
  { bulk, reason }: { bulk: Pick<Bulk, 'state' | 'contentHash'>; reason: string | null },
): BulkApprovalObject {
  const { passed, expiresAt, decision } = approval;
  return {
    required: true,
    threshold: { lines: passed.lines, total: passed.total === null ? null : serializeAmount(passed.total) },
    state: approvalStateOf(approval, bulk.state),
    by: decision && `person:${decision.personId}`,
    at: decision && decision.decidedAt.toISOString(),
    reason,
    expires_at: expiresAt.toISOString(),
    content_hash: bulk.contentHash?.toString('hex') ?? null,
  };
}

/** The approval of a bulk with its opened reason; null where it needs none. */
export async function readApproval(
  { pool, sealing }: { pool: Db; sealing: RouteDeps['sealing'] },
  bulk: Bulk,
): Promise<BulkApprovalObject | null> {
  const approval = await findBulkApproval(pool, bulk.id);
  if (!approval) return null;
  const sealed = approval.decision?.reasonEnc ?? null;
  const reason = sealed && (await sealing.open(bulk.merchantId, DECISION_REASON, sealed));
  return serializeApproval(approval, { bulk, reason });
}
