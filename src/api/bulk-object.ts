import type { BulkRollUp } from '../db/bulk-roll-up';
import type { BulkStanding } from '../db/bulk-standings';
import type { Bulk } from '../domain/bulk';
import { LINE_RESTS } from '../domain/bulk';
import { paceOf } from '../domain/bulk-pace';
import { serializeAmount } from '../domain/money';
import type { BulkApprovalObject } from './bulk-approval-object';

/** A bulk as merchants see it. Times are ISO 8601 in UTC, amounts minor units. */
export function serializeBulk(bulk: Bulk, approval: BulkApprovalObject | null): Record<string, unknown> {
  return {
    id: bulk.id,
    object: 'bulk_cash_in',
    environment: bulk.environment,
    state: bulk.state,
    reason: bulk.reason,
    version: bulk.version,
    description: bulk.description,
    metadata: bulk.metadata,
    notify: bulk.notify,
    on_invalid: bulk.onInvalid,
    content_sha256: bulk.contentHash?.toString('hex') ?? null,
    currency: bulk.currency,
    lines: bulk.lineCount,
    total: serializeAmount(bulk.total),
    skipped_lines: bulk.skippedCount,
    approval,
    created_by: bulk.createdBy,
    scheduled_at: bulk.scheduledAt?.toISOString() ?? null,
    received_at: bulk.receivedAt.toISOString(),
    started_at: bulk.startedAt?.toISOString() ?? null,
    updated_at: bulk.updatedAt.toISOString(),
    finished_at: bulk.finishedAt?.toISOString() ?? null,
  };
}

/** How far a bulk is, how fast it goes, and what it lacks. */
export function serializeProgress({ bulk, rollUp, sample, missing }: BulkStanding): Record<string, unknown> {
  const resting = LINE_RESTS.reduce((sum, state) => sum + (rollUp[state]?.lines ?? 0), 0);
  const { rate, endsIn } = paceOf(bulk.state, { lines: bulk.lineCount, resting, sample });
  return {
    progress: serializeRollUp(rollUp),
    rate,
    estimated_end: endsIn === null ? null : new Date(Date.now() + endsIn).toISOString(),
    missing_amount: missing === null ? null : serializeAmount(missing),
  };
}

/** Lines and amounts by state. */
function serializeRollUp(rollUp: BulkRollUp): Record<string, { lines: number; amount: string }> {
  return Object.fromEntries(
    Object.entries(rollUp).map(([state, { lines, amount }]) => [state, { lines, amount: serializeAmount(amount) }]),
  );
}
