import type { Payout } from '../domain/payout';
import type { Submission } from '../domain/submission';
import { payoutColumns, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';
import { listSubmissionsOf } from './submissions';

/** A failed line with all that was ever sent for it, oldest first. */
export interface TriedLine {
  payout: Payout;
  submissions: readonly Submission[];
}

/**
 * Failed lines of a bulk in the order of the input, whoever owns them, from after line number `after` on; `last` is the
 * number of the last one, null where there are none.
 */
export async function listFailedLines(
  db: Db,
  bulkId: string,
  { after, limit }: { after: number; limit: number },
): Promise<{ lines: readonly TriedLine[]; last: number | null }> {
  const { rows } = await db.query<PayoutRow & { bulk_line: number }>(
    `select ${payoutColumns('payouts')}, bulk_line from payouts
     where bulk_id = $1 and state = 'failed' and bulk_line > $2 order by bulk_line limit $3`,
    [bulkId, after, limit],
  );
  const submissions = await listSubmissionsOf(
    db,
    rows.map(({ id }) => id),
  );
  const lines = rows.map((row) => ({ payout: rowToPayout(row), submissions: submissions.get(row.id) ?? [] }));
  return { lines, last: rows.at(-1)?.bulk_line ?? null };
}
