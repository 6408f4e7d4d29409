import type { Bulk } from '../domain/bulk';
import type { Payout } from '../domain/payout';
import { RARE_STATES } from '../domain/payout-state';
import { payoutColumns, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { PayoutFilter } from './payout-search';
import type { Db } from './pool';

/** A line of a bulk: its number in the input, and the payout that it is. */
export interface BulkItem {
  line: number;
  payout: Payout;
}

export type BulkItemFilter = Pick<PayoutFilter, 'status' | 'reference' | 'recipient'>;

/** A page of a bulk's lines in the order of the input; `after` is the number of the last line seen. */
export async function listBulkItems(
  db: Db,
  { id, merchantId, environment }: Pick<Bulk, 'id' | 'merchantId' | 'environment'>,
  { filter, after, limit }: { filter: BulkItemFilter; after: number; limit: number },
): Promise<readonly BulkItem[]> {
  const { rows } = await db.query<PayoutRow & { bulk_line: number }>(
    `select ${payoutColumns('payouts')}, bulk_line from payouts
     where bulk_id = $1 and bulk_line > $2 and ($3::text[] is null or state = any ($3))
       and ($9 or rare_state = any ($3))
       and ($4::text is null or normalize(reference, NFC) = normalize($4, NFC))
       and ($5::text is null or recipient_msisdn = $5)
       -- As the indexes on references and recipients begin.
       and merchant_id = $6 and environment = $7
     order by bulk_line limit $8`,
    [
      ...[id, after, filter.status ?? null, filter.reference ?? null, filter.recipient ?? null],
      ...[merchantId, environment, limit, !filter.status?.every((state) => RARE_STATES.includes(state))],
    ],
  );
  return rows.map((row) => ({ line: row.bulk_line, payout: rowToPayout(row) }));
}
