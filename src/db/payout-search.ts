import type { Tenant } from '../domain/environment';
import type { MethodId } from '../domain/methods';
import type { Payout } from '../domain/payout';
import type { PayoutState } from '../domain/payout-state';
import type { PayoutStart } from '../domain/payout-start';
import { findPayout, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';

/** A merchant's payout with its sealed customer; null where it is not the merchant's in this environment. */
export async function findPayoutOf(
  db: Db,
  tenant: Tenant,
  payoutId: string,
): Promise<{ payout: Payout; customerEnc: Buffer } | null> {
  const { rows } = await db.query<PayoutRow & { customer_enc: Buffer }>(
    'select * from payouts where id = $1 and merchant_id = $2 and environment = $3',
    [payoutId, tenant.merchantId, tenant.environment],
  );
  return rows[0] ? { payout: rowToPayout(rows[0]), customerEnc: rows[0].customer_enc } : null;
}

/** What starting the run of a payout needs, whoever it belongs to; null where there is no such payout. */
export async function findPayoutStart(db: Db, payoutId: string): Promise<PayoutStart | null> {
  return await findPayout(db, payoutId);
}

export interface PayoutFilter {
  status?: readonly PayoutState[] | undefined;
  method?: MethodId | undefined;
  reference?: string | undefined;
  /** E.164. */
  recipient?: string | undefined;
  createdAfter?: Date | undefined;
  createdBefore?: Date | undefined;
  /** Minor units, both ends included. */
  amountMin?: bigint | undefined;
  amountMax?: bigint | undefined;
}

/** A merchant's payouts, newest first; those that come after the payout `after` in that order where one is named. */
export async function searchPayouts(
  db: Db,
  tenant: Tenant,
  { filter, after, limit }: { filter: PayoutFilter; after: string | null; limit: number },
): Promise<readonly Payout[]> {
  const { rows } = await db.query<PayoutRow>(
    `select * from payouts
     where merchant_id = $1 and environment = $2
       and ($3::text[] is null or state = any ($3))
       and ($4::text is null or method = $4)
       and ($5::text is null or reference = $5)
       and ($6::text is null or recipient_msisdn = $6)
       and ($7::timestamptz is null or accepted_at > $7)
       and ($8::timestamptz is null or accepted_at < $8)
       and ($9::bigint is null or amount >= $9)
       and ($10::bigint is null or amount <= $10)
       and ($11::text is null or (accepted_at, id) < (
         select accepted_at, id from payouts where id = $11 and merchant_id = $1 and environment = $2))
     order by accepted_at desc, id desc limit $12`,
    [
      tenant.merchantId,
      tenant.environment,
      filter.status ?? null,
      filter.method ?? null,
      filter.reference ?? null,
      filter.recipient ?? null,
      filter.createdAfter ?? null,
      filter.createdBefore ?? null,
      filter.amountMin ?? null,
      filter.amountMax ?? null,
      after,
      limit,
    ],
  );
  return rows.map(rowToPayout);
}

/** The payout that has a reference as its unique one, within the tenant. */
export async function findByUniqueReference(db: Db, tenant: Tenant, uniqueReference: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    'select id from payouts where merchant_id = $1 and environment = $2 and unique_reference = $3',
    [tenant.merchantId, tenant.environment, uniqueReference],
  );
  return rows[0]?.id ?? null;
}
