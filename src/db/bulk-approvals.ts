import type { Bulk } from '../domain/bulk';
import { thresholdsPassed } from '../domain/bulk-approval';
import type { ApprovalThresholds, BulkApproval, BulkVerdict } from '../domain/bulk-approval';
import { cancelUnstartedLines } from './cancel-bulk-lines';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { reviewLostLines } from './review-lost-lines';

/** The merchant's thresholds that a bulk of so many lines and minor units is above; null: it needs no approval. */
export async function findThresholdsPassed(
  db: Db,
  merchantId: string,
  bulk: { lines: number; total: bigint },
): Promise<ApprovalThresholds | null> {
  const { rows } = await db.query<ApprovalThresholds>(
    'select approval_above_lines as lines, approval_above_total as total from merchants where id = $1',
    [merchantId],
  );
  return rows[0] ? thresholdsPassed(rows[0], bulk) : null;
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
