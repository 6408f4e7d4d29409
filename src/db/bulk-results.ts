import type { Bulk } from '../domain/bulk';
import type { PayoutState } from '../domain/payout-state';
import type { Db } from './pool';

/** How a line of a bulk's file stands. Of one that was left out: its number, reference and what is wrong with it; the rest is null. */
export interface BulkResult {
  line: number;
  payoutId: string | null;
  /** `skipped`, which is no payout's: the line was left out as a bad one. */
  state: PayoutState | 'skipped';
  /** Of a line that was left out, the code of its first error. */
  reason: string;
  /** Minor units. */
  amount: bigint | null;
  currency: string | null;
  recipient: string | null;
  reference: string | null;
  providerReference: string | null;
  providerCode: string | null;
  /** Sealed JSON of the customer, purpose `customer`. */
  customerEnc: Buffer | null;
  acceptedAt: Date | null;
  finishedAt: Date | null;
  /** The provider's; of a line that was left out, its row and all its errors: where, what to change, and what it says, a number masked. */
  text: string | null;
}

/** The last number that a payout of a bulk or its report has; 0 where there is none. */
export async function findLastLine(db: Db, bulkId: string): Promise<number> {
  const { rows } = await db.query<{ last: number | null }>(
    `select greatest((select max(bulk_line) from payouts where bulk_id = $1),
       (select max(line) from bulk_errors where bulk_id = $1)) as last`,
    [bulkId],
  );
  return rows[0]?.last ?? 0;
}

/**
 * The lines of a bulk's file that come after the one of number `after`, up to the one of number `last`, in the order of the
 * input. By numbers, not by a count of rows, so that each part is found by its index whatever PostgreSQL knows of the tables.
 */
export async function listBulkResults(
  db: Db,
  { id, skippedCount }: Pick<Bulk, 'id' | 'skippedCount'>,
  { after, last }: { after: number; last: number },
): Promise<readonly BulkResult[]> {
  // The report of a bulk that was refused names lines too: none of them was left out, and it goes after a day.
  const hasLeftOut = skippedCount > 0;
  const { rows } = await db.query<BulkResult>(
    `select bulk_line as line, payout.id as "payoutId", state, payout.reason, amount, currency,
       recipient_msisdn as recipient, reference, provider_reference as "providerReference",
       words.provider_code as "providerCode", words.provider_text as text,
       customer_enc as "customerEnc", accepted_at as "acceptedAt", finished_at as "finishedAt"
     from payouts payout left join lateral (
       select provider_code, provider_text from payout_events
       where payout_id = payout.id and (provider_code is not null or provider_text is not null)
       order by sequence desc limit 1
     ) words on true
     where bulk_id = $1 and bulk_line > $2 and bulk_line <= $3
     union all
     select line, null, 'skipped', (array_agg(code order by position))[1], null, null, null, min(reference), null, null,
       coalesce('row ' || min(sheet_row) || ', ', '') || string_agg(coalesce(field || ': ', '') || message ||
         coalesce(' (it says ' || shown_value || ')', ''), '; ' order by position), null, null, null
     from bulk_errors where $4 and bulk_id = $1 and line > $2 and line <= $3 group by line
     order by line`,
    [id, after, last, hasLeftOut],
  );
  return rows;
}
