import type { Bulk } from '../domain/bulk';
import { canBulkMove, isRestingBulk } from '../domain/bulk-state';
import type { BulkReason, BulkState } from '../domain/bulk-state';
import type { Actor } from '../domain/principal';
import { bulkWebhookEventOf } from '../domain/webhook-event';
import { ROLL_UP } from './bulk-roll-up';
import { rowToBulk } from './bulk-rows';
import type { BulkRow } from './bulk-rows';
import type { Db } from './pool';

export interface BulkMove {
  to: BulkState;
  actor: Actor;
  reason: BulkReason;
  /** Counts or amounts for people; never a value of a line. */
  detail?: string;
}

/** Someone else changed the bulk since it was read; read it again and decide anew. */
export class StaleBulkError extends Error {
  override readonly name = 'StaleBulkError';
}

/**
 * Moves a bulk to a state: its row, only at the version that was read, its event, and where it comes to rest an outbox row
 * for each endpoint that wants to hear of it, in one statement.
 * Throws `StaleBulkError`; PostgreSQL refuses what `guard_bulk` forbids.
 */
export async function moveBulk(trx: Db, bulk: Bulk, { to, actor, reason, detail }: BulkMove): Promise<Bulk> {
  if (bulk.state !== to && !canBulkMove(bulk.state, to)) {
    throw new Error(`bulk ${bulk.id}: ${bulk.state} may not go to ${to}`);
  }
  const { rows } = await trx.query<BulkRow>(
    `with moved as (
       update bulks set state = $3, reason = $4, version = version + 1, updated_at = clock_timestamp(),
         started_at = case when $3 = 'running' then coalesce(started_at, clock_timestamp()) else started_at end,
         finished_at = case when $8 then clock_timestamp() end
       where id = $1 and version = $2 returning *
     ), event as (
       insert into bulk_events (bulk_id, sequence, from_state, to_state, actor, reason, detail)
       select id, version, $5, state, $6, reason, $7 from moved
     ), notices as (
       insert into outbox (event_id, endpoint_id, bulk_id, type, object_version, snapshot)
       select 'evt_' || moved.id || '_' || moved.version
           || (select case count(*) when 0 then '' else '_r' || count(*) end from restores),
         endpoint.id, moved.id, $9::text, moved.version,
         jsonb_build_object(
           'id', moved.id, 'object', 'bulk_cash_in', 'environment', moved.environment, 'state', moved.state,
           'reason', moved.reason, 'version', moved.version, 'description', moved.description,
           'metadata', moved.metadata, 'currency', moved.currency, 'lines', moved.line_count,
           'total', moved.total::text, 'skipped_lines', moved.skipped_count,
           'progress', (select coalesce(jsonb_object_agg(state, jsonb_build_object('lines', lines, 'amount', amount::text)), '{}')
             from (${ROLL_UP}) roll_up),
           'finished_at', to_char(moved.finished_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
       from moved join webhook_endpoints endpoint
         on endpoint.merchant_id = moved.merchant_id and endpoint.environment = moved.environment
        and endpoint.disabled_at is null and $9::text = any (endpoint.events) and moved.notify <> 'none'
     )
     select * from moved`,
    [
      ...[bulk.id, bulk.version, to, reason, bulk.state, actor, detail ?? null, isRestingBulk(to)],
      bulk.state === to ? null : bulkWebhookEventOf(to),
    ],
  );
  if (!rows[0]) throw new StaleBulkError(`bulk ${bulk.id} is no longer at version ${bulk.version}`);
  return rowToBulk(rows[0]);
}
