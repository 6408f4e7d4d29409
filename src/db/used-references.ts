import type { Tenant } from '../domain/environment';
import type { Db } from './pool';
import type { BulkLineError } from './receive-bulk';

/** Lines that one look names at most: the next one goes on after the last of them. */
const AT_ONCE = 10_000;

/** Where a payout stands for people: its bulk and line, or its own id. */
export const PLACE = `coalesce(payout.bulk_id || ', line ' || payout.bulk_line, payout.id)`;

/** A payout that pays, or may: it was not proven undone. */
export const STANDS = `payout.state not in ('failed', 'cancelled', 'returned')`;

/** What uses a reference: payouts of the tenant ($1, $2) of the last `days` ($3). */
const IN_USE = `payout.merchant_id = $1 and payout.environment = $2
  and payout.accepted_at > clock_timestamp() - $3 * interval '1 day'
  and ${STANDS}`;

/** A payout, alone or in a bulk, that uses the reference in the last `days`; null where there is none. */
export async function findUsedReference(
  db: Db,
  { merchantId, environment }: Tenant,
  { reference, days }: { reference: string; days: number },
): Promise<string | null> {
  const { rows } = await db.query<{ place: string }>(
    `select ${PLACE} as place from payouts payout
     where ${IN_USE} and normalize(payout.reference, NFC) = normalize($4, NFC) limit 1`,
    [merchantId, environment, days, reference],
  );
  return rows[0]?.place ?? null;
}

/**
 * Lines of a bulk that is being received whose reference a payout of the last `days` uses, or, with `unique`, that an
 * earlier payout took as unique. Lines after `after`, in order.
 */
export async function findUsedReferences(
  trx: Db,
  { merchantId, environment }: Tenant,
  { bulkId, days, unique, after }: { bulkId: string; days: number; unique: boolean; after: number },
): Promise<readonly BulkLineError[]> {
  // As for earlier payments: each line compared with each payout would take minutes.
  await trx.query('set local enable_nestloop = off');
  const { rows } = await trx.query<{ line: number; place: string }>(
    `select line, min(place) as place from (
       select staged.line, ${PLACE} as place from bulk_staging staged
         join payouts payout on normalize(payout.reference, NFC) = normalize(staged.reference, NFC)
       where staged.bulk_id = $4 and ${IN_USE}
       union all
       select staged.line, ${PLACE} from bulk_staging staged
         join payouts payout on payout.unique_reference = normalize(staged.reference, NFC)
       where staged.bulk_id = $4 and $5 and payout.merchant_id = $1 and payout.environment = $2
     ) used where line > $6 group by line order by line limit $7`,
    [merchantId, environment, days, bulkId, unique, after, AT_ONCE],
  );
  await trx.query('set local enable_nestloop = on');
  return rows.map(({ line, place }) => ({
    line,
    field: 'reference',
    code: 'reference_used_before',
    message: `${place} has the same reference: if it is the same payment, take this line out`,
  }));
}
