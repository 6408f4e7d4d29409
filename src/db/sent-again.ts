import { PLACE, STANDS } from './used-references';
import type { Db } from './pool';

/**
 * Of failed payouts, those that were sent again since, by what pays the same now: a later payout of the tenant with the same
 * reference, or, for items of a bulk, an item of another bulk of the last `days` that pays the same amount to the same
 * recipient. One that failed, was cancelled or came back pays nothing.
 * @returns where the other one stands, by the id of the failed payout.
 */
export async function findSentAgain(
  trx: Db,
  { payoutIds, days }: { payoutIds: readonly string[]; days: number },
): Promise<ReadonlyMap<string, string>> {
  await trx.query('set local enable_nestloop = off');
  const { rows } = await trx.query<{ id: string; place: string }>(
    `with failed as (select * from payouts where id = any ($1))
     select id, min(place) as place, min(bulk_line) as bulk_line from (
       select failed.id, failed.bulk_line, ${PLACE} as place from failed
         join payouts payout on payout.merchant_id = failed.merchant_id and payout.environment = failed.environment
          and normalize(payout.reference, NFC) = normalize(failed.reference, NFC)
       where payout.accepted_at >= failed.accepted_at and payout.id <> failed.id and ${STANDS}
       union all
       select failed.id, failed.bulk_line, ${PLACE} from failed
         join payouts payout on payout.merchant_id = failed.merchant_id and payout.environment = failed.environment
          and payout.recipient_msisdn = failed.recipient_msisdn and payout.amount = failed.amount
          and payout.method = failed.method
       where payout.bulk_id <> failed.bulk_id and payout.accepted_at >= failed.accepted_at
         and payout.accepted_at > clock_timestamp() - $2 * interval '1 day' and ${STANDS}
     ) again group by id order by bulk_line`,
    [payoutIds, days],
  );
  await trx.query('set local enable_nestloop = on');
  return new Map(rows.map(({ id, place }) => [id, place]));
}

/** Failed lines of a bulk that were sent again since, in their order: the first `limit` of them, and how many there are. */
export async function findLinesSentAgain(
  trx: Db,
  { bulkId, days, limit }: { bulkId: string; days: number; limit: number },
): Promise<{ count: number; first: readonly { line: number; by: string }[] }> {
  const { rows } = await trx.query<{ id: string; bulk_line: number }>(
    "select id, bulk_line from payouts where bulk_id = $1 and state = 'failed' order by bulk_line",
    [bulkId],
  );
  const again = await findSentAgain(trx, { payoutIds: rows.map(({ id }) => id), days });
  const lines = rows.flatMap(({ id, bulk_line: line }) => {
    const by = again.get(id);
    return by === undefined ? [] : [{ line, by }];
  });
  return { count: lines.length, first: lines.slice(0, limit) };
}
