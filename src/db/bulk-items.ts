import type { Payout } from '../domain/payout';
import type { PayoutState } from '../domain/payout-state';
import { payoutColumns, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';

/** A line of a bulk: its number in the input, and the payout that it is. */
export interface BulkItem {
  line: number;
  payout: Payout;
}

/** A page of a bulk's lines in the order of the input; `after` is the number of the last line seen. */
export async function listBulkItems(
  db: Db,
  bulkId: string,
  { status, after, limit }: { status: readonly PayoutState[] | null; after: number; limit: number },
): Promise<readonly BulkItem[]> {
  const { rows } = await db.query<PayoutRow & { bulk_line: number }>(
    `select ${payoutColumns('payouts')}, bulk_line from payouts
     where bulk_id = $1 and bulk_line > $2 and ($3::text[] is null or state = any ($3))
     order by bulk_line limit $4`,
    [bulkId, after, status, limit],
  );
  return rows.map((row) => ({ line: row.bulk_line, payout: rowToPayout(row) }));
}
