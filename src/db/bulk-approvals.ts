import type { Bulk } from '../domain/bulk';
import { thresholdsPassed } from '../domain/bulk-approval';
import type { ApprovalThresholds, BulkApproval, BulkVerdict } from '../domain/bulk-approval';
import type { Environment } from '../domain/environment';
import { cancelUnstartedLines } from './cancel-bulk-lines';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { reviewLostLines } from './review-lost-lines';

export interface UnapprovedBulk {
  id: string;
  merchantId: string;
  environment: Environment;
  createdBy: string;
  currency: string | null;
  lines: number;
  total: bigint;
}

/**
 * The merchant's thresholds that a bulk passes with what its sender sent within the window; null: it needs no approval.
 * `withReady` also counts the sender's bulks that were accepted and have not gone on yet.
 */
export async function findThresholdsPassed(
  db: Db,
  bulk: UnapprovedBulk,
  { withReady }: { withReady: boolean },
): Promise<ApprovalThresholds | null> {
  const { rows } = await db.query<ApprovalThresholds & { sent_lines: bigint; sent_total: bigint }>(
    `select approval_above_lines as lines, approval_above_total as total, sent.lines + ready.lines as sent_lines,
       sent.total + ready.total as sent_total
     from merchants, sent_in_window($1, $2, $3, $4) sent,
       lateral (
         select coalesce(sum(line_count), 0)::bigint as lines,
           coalesce(sum(total) filter (where currency = $4), 0)::bigint as total
         from bulks where $6 and merchant_id = $1 and environment = $2 and state = 'ready' and id <> $5
           and counted_sender(created_by) = counted_sender($3)
           and received_at > clock_timestamp() - merchants.approval_window
       ) ready
     where merchants.id = $1`,
    [bulk.merchantId, bulk.environment, bulk.createdBy, bulk.currency ?? '', bulk.id, withReady],
  );
  const [row] = rows;
  if (!row) return null;
  return thresholdsPassed(row, {
    lines: Number(row.sent_lines) + bulk.lines,
    total: row.sent_total + bulk.total,
  });
}

/** What one merchant's persons send is counted one after another from here to the end of the transaction. */
export async function lockSent(
  trx: Db,
  { merchantId, environment }: Pick<UnapprovedBulk, 'merchantId' | 'environment'>,
): Promise<void> {
  await trx.query('select lock_sent($1, $2)', [merchantId, environment]);
}

/** An accepted bulk waits for another person. */
export async function askApproval(
  trx: Db,
  bulk: Bulk,
  { passed, expiresAt }: Pick<BulkApproval, 'passed' | 'expiresAt'>,
): Promise<Bulk> {
  await trx.query(
    'insert into bulk_approvals (bulk_id, above_lines, above_total, expires_at) values ($1, $2, $3, $4)',
    [bulk.id, passed.lines, passed.total, expiresAt],
  );
  return await moveBulk(trx, bulk, { to: 'awaiting_approval', actor: 'system', reason: 'above_threshold' });
}

/** Rejects a bulk that waits for an approval whose time is over, with its lines; null where there is time left. */
export async function expireApproval(trx: Db, bulk: Bulk): Promise<Bulk | null> {
  const { rowCount } = await trx.query('select 1 from bulk_approvals where bulk_id = $1 and expires_at <= now()', [
    bulk.id,
  ]);
  if (rowCount === 0) return null;
  const rejected = await moveBulk(trx, bulk, { to: 'rejected', actor: 'system', reason: 'approval_expired' });
  await cancelUnstartedLines(trx, bulk.id, 'bulk_rejected');
  await reviewLostLines(trx, bulk.id);
  return rejected;
}

interface ApprovalRow {
  above_lines: number | null;
  above_total: bigint | null;
  expires_at: Date;
  verdict: BulkVerdict | null;
  person_id: string | null;
  reason_enc: Buffer | null;
  decided_at: Date | null;
}

/** The approval that the bulk needs or needed; null where it needs none. */
export async function findBulkApproval(db: Db, bulkId: string): Promise<BulkApproval | null> {
  const { rows } = await db.query<ApprovalRow>(
    `select above_lines, above_total, expires_at, verdict, person_id, reason_enc, decided_at
     from bulk_approvals left join bulk_decisions using (bulk_id) where bulk_id = $1`,
    [bulkId],
  );
  return rows[0] ? rowToApproval(rows[0]) : null;
}

function rowToApproval(row: ApprovalRow): BulkApproval {
  const { verdict, person_id: personId, reason_enc: reasonEnc, decided_at: decidedAt } = row;
  const isDecided = verdict !== null && personId !== null && decidedAt !== null;
  return {
    passed: { lines: row.above_lines, total: row.above_total },
    expiresAt: row.expires_at,
    decision: isDecided ? { verdict, personId, reasonEnc, decidedAt } : null,
  };
}
