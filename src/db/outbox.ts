import type { Payout } from '../domain/payout';
import type { PayoutSnapshot } from '../domain/payout-object';
import { joinedColumns, joinedRow } from './joined-rows';
import { PAYOUT_COLUMNS, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';
import { prepared } from './prepared';

/** One event for one endpoint: a row of the outbox. */
export interface DeliveryKey {
  eventId: string;
  endpointId: string;
}

/** A delivery that its claimer, and nobody else until the claim ends, may attempt. */
export interface ClaimedDelivery extends DeliveryKey {
  /** Null for an event of a bulk. */
  payoutId: string | null;
  merchantId: string;
  type: string;
  claimNo: number;
  createdAt: Date;
  url: string;
  /** Sealed, purpose `webhook-secret`; the previous one only while a rotation lasts. */
  secretsEnc: readonly Buffer[];
  /** What of the object changes: a payout as it was at the event's version, or a whole bulk. */
  snapshot: PayoutSnapshot | Readonly<Record<string, unknown>>;
}

export interface ClaimedRow {
  event_id: string;
  endpoint_id: string;
  payout_id: string | null;
  merchant_id: string;
  type: string;
  claim_no: number;
  created_at: Date;
  url: string;
  secret_enc: Buffer;
  previous_secret_enc: Buffer | null;
  snapshot: ClaimedDelivery['snapshot'];
}

export function rowToDelivery(row: ClaimedRow): ClaimedDelivery {
  return {
    eventId: row.event_id,
    endpointId: row.endpoint_id,
    payoutId: row.payout_id,
    merchantId: row.merchant_id,
    type: row.type,
    claimNo: row.claim_no,
    createdAt: row.created_at,
    url: row.url,
    secretsEnc: row.previous_secret_enc ? [row.secret_enc, row.previous_secret_enc] : [row.secret_enc],
    snapshot: row.snapshot,
  };
}

/** Neither delivered nor given up, and in nobody's hand. */
export const OPEN = 'delivered_at is null and given_up_at is null';
export const UNCLAIMED = '(claimed_until is null or claimed_until < clock_timestamp())';

/**
 * Longer than the longest gap between two tries of a delivery workflow: a row that was handed over and not heard of for
 * so long has lost its workflow, and the sweeper starts it again.
 */
const HANDED_OVER_FOR = "interval '2 hours'";

const LIST_OWN = prepared(
  'list_own_deliveries',
  `select event_id, endpoint_id from outbox
     where payout_id = $1 and handed_over_at is null and ${OPEN} and ${UNCLAIMED}
     order by object_version, endpoint_id`,
);

/** What a payout has to tell and nobody has in hand, without what a delivery workflow carries; oldest version first. */
export async function listOwnDeliveries(db: Db, payoutId: string): Promise<readonly DeliveryKey[]> {
  const { rows } = await db.query<{ event_id: string; endpoint_id: string }>(LIST_OWN(payoutId));
  return rows.map(rowToKey);
}

const CLAIM = prepared(
  'claim_delivery',
  `with claimed as (
       update outbox set claim_no = claim_no + 1,
         claimed_until = clock_timestamp() + $3 * interval '1 millisecond',
         sweep_after = greatest(sweep_after, clock_timestamp() + $3 * interval '1 millisecond')
       where event_id = $1 and endpoint_id = $2 and ${OPEN} and ${UNCLAIMED}
         and exists (select from webhook_endpoints where id = $2 and disabled_at is null)
       returning event_id, endpoint_id, payout_id, type, claim_no, created_at, snapshot
     )
     select claimed.*, endpoint.merchant_id, endpoint.url, endpoint.secret_enc,
       case when endpoint.previous_secret_until > clock_timestamp() then endpoint.previous_secret_enc end
         as previous_secret_enc, ${joinedColumns('told', PAYOUT_COLUMNS)}
     from claimed join webhook_endpoints endpoint on endpoint.id = claimed.endpoint_id
       left join payouts told on told.id = claimed.payout_id`,
);

/**
 * Claims one delivery for `leaseMs`, longer than its attempt may take, with the payout that it tells of (null: a bulk);
 * null where another has it, it is done, or its endpoint was switched off.
 */
export async function claimDelivery(
  db: Db,
  key: DeliveryKey,
  leaseMs: number,
): Promise<(ClaimedDelivery & { payout: Payout | null }) | null> {
  const { rows } = await db.query<ClaimedRow & Record<string, unknown>>(CLAIM(key.eventId, key.endpointId, leaseMs));
  const row = rows[0];
  if (!row) return null;
  const payout = row.payout_id === null ? null : rowToPayout(joinedRow<PayoutRow>(row, 'told', PAYOUT_COLUMNS));
  return { ...rowToDelivery(row), payout };
}

export type DeliveryStanding = 'delivered' | 'given_up' | 'endpoint_disabled' | 'open' | 'missing';

/** How a delivery stands, for a deliverer that could not claim it. */
export async function readDeliveryStanding(db: Db, key: DeliveryKey): Promise<DeliveryStanding> {
  const { rows } = await db.query<{ standing: DeliveryStanding }>(
    `select case when delivered_at is not null then 'delivered' when given_up_at is not null then 'given_up'
       when endpoint.disabled_at is not null then 'endpoint_disabled' else 'open' end as standing
     from outbox join webhook_endpoints endpoint on endpoint.id = endpoint_id
     where event_id = $1 and endpoint_id = $2`,
    [key.eventId, key.endpointId],
  );
  return rows[0]?.standing ?? 'missing';
}

const RECORD = prepared(
  'record_delivery',
  `with logged as (
       insert into webhook_deliveries (event_id, endpoint_id, claim_no, duration_ms, http_status, result)
       values ($1, $2, $3, $4, $5, $6)
     ), gone as (
       update webhook_endpoints set disabled_at = clock_timestamp()
       where id = $2 and $6 = 'gone' and disabled_at is null
     )
     update outbox set
       delivered_at = case when $6 = 'delivered' then coalesce(delivered_at, clock_timestamp()) else delivered_at end,
       given_up_at = case when $6 = 'gone' then clock_timestamp() when $6 <> 'delivered' then given_up_at end,
       claimed_until = case when claim_no <> $3 then claimed_until end,
       sweep_after = case when claim_no <> $3 then sweep_after when handed_over_at is null
         then clock_timestamp() + interval '30 seconds' else clock_timestamp() + ${HANDED_OVER_FOR} end
     where event_id = $1 and endpoint_id = $2`,
);

/**
 * Writes down what an attempt gave, and ends its claim unless another has claimed it since. An endpoint that answered
 * that it is gone is switched off, and the delivery given up.
 */
export async function recordDelivery(
  db: Db,
  claimed: Pick<ClaimedDelivery, 'eventId' | 'endpointId' | 'claimNo'>,
  attempt: { result: string; httpStatus: number | null; durationMs: number },
): Promise<void> {
  await db.query(
    RECORD(
      claimed.eventId,
      claimed.endpointId,
      claimed.claimNo,
      attempt.durationMs,
      attempt.httpStatus,
      attempt.result,
    ),
  );
}

/** The delivery workflow has the row: the payout's run leaves it alone, and so does the sweeper while it is heard of. */
export async function markHandedOver(db: Db, key: DeliveryKey): Promise<void> {
  await db.query(
    `update outbox set handed_over_at = coalesce(handed_over_at, clock_timestamp()),
       sweep_after = clock_timestamp() + ${HANDED_OVER_FOR}
     where event_id = $1 and endpoint_id = $2 and ${OPEN}`,
    [key.eventId, key.endpointId],
  );
}

/** Ends a delivery without success. False where it was delivered or given up before. */
export async function giveUpDelivery(db: Db, key: DeliveryKey): Promise<boolean> {
  const { rowCount } = await db.query(
    `update outbox set given_up_at = clock_timestamp() where event_id = $1 and endpoint_id = $2 and ${OPEN}`,
    [key.eventId, key.endpointId],
  );
  return rowCount === 1;
}

/**
 * Takes deliveries of single payouts that nobody has claimed for 30 seconds, for a workflow of their own. The lease is committed before
 * the workflow is started: a start that is lost, or a workflow that was terminated, makes the row due again.
 */
export async function claimUnclaimedDeliveries(db: Db, limit: number): Promise<readonly DeliveryKey[]> {
  const { rows } = await db.query<{ event_id: string; endpoint_id: string }>(
    `with due as (
       select event_id, endpoint_id from outbox
       where sweep_after < clock_timestamp() and bulk_id is null and ${OPEN} and ${UNCLAIMED}
       order by sweep_after limit $1 for update skip locked
     )
     update outbox set sweep_after = clock_timestamp() + interval '60 seconds'
     from due where outbox.event_id = due.event_id and outbox.endpoint_id = due.endpoint_id
     returning outbox.event_id, outbox.endpoint_id`,
    [limit],
  );
  return rows.map(rowToKey);
}

function rowToKey(row: { event_id: string; endpoint_id: string }): DeliveryKey {
  return { eventId: row.event_id, endpointId: row.endpoint_id };
}
