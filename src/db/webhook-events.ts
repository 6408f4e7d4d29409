import type { Pool } from 'pg';

import { insertOperatorEvent } from './operator-actions';
import type { DeliveryKey } from './outbox';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/** One try of a delivery, as it ended. */
export interface DeliveryAttempt {
  at: Date;
  durationMs: number;
  httpStatus: number | null;
  result: string;
}

/** One event for one endpoint with all that was tried; the deliverer's log. */
export interface WebhookEventLog extends DeliveryKey {
  type: string;
  objectVersion: number;
  createdAt: Date;
  deliveredAt: Date | null;
  givenUpAt: Date | null;
  attempts: readonly DeliveryAttempt[];
}

interface LogRow {
  event_id: string;
  endpoint_id: string;
  type: string;
  object_version: number;
  created_at: Date;
  delivered_at: Date | null;
  given_up_at: Date | null;
  attempted_at: Date | null;
  duration_ms: number | null;
  http_status: number | null;
  result: string | null;
}

/** All events of a payout with all attempts, the oldest first. */
export async function listWebhookEvents(db: Db, payoutId: string): Promise<readonly WebhookEventLog[]> {
  const { rows } = await db.query<LogRow>(
    `select event.event_id, event.endpoint_id, type, object_version, event.created_at, delivered_at, given_up_at,
       attempt.at as attempted_at, duration_ms, http_status, result
     from outbox event left join webhook_deliveries attempt
       on attempt.event_id = event.event_id and attempt.endpoint_id = event.endpoint_id
     where payout_id = $1 order by object_version, event.endpoint_id, attempt.id`,
    [payoutId],
  );
  const events = new Map<string, WebhookEventLog & { attempts: DeliveryAttempt[] }>();
  for (const row of rows) {
    const id = `${row.event_id}/${row.endpoint_id}`;
    const event = events.get(id) ?? { ...rowToEvent(row), attempts: [] };
    events.set(id, event);
    if (row.attempted_at === null || row.duration_ms === null || row.result === null) continue;
    const { attempted_at: at, duration_ms: durationMs, http_status: httpStatus, result } = row;
    event.attempts.push({ at, durationMs, httpStatus, result });
  }
  return [...events.values()];
}

function rowToEvent(row: LogRow): Omit<WebhookEventLog, 'attempts'> {
  return {
    eventId: row.event_id,
    endpointId: row.endpoint_id,
    type: row.type,
    objectVersion: row.object_version,
    createdAt: row.created_at,
    deliveredAt: row.delivered_at,
    givenUpAt: row.given_up_at,
  };
}

export type RedeliverResult = 'due' | 'under_way' | 'endpoint_disabled' | 'missing';

/**
 * Makes an event due for delivery again under its own id, delivered or given up before or not; the sweeper takes it up
 * in its next round. `under_way` while an attempt of it has the claim.
 */
export async function redeliverWebhook(
  pool: Pool,
  { eventId, endpointId, personId }: DeliveryKey & { personId: string },
): Promise<RedeliverResult> {
  return await withTransaction(pool, async (trx) => {
    const { rows } = await trx.query<{ claimed: boolean; disabled: boolean }>(
      `select coalesce(claimed_until > clock_timestamp(), false) as claimed, endpoint.disabled_at is not null as disabled
       from outbox join webhook_endpoints endpoint on endpoint.id = endpoint_id
       where event_id = $1 and endpoint_id = $2 for update of outbox`,
      [eventId, endpointId],
    );
    if (!rows[0]) return 'missing';
    if (rows[0].disabled) return 'endpoint_disabled';
    if (rows[0].claimed) return 'under_way';
    await trx.query(
      `update outbox set delivered_at = null, given_up_at = null, handed_over_at = null, sweep_after = clock_timestamp()
       where event_id = $1 and endpoint_id = $2`,
      [eventId, endpointId],
    );
    await insertOperatorEvent(trx, { personId, action: 'webhook_redeliver', target: `${eventId}/${endpointId}` });
    return 'due';
  });
}
