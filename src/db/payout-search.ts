import type { Tenant } from '../domain/environment';
import type { MethodId } from '../domain/methods';
import type { Payout } from '../domain/payout';
import { RARE_STATES } from '../domain/payout-state';
import type { PayoutState } from '../domain/payout-state';
import type { PayoutStart } from '../domain/payout-start';
import { findPayout, payoutColumns, rowToPayout } from './payout-rows';
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

/** What every branch of a search asks of a payout, besides its state. */
const MATCHES = `merchant_id = $1 and environment = $2
       and ($4::text is null or method = $4)
       and ($5::text is null or normalize(reference, NFC) = normalize($5, NFC))
       and ($6::text is null or recipient_msisdn = $6)
       and ($7::timestamptz is null or accepted_at > $7)
       and ($8::timestamptz is null or accepted_at < $8)
       and ($9::bigint is null or amount >= $9)
       and ($10::bigint is null or amount <= $10)
       and ($11::text is null or (accepted_at, id) < (
         select accepted_at, id from payouts where id = $11 and merchant_id = $1 and environment = $2))`;

const PAGE = 'order by accepted_at desc, id desc limit $12';

/** Each asked state by the index of rare states, in its order. */
const RARE = `select rare.* from unnest($3::text[]) as asked (state) cross join lateral (
       select * from payouts where rare_state = asked.state and ${MATCHES} ${PAGE}) rare`;

/** Open ones with runs of their own, by the index of these. */
const OWN = `select * from (
       select * from payouts where sweep_after < 'infinity' and rare_state is null and state = any ($3) and ${MATCHES} ${PAGE}) own`;

/** Open lines, by the bulks that are not at rest: $13. */
const LINES = `select * from (
       select * from payouts where bulk_id = any ($13::text[]) and sweep_after = 'infinity' and rare_state is null
         and state = any ($3) and ${MATCHES} ${PAGE}) lines`;

const ANY = `select * from payouts where ($3::text[] is null or state = any ($3)) and ${MATCHES}`;

/**
 * A merchant's payouts, newest first; those that come after the payout `after` in that order where one is named. States
 * other than `succeeded` are found by indexes of their own, so that a few among millions are not looked for in all.
 */
export async function searchPayouts(
  db: Db,
  tenant: Tenant,
  { filter, after, limit }: { filter: PayoutFilter; after: string | null; limit: number },
): Promise<readonly Payout[]> {
  const branches = branchesFor(filter.status);
  // Named one by one, so that PostgreSQL plans with how many lines these bulks have.
  const openBulks = branches.includes(LINES) ? [await listOpenBulks(db, tenant)] : [];
  const { rows } = await db.query<PayoutRow>(
    `select ${payoutColumns('found')} from (${branches.join(' union all ')}) found ${PAGE}`,
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
      ...openBulks,
    ],
  );
  return rows.map(rowToPayout);
}

async function listOpenBulks(db: Db, { merchantId, environment }: Tenant): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from bulks where merchant_id = $1 and environment = $2
       and state not in ('invalid', 'completed', 'rejected', 'cancelled')`,
    [merchantId, environment],
  );
  return rows.map(({ id }) => id);
}

function branchesFor(states: readonly PayoutState[] | undefined): readonly string[] {
  if (states === undefined || states.includes('succeeded')) return [ANY];
  const rare = states.some((state) => RARE_STATES.includes(state)) ? [RARE] : [];
  return states.every((state) => RARE_STATES.includes(state)) ? rare : [...rare, OWN, LINES];
}

/** The payout that has a reference as its unique one, within the tenant. */
export async function findByUniqueReference(db: Db, tenant: Tenant, uniqueReference: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    'select id from payouts where merchant_id = $1 and environment = $2 and unique_reference = normalize($3, NFC)',
    [tenant.merchantId, tenant.environment, uniqueReference],
  );
  return rows[0]?.id ?? null;
}
