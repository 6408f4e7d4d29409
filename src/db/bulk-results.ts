import type { PayoutState } from '../domain/payout-state';
import type { Db } from './pool';

/** How a line of a bulk stands, with the provider's last words on it. */
export interface BulkResult {
  line: number;
  payoutId: string;
  state: PayoutState;
  reason: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  recipient: string | null;
  reference: string | null;
  providerReference: string | null;
  providerCode: string | null;
  providerText: string | null;
}

/** A page of a bulk's lines in the order of the input; `after` is the number of the last line seen. */
export async function listBulkResults(
  db: Db,
  bulkId: string,
  { after, limit }: { after: number; limit: number },
): Promise<readonly BulkResult[]> {
  const { rows } = await db.query<BulkResult>(
    `select bulk_line as line, payout.id as "payoutId", state, payout.reason, amount, currency,
       recipient_msisdn as recipient, reference, provider_reference as "providerReference",
       words.provider_code as "providerCode", words.provider_text as "providerText"
     from payouts payout left join lateral (
       select provider_code, provider_text from payout_events
       where payout_id = payout.id and (provider_code is not null or provider_text is not null)
       order by sequence desc limit 1
     ) words on true
     where bulk_id = $1 and bulk_line > $2 order by bulk_line limit $3`,
    [bulkId, after, limit],
  );
  return rows;
}
