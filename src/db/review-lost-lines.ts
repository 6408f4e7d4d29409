import { lockPayouts } from './payout-rows';
import type { Db } from './pool';
import { putInReview } from './put-in-review';

/**
 * A bulk ends before it begins: lines of it that a restore found sent would be looked for by nobody any more. People are
 * asked about each. The caller's transaction has the bulk locked.
 */
export async function reviewLostLines(trx: Db, bulkId: string): Promise<void> {
  const { rows } = await trx.query<{ id: string }>(
    `select id from payouts where bulk_id = $1 and owner = 'bulk/' || bulk_id and state in ('processing', 'pending', 'unknown')`,
    [bulkId],
  );
  for (const payout of await lockPayouts(
    trx,
    rows.map(({ id }) => id),
  )) {
    await putInReview(trx, payout, {
      kind: 'after_restore',
      detail: 'its bulk was cancelled before it began, and it may have been sent in the time that the database lost',
      reason: 'review_opened',
    });
  }
}
