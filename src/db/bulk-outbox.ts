import { OPEN, rowToDelivery, UNCLAIMED } from './outbox';
import type { ClaimedDelivery, ClaimedRow } from './outbox';
import type { Db } from './pool';
import { prepared } from './prepared';
import { manyRows } from './row-source';

/** All that is left to tell one endpoint of one bulk and its lines. */
export interface BulkDrainKey {
  bulkId: string;
  endpointId: string;
}

const claimSql = (which: string): string => `
with due as (
  select outbox.event_id, outbox.endpoint_id
  from outbox join webhook_endpoints endpoint on endpoint.id = outbox.endpoint_id and endpoint.disabled_at is null
  where ${which} and ${OPEN} and ${UNCLAIMED}
  order by outbox.created_at limit $2 for update of outbox skip locked
), claimed as (
  update outbox set claim_no = claim_no + 1, claimed_until = clock_timestamp() + $1 * interval '1 millisecond',
    sweep_after = greatest(sweep_after, clock_timestamp() + $1 * interval '1 millisecond')
  from due where outbox.event_id = due.event_id and outbox.endpoint_id = due.endpoint_id
  returning outbox.*
)
select claimed.event_id, claimed.endpoint_id, claimed.payout_id, claimed.type, claimed.claim_no, claimed.created_at,
  claimed.snapshot, endpoint.merchant_id, endpoint.url, endpoint.secret_enc,
  case when endpoint.previous_secret_until > clock_timestamp() then endpoint.previous_secret_enc end as previous_secret_enc
from claimed join webhook_endpoints endpoint on endpoint.id = claimed.endpoint_id
order by claimed.payout_id, claimed.object_version`;

const CLAIM_LINES = prepared('claim_line_deliveries', claimSql('outbox.payout_id = any ($3)'));

/** Claims what these lines have to tell and nobody has in hand, in one statement; a line's events in their order. */
export async function claimLineDeliveries(
  db: Db,
  { payoutIds, leaseMs, most }: { payoutIds: readonly string[]; leaseMs: number; most: number },
): Promise<readonly ClaimedDelivery[]> {
  const { rows } = await db.query<ClaimedRow>(CLAIM_LINES(leaseMs, most, payoutIds));
  return rows.map(rowToDelivery);
}

/** Claims what a bulk itself has to tell. */
export async function claimBulkEvents(
  db: Db,
  { bulkId, leaseMs, most }: { bulkId: string; leaseMs: number; most: number },
): Promise<readonly ClaimedDelivery[]> {
  const which = 'outbox.bulk_id = $3 and outbox.payout_id is null';
  const { rows } = await db.query<ClaimedRow>(claimSql(which), [leaseMs, most, bulkId]);
  return rows.map(rowToDelivery);
}

/** Claims the oldest of what is left to tell an endpoint of a bulk and its lines. */
export async function claimDrain(
  db: Db,
  { bulkId, endpointId, leaseMs, most }: BulkDrainKey & { leaseMs: number; most: number },
): Promise<readonly ClaimedDelivery[]> {
  const which = 'outbox.bulk_id = $3 and outbox.endpoint_id = $4';
  const { rows } = await db.query<ClaimedRow>(claimSql(which), [leaseMs, most, bulkId, endpointId]);
  return rows.map(rowToDelivery);
}

/** How one claimed delivery ended; `untried`: its claim ends, and nothing was sent. */
export interface TriedDelivery {
  claimed: Pick<ClaimedDelivery, 'eventId' | 'endpointId' | 'claimNo'>;
  result: string;
  httpStatus: number | null;
  durationMs: number;
}

const TRIED = {
  event_id: 'text',
  endpoint_id: 'text',
  claim_no: 'integer',
  result: 'text',
  http_status: 'integer',
  duration_ms: 'integer',
} as const;

const RECORD = prepared(
  'record_tried_deliveries',
  `
with tried as (${manyRows(TRIED)}), logged as (
  insert into webhook_deliveries (event_id, endpoint_id, claim_no, duration_ms, http_status, result)
  select event_id, endpoint_id, claim_no, duration_ms, http_status, result from tried where result <> 'untried'
), gone as (
  update webhook_endpoints set disabled_at = clock_timestamp()
  where id in (select endpoint_id from tried where result = 'gone') and disabled_at is null
)
update outbox set
  delivered_at = case when tried.result = 'delivered' then coalesce(delivered_at, clock_timestamp()) else delivered_at end,
  given_up_at = case
    when tried.result = 'gone' then clock_timestamp()
    -- One that was asked for again after its time has one try.
    when tried.result not in ('delivered', 'untried') and created_at < clock_timestamp() - $2 * interval '1 millisecond'
      then clock_timestamp()
    when tried.result <> 'delivered' then given_up_at end,
  claimed_until = case when outbox.claim_no <> tried.claim_no then claimed_until end,
  sweep_after = case when outbox.claim_no <> tried.claim_no then sweep_after
    else clock_timestamp() + interval '30 seconds' end
from tried where outbox.event_id = tried.event_id and outbox.endpoint_id = tried.endpoint_id
returning outbox.given_up_at is not null as given_up`,
);

/**
 * Writes down what many attempts gave, and ends their claims, in one statement. One that fails and is older than
 * `retryForMs` is given up. Returns how many were given up.
 */
export async function recordTriedDeliveries(
  db: Db,
  tried: readonly TriedDelivery[],
  { retryForMs }: { retryForMs: number },
): Promise<number> {
  const input = tried.map(({ claimed, result, httpStatus, durationMs }) => ({
    event_id: claimed.eventId,
    endpoint_id: claimed.endpointId,
    claim_no: claimed.claimNo,
    result,
    http_status: httpStatus,
    duration_ms: durationMs,
  }));
  const { rows } = await db.query<{ given_up: boolean }>(RECORD(JSON.stringify(input), retryForMs));
  return rows.filter((row) => row.given_up).length;
}

/** What is still to be told, and by whom nobody knows yet; none where the endpoint was switched off. */
export async function countDrain(db: Db, { bulkId, endpointId }: BulkDrainKey): Promise<number> {
  const { rows } = await db.query<{ open: number }>(
    `select count(*)::int as open from outbox join webhook_endpoints endpoint on endpoint.id = endpoint_id
     where bulk_id = $1 and endpoint_id = $2 and ${OPEN} and endpoint.disabled_at is null`,
    [bulkId, endpointId],
  );
  return rows[0]?.open ?? 0;
}

/** Takes what nobody has claimed for 30 seconds, by bulk and endpoint, with a lease, for one workflow each. */
export async function claimDueDrains(db: Db, limit: number): Promise<readonly BulkDrainKey[]> {
  const { rows } = await db.query<{ bulk_id: string; endpoint_id: string }>(
    `insert into bulk_drains (bulk_id, endpoint_id, sweep_after)
     select bulk_id, endpoint_id, now() + interval '60 seconds' from (
       select distinct bulk_id, endpoint_id from outbox
       where bulk_id is not null and sweep_after < clock_timestamp() and ${OPEN} and ${UNCLAIMED}
         and exists (select from webhook_endpoints where id = endpoint_id and disabled_at is null)
       limit $1
     ) due
     on conflict (bulk_id, endpoint_id) do update set sweep_after = excluded.sweep_after
       where bulk_drains.sweep_after < clock_timestamp()
     returning bulk_id, endpoint_id`,
    [limit],
  );
  return rows.map(({ bulk_id, endpoint_id }) => ({ bulkId: bulk_id, endpointId: endpoint_id }));
}
