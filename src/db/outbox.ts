import type { PayoutSnapshot } from '../domain/payout-object';
import type { Db } from './pool';

/** A delivery that its claimer, and nobody else until the claim ends, may attempt. */
export interface ClaimedDelivery {
  eventId: string;
  endpointId: string;
  payoutId: string;
  merchantId: string;
  type: string;
  claimNo: number;
  createdAt: Date;
  url: string;
  /** Sealed, purpose `webhook-secret`; the previous one only while a rotation lasts. */
  secretsEnc: readonly Buffer[];
  snapshot: PayoutSnapshot;
}

interface ClaimedRow {
  event_id: string;
  endpoint_id: string;
  payout_id: string;
  merchant_id: string;
  type: string;
  claim_no: number;
  created_at: Date;
  url: string;
  secret_enc: Buffer;
  previous_secret_enc: Buffer | null;
  snapshot: PayoutSnapshot;
}

function rowToDelivery(row: ClaimedRow): ClaimedDelivery {
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

/** Ends the claim of a deliverer that died; longer than any delivery's own time-out. */
const CLAIM = "clock_timestamp() + interval '60 seconds'";

const CLAIM_AND_READ = (which: string): string => `
with claimed as (
  update outbox set claimed_until = ${CLAIM}, claim_no = claim_no + 1,
    sweep_after = greatest(sweep_after, ${CLAIM})
  where ${which} and delivered_at is null and given_up_at is null
    and (claimed_until is null or claimed_until < clock_timestamp())
  returning *
)
select claimed.*, endpoint.merchant_id, endpoint.url, endpoint.secret_enc,
  case when endpoint.previous_secret_until > clock_timestamp() then endpoint.previous_secret_enc end as previous_secret_enc
from claimed join webhook_endpoints endpoint on endpoint.id = claimed.endpoint_id
order by claimed.object_version`;

/** Claims all deliveries of a payout that nobody has in hand, and that are not a delivery workflow's. */
export async function claimPayoutDeliveries(db: Db, payoutId: string): Promise<readonly ClaimedDelivery[]> {
  const { rows } = await db.query<ClaimedRow>(CLAIM_AND_READ('payout_id = $1 and handed_over_at is null'), [payoutId]);
  return rows.map(rowToDelivery);
}

/** Claims one delivery; null where another has it, or it is done. */
export async function claimDelivery(
  db: Db,
  which: { eventId: string; endpointId: string },
): Promise<ClaimedDelivery | null> {
  const { rows } = await db.query<ClaimedRow>(CLAIM_AND_READ('event_id = $1 and endpoint_id = $2'), [
    which.eventId,
    which.endpointId,
  ]);
  return rows[0] ? rowToDelivery(rows[0]) : null;
}

/** How a delivery stands, for a deliverer that could not claim it. */
export async function deliveryStatus(
  db: Db,
  which: { eventId: string; endpointId: string },
): Promise<'done' | 'claimed' | 'missing'> {
  const { rows } = await db.query<{ done: boolean }>(
    `select delivered_at is not null or given_up_at is not null as done from outbox
     where event_id = $1 and endpoint_id = $2`,
    [which.eventId, which.endpointId],
  );
  if (!rows[0]) return 'missing';
  return rows[0].done ? 'done' : 'claimed';
}

/** Writes down what an attempt gave, and ends its claim; an endpoint that is gone is disabled and its delivery given up. */
export async function recordDelivery(
  db: Db,
  claimed: Pick<ClaimedDelivery, 'eventId' | 'endpointId' | 'claimNo'>,
  attempt: { result: string; httpStatus: number | null; durationMs: number },
): Promise<void> {
  await db.query(
    `with logged as (
       insert into webhook_deliveries (event_id, endpoint_id, claim_no, duration_ms, http_status, result)
       values ($1, $2, $3, $4, $5, $6)
     ), gone as (
       update webhook_endpoints set disabled_at = clock_timestamp()
       where id = $2 and $6 = 'gone' and disabled_at is null
     )
     update outbox set
       delivered_at = case when $6 = 'delivered' then clock_timestamp() else delivered_at end,
       given_up_at = case when $6 = 'gone' then clock_timestamp() else given_up_at end,
       claimed_until = case when claim_no = $3 then null else claimed_until end,
       sweep_after = case when claim_no = $3 then clock_timestamp() + interval '30 seconds' else sweep_after end
     where event_id = $1 and endpoint_id = $2`,
    [claimed.eventId, claimed.endpointId, claimed.claimNo, attempt.durationMs, attempt.httpStatus, attempt.result],
  );
}

/** The delivery workflow takes the row over: the payout's own run leaves it alone from then on. */
export async function markHandedOver(db: Db, which: { eventId: string; endpointId: string }): Promise<void> {
  await db.query(
    `update outbox set handed_over_at = coalesce(handed_over_at, clock_timestamp())
     where event_id = $1 and endpoint_id = $2`,
    [which.eventId, which.endpointId],
  );
}

export async function giveUpDelivery(db: Db, which: { eventId: string; endpointId: string }): Promise<void> {
  await db.query(
    `update outbox set given_up_at = clock_timestamp()
     where event_id = $1 and endpoint_id = $2 and delivered_at is null`,
    [which.eventId, which.endpointId],
  );
}

/** Takes deliveries that nobody has claimed for 30 seconds; each is due again later should its start be lost. */
export async function claimUnclaimedDeliveries(
  db: Db,
  limit: number,
): Promise<readonly { eventId: string; endpointId: string }[]> {
  const { rows } = await db.query<{ event_id: string; endpoint_id: string }>(
    `with due as (
       select event_id, endpoint_id from outbox
       where sweep_after < clock_timestamp() and delivered_at is null and given_up_at is null
         and handed_over_at is null and (claimed_until is null or claimed_until < clock_timestamp())
       order by sweep_after limit $1 for update skip locked
     )
     update outbox set sweep_after = clock_timestamp() + interval '60 seconds'
     from due where outbox.event_id = due.event_id and outbox.endpoint_id = due.endpoint_id
     returning outbox.event_id, outbox.endpoint_id`,
    [limit],
  );
  return rows.map(({ event_id, endpoint_id }) => ({ eventId: event_id, endpointId: endpoint_id }));
}
