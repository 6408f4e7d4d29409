import type { readStaged } from '../db/check-bulk-lines';
import type { NewBulk } from '../db/receive-bulk';
import type { Bulk } from '../domain/bulk';
import type { BulkApproval } from '../domain/bulk-approval';
import type { ProviderId } from '../domain/methods';
import type { Actor } from '../domain/principal';
import { serializeApproval } from './bulk-approval-object';
import { serializeBulk } from './bulk-object';
import type { ReadAs } from './bulk-body/piece';
import type { BulkReport } from './bulk-report';
import { ApiProblem } from './problem';

type Staged = Awaited<ReturnType<typeof readStaged>>;

/** How a method of the bulk would be carried. */
export interface BulkRoute {
  method: string;
  provider: ProviderId;
  credentialId: string | null;
}

/** A bulk as it stands right after it was accepted. */
export function acceptedBulk(
  bulk: NewBulk,
  {
    contentHash,
    staged,
    skipped,
    approval,
    createdBy,
  }: {
    contentHash: Buffer;
    staged: Staged;
    skipped: number;
    approval: Pick<BulkApproval, 'passed' | 'expiresAt'> | null;
    createdBy: Actor;
  },
): Record<string, unknown> {
  const now = new Date();
  const accepted: Bulk = {
    ...bulk,
    ...(approval
      ? { state: 'awaiting_approval', reason: 'above_threshold', version: 3 }
      : { state: 'ready', reason: 'accepted_by_api', version: 2 }),
    contentHash,
    currency: (staged.currencies[0] ?? null) as Bulk['currency'],
    lineCount: staged.lines,
    total: staged.total,
    skippedCount: skipped,
    createdBy,
    receivedAt: now,
    startedAt: null,
    updatedAt: now,
    finishedAt: null,
  };
  return serializeBulk(
    accepted,
    approval && serializeApproval({ ...approval, decision: null }, { bulk: accepted, reason: null }),
  );
}

/** What would happen, of which nothing did. */
export function dryRunBody(
  bulkId: string,
  report: BulkReport,
  given: {
    isRefused: boolean;
    readAs: ReadAs | null;
    staged: Staged;
    routes: readonly BulkRoute[];
    skipped: number;
    needsApproval: boolean;
    /** Null: not known before. */
    leastSeconds: number | null;
    sameContentAs: string | null;
    isReportKept: boolean;
  },
): Record<string, unknown> {
  const { staged, routes } = given;
  return {
    id: bulkId,
    object: 'bulk_cash_in_check',
    would_be_accepted: !given.isRefused && routes.every(({ credentialId }) => credentialId !== null),
    lines: staged.lines,
    needed_float: staged.total.toString(),
    needs_approval: given.needsApproval,
    currency: staged.currencies[0] ?? null,
    skipped_lines: given.skipped,
    routes: routes.map(({ method, provider, credentialId }) => ({
      method,
      provider,
      has_credential: credentialId !== null,
    })),
    estimated_duration_seconds: given.leastSeconds,
    // No provider of ours tells its fees.
    fees: null,
    read_as: given.readAs,
    same_content_as: given.sameContentAs,
    ...reportOf(bulkId, report, given.isReportKept),
  };
}

export function bulkRefusal(
  bulkId: string,
  report: BulkReport,
  given: { readAs: ReadAs | null; sameContentAs: string | null; isReportKept: boolean },
): ApiProblem {
  const { readAs, sameContentAs, isReportKept } = given;
  return new ApiProblem('bulk_invalid', {
    ...(isReportKept ? {} : { detail: NOT_KEPT }),
    members: {
      ...{ bulk_id: bulkId, read_as: readAs, same_content_as: sameContentAs },
      ...reportOf(bulkId, report, isReportKept),
    },
  });
}

const NOT_KEPT =
  'No report of this one is kept, since the reports of the last 24 hours fill what a merchant may leave: its first errors stand here.';

function reportOf(bulkId: string, report: BulkReport, isKept: boolean): Record<string, unknown> {
  return {
    error_count: report.count(),
    errors: report.first(),
    ...warningsOf(report),
    report: isKept ? `/v1/bulk-cash-ins/${bulkId}/errors` : null,
  };
}

/** What an answer tells of warnings: how many, and the first of them. */
export function warningsOf(report: BulkReport): { warning_count: number; warnings: readonly unknown[] } {
  const { count, first } = report.warnings();
  return { warning_count: count, warnings: first };
}
